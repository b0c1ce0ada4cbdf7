"""Child processes: started, watched, restarted with backoff, stopped in order, and never left behind.

Two things tie a child to its parent, so that `kill -9` of the parent leaves no orphan: the kernel kills it when the
parent dies (Linux), and our own programs read a pipe that ends with the parent (`die_with_parent`). Every child
inherits the folder's lock, so the folder is free only when the last of them is gone.
"""

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LIFELINE = "THROUGHLINE_LIFELINE"  # number of the pipe's file descriptor in a child
_BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_HINDERED_SECONDS = 2.0
_TEND_SECONDS = 10.0
_STEADY_SECONDS = 60.0  # a part that ran so long begins again with the shortest backoff
_PR_SET_PDEATHSIG = 1
_STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Part:
    """A child process: its name for people, its command, what it inherits, and how long it may take to stop."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    fds: Sequence[int] = ()
    stop_seconds: float = 7.0
    once: bool = False  # runs to its end; started again by nobody
    tend: Callable[[], None] | None = None  # called now and then while it runs; must not block for long
    hindrance: Callable[[], str] = lambda: ""  # why it cannot be started again now, "" if it can


class Child:
    """One part and the process that plays it at the moment."""

    def __init__(self, part: Part, inherited: Sequence[int], lifeline: int) -> None:
        self.part = part
        self._inherited = (*inherited, lifeline, *part.fds)
        self._lifeline = lifeline
        self.failures = 0
        self.hindered = False
        self.tend_at = 0.0
        self.start()

    def start(self) -> None:
        """Start the process. Raises OSError when there is no such program."""
        parent = os.getpid()

        def tie() -> None:
            if _libc is not None:
                _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != parent:  # it died before the kernel knew what we want
                    os._exit(1)

        self.process = subprocess.Popen(  # noqa: S603 - our own programs and redis-server
            self.part.command,
            env={**os.environ, **self.part.environ, LIFELINE: str(self._lifeline)},
            stdin=subprocess.DEVNULL,
            stdout=None if self.part.once else subprocess.DEVNULL,
            pass_fds=self._inherited,
            umask=0o077,  # what stores write is for nobody else
            process_group=0,  # Ctrl+C goes to the parent, which stops the parts in order
            preexec_fn=tie,
        )
        self.started = time.monotonic()
        self.restart_at: float | None = None

    def ended(self) -> str | None:
        """How the process ended, None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def tend(self) -> float:
        """Do what the part needs now and then, if it is time; returns the seconds until it is again."""
        if self.part.tend is None:
            return 3600.0
        if time.monotonic() >= self.tend_at:
            self.part.tend()
            self.tend_at = time.monotonic() + _TEND_SECONDS
        return self.tend_at - time.monotonic()

    def backoff(self) -> float:
        """Seconds to wait before the next start; plans it."""
        if time.monotonic() - self.started > _STEADY_SECONDS:
            self.failures = 0
        seconds = _BACKOFF_SECONDS[min(self.failures, len(_BACKOFF_SECONDS) - 1)]
        self.failures += 1
        self.restart_at = time.monotonic() + seconds
        return seconds


class Supervisor:
    """The children of one `up`. For the main thread only: the kernel ties a child to the thread that started it.

    From construction on SIGINT, SIGTERM and SIGHUP are kept until `pause`, `wait` or `run` notices them.
    """

    def __init__(self, say: Callable[[str], None], inherited: Sequence[int] = ()) -> None:
        self.children: list[Child] = []
        self._say = say
        self._inherited = inherited
        # The write end stays here, open and unused, until this process is gone.
        self._lifeline, self._held = os.pipe()
        self._signals, wakeup = socket.socketpair()
        self._signals.setblocking(False)
        wakeup.setblocking(False)
        self._wakeup = wakeup
        signal.set_wakeup_fd(wakeup.fileno())
        for number in (signal.SIGCHLD, *_STOPPING):
            signal.signal(number, lambda *_: None)

    def start(self, part: Part) -> Child:
        child = Child(part, self._inherited, self._lifeline)
        self.children.append(child)
        return child

    def forget(self, child: Child) -> None:
        """No longer restart nor stop a child that has ended."""
        self.children.remove(child)

    def pause(self, seconds: float) -> bool:
        """Wait so long, or until a child ends (False) or a signal asks to stop (True)."""
        if not select.select([self._signals], [], [], max(seconds, 0.0))[0]:
            return False
        return bool(_STOPPING & set(self._signals.recv(4096)))

    def wait(self, done: Callable[[], bool], timeout: float) -> str:
        """Restart what dies until `done()`; returns "done", "stop" (a signal came) or "timeout"."""
        end = time.monotonic() + timeout
        while not done():
            self.revive()
            if self.pause(0.05):
                return "stop"
            if time.monotonic() > end:
                return "timeout"
        return "done"

    def run(self, alive: Callable[[], float] = lambda: 3600.0) -> None:
        """Restart what dies until a signal asks to stop. `alive`: called now and then, says when next, in seconds."""
        while not self.pause(min(self.revive(), alive())):
            pass

    def revive(self) -> float:
        """Restart the dead whose backoff is over; returns the seconds until the next one's is."""
        soonest = 3600.0
        for child in self.children:
            if child.restart_at is None:
                if child.part.once or (how := child.ended()) is None:
                    soonest = min(soonest, child.tend())
                    continue
                seconds = child.backoff()
                self._say(f"{child.part.name} {how}; starting it again in {seconds:g} s")
            if child.restart_at is not None and time.monotonic() >= child.restart_at and not self._hindered(child):
                child.start()
            elif child.restart_at is not None:
                soonest = min(soonest, child.restart_at - time.monotonic())
        return soonest

    def _hindered(self, child: Child) -> bool:
        """Whether it must wait still; then it is looked at again in a while, and said once."""
        if hindrance := child.part.hindrance():
            if not child.hindered:
                self._say(f"{child.part.name} waits: {hindrance}")
            child.restart_at = time.monotonic() + _HINDERED_SECONDS
        child.hindered = bool(hindrance)
        return child.hindered

    def stop(self, stages: Sequence[Sequence[str]]) -> None:
        """Stop the parts of each stage (names) together, stage after stage; kill what is too slow."""
        for names in stages:
            group = [child for child in self.children if child.part.name in names]
            for child in group:
                if child.process.poll() is None:
                    child.process.terminate()
            begun = time.monotonic()
            for child in group:
                limit = child.part.stop_seconds  # of all of them at once
                try:
                    child.process.wait(max(0.0, begun + limit - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._say(f"{child.part.name} did not stop within {limit:g} s: killed")
                    child.process.kill()
                    child.process.wait()
        self.children.clear()


def die_with_parent() -> None:
    """In a child: end this process at once when the one that started it is gone. Without a lifeline, do nothing."""
    number = os.environ.pop(LIFELINE, "")
    if not number:
        return

    def watch() -> None:
        os.read(int(number), 1)  # nobody ever writes: it returns when the parent's end is closed
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
