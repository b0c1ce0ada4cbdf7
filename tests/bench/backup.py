"""`make bench ARGS=backup`: a million events backed up, backed up again, and restored into an empty stack."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import backlog
from tests.bench.row import Row, cpu_seconds, parts
from tests.deploy.stack import Stack


def measure() -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "kept"
        with backlog.bench() as bench:
            backlog.count(bench)
            first = _timed(bench.stack, "backup", str(folder))
            again = _timed(bench.stack, "backup", str(folder))
        size = sum(path.stat().st_size for path in folder.rglob("*")) / 1e6
        with Stack(Path(made) / "new") as new:
            back = _timed(new, "restore", str(folder))
            clean = _timed(new, "verify")
    of = f"{backlog.EVENTS:,} events"
    return [
        Row(f"backup of {of}, s", "minutes", [first[0]], f"{size:,.0f} MB; {first[1]}"),
        Row("backup once more, s", "", [again[0]], again[1]),
        Row(f"restore of {of}, s", "minutes", [back[0]], back[1]),
        Row("verify of it, s", "", [clean[0]], clean[1]),
    ]


def _timed(stack: Stack, *arguments: str) -> tuple[float, str]:
    pid = stack.parts()["clickhouse"]
    spent, began = -cpu_seconds(pid), time.perf_counter()
    stack.command(*arguments)
    return time.perf_counter() - began, parts({"clickhouse": spent + cpu_seconds(pid)}, "s of CPU")
