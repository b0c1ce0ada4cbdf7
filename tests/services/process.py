"""Child processes that cannot outlive the test session."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
PATIENCE_SECONDS = 180.0  # with a server that starts: others may start theirs at the same time

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ServiceUnavailable(Exception):
    """The service cannot run here; the message says why in one line."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a child in the repository's folder, its output appended to `log`. Call from the main thread: on Linux the
    child is killed when the thread that started it ends."""
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env={**os.environ, **(env or {})},
            preexec_fn=_die_with_parent,
        )


def stop(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """End a child gently, then by force. Blocks until it is gone."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Block until `ready()`. Raises ServiceUnavailable, with the log's last lines, if the child ends or is late."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            how = "ended" if process.poll() is not None else f"did not answer within {seconds:.0f} s"
            logged = log.read_text(errors="replace").strip().splitlines() or ["(nothing logged)"]
            lines = " | ".join([line for line in logged if not line.startswith("\tat ")][-5:])  # no frames of a stack
            stop(process, 1.0)
            raise ServiceUnavailable(f"{process.args[0]!s} {how}: {lines}")  # type: ignore[index]
        time.sleep(0.02)
