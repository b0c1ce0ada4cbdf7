"""What runs in one process, and first."""

from pathlib import Path

from tests.schedule import FIRST, TOGETHER, rank, share

ROOT = Path(__file__).parents[1]


def test_files_are_run_as_a_whole_and_what_shares_a_browser_in_two_processes() -> None:
    assert share("tests/log/test_lease.py::test_a") == share("tests/log/test_lease.py::test_b[x::y]")
    assert share("tests/log/test_lease.py::test_a") != share("tests/log/test_dead.py::test_a")
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/browser").glob("test_*.py"))
    assert len({share(f"{file}::test") for file in files}) == TOGETHER["tests/browser"]


def test_the_longest_begin_first() -> None:
    asked = [f"tests/{name}/test_x.py::test" for name in ("faults", "browser", "deploy", "log")]
    assert [*map(rank, asked)] == sorted(set(map(rank, asked)))
    assert all((ROOT / folder).is_dir() for folder in (*FIRST, *TOGETHER))
