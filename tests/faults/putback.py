"""A stack's Redis put back to an earlier copy of its files, as a restored volume or snapshot would."""

import os
import shutil
import signal
import time
from pathlib import Path

from tests.deploy.stack import Stack, gone

KEPT = ("password", "redis.conf", "redis.log")  # of the server's folder: no data


def copy(stack: Stack, to: Path) -> Path:
    """A copy of what Redis has on disk now. Not under a rewrite of its file, which would leave half of one."""
    folder = stack.data / "redis"
    while True:
        shutil.rmtree(to, ignore_errors=True)
        before = _names(folder)
        shutil.copytree(folder, to, ignore=shutil.ignore_patterns(*KEPT, "temp*"))
        if _names(folder) == before:
            return to
        time.sleep(0.1)


def put_back(stack: Stack, earlier: Path) -> None:
    """kill -9 of Redis, the copy in its place; `up` starts it again as after any crash."""
    assert stack.process is not None
    redis = stack.parts()["redis"]
    os.kill(stack.process.pid, signal.SIGSTOP)  # or it would start it before the copy is there
    try:
        os.kill(redis, signal.SIGKILL)
        while not gone(redis):
            time.sleep(0.01)
        place(stack, earlier)
    finally:
        os.kill(stack.process.pid, signal.SIGCONT)


def place(stack: Stack, earlier: Path) -> None:
    """The copy instead of what a Redis that does not run has."""
    folder = stack.data / "redis"
    for name in _names(folder):
        if not (folder / name).is_dir():
            (folder / name).unlink(missing_ok=True)
    shutil.copytree(earlier, folder, dirs_exist_ok=True)


def _names(folder: Path) -> set[str]:
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if "temp" not in path.name}
    return {name for name in found if name.split("/")[0] not in KEPT}
