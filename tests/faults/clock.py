"""A wall clock that a test sets, for every process of a stack: ours, Redis, ClickHouse and the broker's JVM alike.

A small library, made from `clock.c`, is preloaded into them. (libfaketime 0.9.10 makes Python's `sleep` fail, and does
not reach the engine, which asks the kernel's page of clock functions itself.) Clocks that only grow are left alone.
"""

import atexit
import functools
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """Set `ahead` at any moment; processes started with `env` see it at once."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._ahead_ms = 0
        self.set(0)
        self.env = {"LD_PRELOAD": str(_library()), "TEST_CLOCK": str(self._file)}

    def set(self, ahead_ms: int) -> None:
        """Put the clock so far ahead of the machine's (behind, if negative)."""
        self._ahead_ms = ahead_ms
        if not self._file.exists():
            self._file.write_bytes(bytes(8))
        with self._file.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("=q", ahead_ms * 1_000_000))

    def now(self) -> int:
        """What the clock shows, ms."""
        return time.time_ns() // 1_000_000 + self._ahead_ms


@functools.cache
def _library() -> Path:
    folder = tempfile.mkdtemp(prefix="clock-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Path(folder) / "clock.so"
    compiler = shutil.which("cc") or "cc"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return made


@functools.cache
def lacking() -> str:
    """Why there is no such clock here, or ""."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "a clock that can be set is made for Linux on x86-64 only"
    try:
        with tempfile.TemporaryDirectory() as folder:
            clock = Clock(Path(folder))
            clock.set(90_000_000)
            said = subprocess.run(["date", "+%s"], env=clock.env, check=True, capture_output=True, text=True).stdout
            return "" if abs(int(said) * 1000 - clock.now()) < 10_000 else "the clock cannot be set for other processes"
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no clock that can be set: {getattr(error, 'stderr', None) or error}"
