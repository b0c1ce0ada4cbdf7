"""Children are restarted, stopped in order, and never outlive their parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

PARENT = """
import sys
from deploy.supervise import Part, Supervisor

def say(line):
    print(line, flush=True)

supervisor = Supervisor(say)
for name in {names!r}:
    supervisor.start(Part(name, [sys.executable, "-c", {child!r}, name], stop_seconds=1.0))
say("up " + " ".join(str(child.process.pid) for child in supervisor.children))
supervisor.run()
supervisor.stop({stages!r})
say("stopped")
"""

OBEDIENT = """
import signal, sys, time
def stop(*_):
    open(sys.argv[1], "a").write(str(time.monotonic()))
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
time.sleep(60)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
ON_LIFELINE = """
import ctypes, time
ctypes.CDLL(None).prctl(1, 0)  # as on a system whose kernel does not tie children to parents
from deploy.supervise import die_with_parent
die_with_parent()
time.sleep(60)
"""


class Parent:
    def __init__(self, folder: Path, child: str, stages: Sequence[Sequence[str]] = (("second",), ("first",))) -> None:
        names = sorted(name for stage in stages for name in stage)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT.format(child=child, names=names, stages=stages)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.children = [int(pid) for pid in self.line().split()[1:]]
        time.sleep(0.5)  # let the children set up their signals

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def parents() -> Iterator[list[Parent]]:
    started: list[Parent] = []
    yield started
    for parent in started:
        parent.kill()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def eventually_gone(pids: list[int], seconds: float = 2.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if all(gone(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_a_dead_child_is_started_again_and_named(tmp_path: Path, parents: list[Parent]) -> None:
    parents.append(parent := Parent(tmp_path, OBEDIENT))
    os.kill(parent.children[0], signal.SIGKILL)
    assert parent.line() == "first was killed by SIGKILL; starting it again in 0.1 s"
    time.sleep(1.0)
    parent.process.terminate()
    assert parent.line() == "stopped"
    assert (tmp_path / "first").exists()  # written by the new one


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_stages_in_order(tmp_path: Path, parents: list[Parent], number: signal.Signals) -> None:
    parents.append(parent := Parent(tmp_path, OBEDIENT))
    parent.process.send_signal(number)
    assert parent.line() == "stopped"
    assert float((tmp_path / "second").read_text()) < float((tmp_path / "first").read_text())
    assert eventually_gone(parent.children)


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path, parents: list[Parent]) -> None:
    parents.append(parent := Parent(tmp_path, DEAF))
    parent.process.terminate()
    assert [parent.line() for _ in range(3)] == [
        "second did not stop within 1 s: killed",
        "first did not stop within 1 s: killed",
        "stopped",
    ]
    assert eventually_gone(parent.children)


def test_the_children_of_a_stage_have_their_time_together(tmp_path: Path, parents: list[Parent]) -> None:
    names = [f"worker-{number}" for number in range(8)]
    parents.append(parent := Parent(tmp_path, DEAF, [names]))
    begun = time.monotonic()
    parent.process.terminate()
    assert {parent.line() for _ in names} == {f"{name} did not stop within 1 s: killed" for name in names}
    assert parent.line() == "stopped"
    assert time.monotonic() - begun < 6


@pytest.mark.parametrize("child", [DEAF, ON_LIFELINE], ids=["by the kernel", "by the lifeline"])
def test_no_child_outlives_a_killed_parent(tmp_path: Path, parents: list[Parent], child: str) -> None:
    parents.append(parent := Parent(tmp_path, child))
    assert not any(gone(pid) for pid in parent.children)
    parent.kill()
    assert eventually_gone(parent.children)


def test_a_child_that_cannot_run_now_waits_and_says_so_once(tmp_path: Path) -> None:
    script = """
import sys, threading
from pathlib import Path
from deploy import supervise
from deploy.supervise import Part, Supervisor
supervise._HINDERED_SECONDS = 0.01
asked = []
def hindrance():
    asked.append(1)
    return "no room" if len(asked) < 20 else ""
def say(line): print(line, flush=True)
supervisor = Supervisor(say)
ends = [sys.executable, "-c", "open('runs', 'a').write('x')"]
child = supervisor.start(Part("store", ends, hindrance=hindrance))
supervisor.wait(lambda: Path("runs").exists() and len(Path("runs").read_text()) >= 2, 60)
print(len(asked), child.failures)
supervisor.stop([["store"]])
"""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.stdout.splitlines() == [
        "store ended with exit code 0; starting it again in 0.1 s",
        "store waits: no room",
        "20 1",
    ], done.stderr
