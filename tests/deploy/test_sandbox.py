"""The kernel's fence: what the engine is made to try fails, whatever let the statement through."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import sandbox

pytestmark = pytest.mark.services

FENCED = """
import sys
from pathlib import Path
from deploy.local import sandbox
from deploy.local.engine import Engine, QueryError
print(sandbox.enter(Path(sys.argv[1]), []))
"""
TRY = """
def attempt(what):
    try:
        print(what())
    except OSError as error:
        print(type(error).__name__)
import os
import socket
import threading
outside, inside = Path(sys.argv[2]), Path(sys.argv[1])
attempt(lambda: (inside / "new").write_text("x"))
attempt(lambda: (inside / "new").rename(inside / "newer").read_text())
attempt((outside / "secret.txt").read_text)
attempt(lambda: (outside / "written").write_text("x"))
attempt(lambda: (outside / "secret.txt").unlink())
attempt(lambda: list(outside.iterdir()))
attempt(Path("/etc/passwd").read_text)
attempt(Path("/proc/self/environ").read_text)
attempt(lambda: Path(f"/proc/self/task/{threading.get_native_id()}/environ").read_text().strip(chr(0)) or "nothing")
attempt(lambda: os.environ.get("THROUGHLINE_SECRET", "nothing") + os.environ["PATH"][:1])
attempt(lambda: Path("/proc/thread-self/schedstat").read_text() and "read")
attempt(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3])), 5))
"""
ENGINE = """
import os
os.environ["TMPDIR"] = sys.argv[1]
engine = Engine(Path(sys.argv[1]), 1 << 30)
with engine.session() as session:
    session._check = lambda *_: None
    def run(sql):
        try:
            return session.run(sql.encode(), "main", {}, {}, "TSV").body
        except QueryError as error:
            return error.code
    print(run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a"), run("INSERT INTO t FORMAT TSV\\n7\\n"))
    print(run("SELECT a, toHour(toDateTime(0, 'Europe/Berlin')) FROM t"))
    print(run(f"SELECT file('{sys.argv[2]}/secret.txt')"))
    print(run(f"SELECT 1 INTO OUTFILE '{sys.argv[2]}/written'"))
    print(run(f"INSERT INTO t FROM INFILE '{sys.argv[2]}/secret.txt' FORMAT TSV"))
engine.close()
"""


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text("8")
    return inside, outside


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def fenced(script: str, *arguments: object) -> list[str]:
    command = [sys.executable, "-c", FENCED + script, *map(str, arguments)]
    environ = {**os.environ, "THROUGHLINE_SECRET": "s3cret"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environ)
    first, *said = done.stdout.splitlines()
    if first != "True":
        pytest.skip("this kernel has no Landlock")
    return said


def test_a_process_reaches_its_folder_and_nothing_else(places: tuple[Path, Path], listener: int) -> None:
    said = fenced(TRY, *places, listener)
    assert said[:2] == ["1", "x"] and said[2:8] == ["PermissionError"] * 6
    assert said[8:11] == ["nothing", "nothing/", "read"]
    assert said[11] == "PermissionError" or sandbox.version() < 4
    assert [path.name for path in places[1].iterdir()] == ["secret.txt"]


def test_the_engine_works_inside_and_gets_nothing_from_outside(places: tuple[Path, Path]) -> None:
    pytest.importorskip("chdb", reason="needs the extra `local`")
    made, found, *refused = fenced(ENGINE, *places)
    assert (made, found) == ("b'' b''", r"b'7\t1\n'")
    assert [line.isdigit() for line in refused] == [True, True, True]
    assert [path.name for path in places[1].iterdir()] == ["secret.txt"]


MOVED = """
import ctypes
text = ctypes.create_string_buffer(b"TMPDIR=" + sys.argv[1].encode())
environ = (ctypes.c_size_t * 5)(ctypes.addressof(text), 0, 33, 0x5555555555555555, 0)
ctypes.c_size_t.in_dll(ctypes.CDLL(None), "environ").value = ctypes.addressof(environ)
Engine(Path(sys.argv[1]), 1 << 30)
"""


def test_the_engine_starts_whatever_lies_behind_an_environment_that_was_set(tmp_path: Path) -> None:
    """There the kernel's words to a new process were: 33 leads to code of its own, here to nowhere."""
    done = subprocess.run([sys.executable, "-c", FENCED + MOVED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
