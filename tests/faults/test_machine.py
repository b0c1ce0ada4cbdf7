"""A state machine, drawn from a seed, over a running stack: what is sent, who dies, stands still, joins, leaves, which
settings change. The members are real processes and the rebalances those of a real broker, or of Redis.

Holds of docs/reliability.md: R18.
"""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from random import Random

import pytest

from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack, throughline
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site

pytestmark = pytest.mark.services

SEED = 20_261_208
EXTRAS = 2
SECONDS_TO_ANSWER = 90.0


class Group:
    """The workers of a stack: its own, which are started again, and some that come and go."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.extras: list[subprocess.Popen[bytes]] = []
        self._output = (folder / "workers").open("wb")

    def join(self) -> None:
        command = [*throughline(), "worker", "--data", str(self.stack.data)]
        self.extras.append(subprocess.Popen(command, stdout=self._output, stderr=self._output, env=self.stack.env))

    def leave(self, number: int) -> None:
        """One that joined ends by itself, if nobody has killed it yet."""
        extra = self.extras.pop(number % len(self.extras))
        extra.send_signal(signal.SIGCONT)
        extra.terminate()
        try:
            extra.wait(30)
        except subprocess.TimeoutExpired:
            extra.kill()
            extra.wait()
            raise AssertionError("a worker that was asked to leave stays") from None

    def members(self) -> list[int]:
        own = [pid for name, pid in sorted(self.stack.parts().items()) if name.startswith("worker")]
        return own + [extra.pid for extra in self.extras]

    def goes_on(self) -> None:
        """Nobody stands still any more."""
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self.goes_on()
        while self.extras:
            self.leave(0)
        self._output.close()


class Life:
    """One site's life, drawn from a seed. `longest`: of the rests, in seconds; past 10 a member that stands still is
    given up by its group."""

    def __init__(self, group: Group, seed: int, longest: float) -> None:
        self.group, self.stack, self.longest = group, group.stack, longest
        self.random = Random(seed)
        self.load = Load(self.stack, site(self.stack, f"shop{seed}.example"), seed)
        self.moves: list[str] = []

    def step(self) -> None:
        """One move, of those that can be made now."""
        sending = [self.send] * 4
        others = [self.rest, self.rest, self.kill, self.stand_still, self.stand_still, self.go_on, self.lose_a_part]
        members = [self.join] * (len(self.group.extras) < EXTRAS) + [self.leave] * bool(self.group.extras)
        move = self.random.choice([*sending, *others, *members, *members, self.change_settings])
        self.moves.append(move.__name__)
        move()

    def send(self) -> None:
        """Until it is acknowledged; some of it may have been sent before."""
        first = len(self.load.posted)
        batch = [self.load.event(self.random, f"e{first + number}") for number in range(self.random.randint(1, 60))]
        batch += self.random.sample(list(self.load.posted.values()), min(first, self.random.choice([0, 0, 1, 5])))
        self.load.posted |= {event["id"]: event for event in batch}
        self._until(lambda: self.load.post(batch))

    def rest(self) -> None:
        time.sleep(self.random.random() * self.longest)

    def kill(self) -> None:
        self._strike(signal.SIGKILL)

    def stand_still(self) -> None:
        self._strike(signal.SIGSTOP)

    def _strike(self, how: signal.Signals) -> None:
        if members := self.group.members():
            with suppress(ProcessLookupError):
                os.kill(self.random.choice(members), how)

    def go_on(self) -> None:
        self.group.goes_on()

    def join(self) -> None:
        self.group.join()

    def leave(self) -> None:
        self.group.leave(self.random.randrange(EXTRAS))

    def lose_a_part(self) -> None:
        part = self.random.choice(["web", "redis", "clickhouse"])
        if part in self.stack.parts():
            self.stack.kill_part(part)

    def change_settings(self) -> None:
        pairs = self.random.choice([[], [["pageview", "signup"]]])
        changed = {"settings": {"friction": {"bouncer_seconds": self.random.randint(1, 40)}, "pairs": pairs}}
        path = f"/api/sites/{self.load.site['id']}"

        def patched() -> bool:
            with suppress(OSError, HTTPException):
                return self.stack.request("PATCH", path, changed).status == 200
            return False

        self._until(patched)

    def _until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS_TO_ANSWER
        while not done():
            assert time.monotonic() < end, "nobody answers"
            time.sleep(0.2)

    def judge(self) -> None:
        self.group.goes_on()
        # A bucket is that of the settings of its session's events, which the model does not know.
        must_equal(self.load, 0, but=r"friction|\.bucket")
        self.stack.command("rebuild", self.load.site["id"])
        must_equal(self.load, 0)


@pytest.fixture
def group(log_flags: list[str], tmp_path: Path) -> Iterator[Group]:
    env = {"THROUGHLINE_ADDRESS_RATE": "0"}
    with Stack(prepared(tmp_path / "data"), "--workers", "2", *log_flags, env=env) as stack:
        running = Group(stack, tmp_path)
        try:
            yield running
        finally:
            running.close()


@pytest.mark.parametrize(
    ("log_flags", "lives", "steps", "longest"),
    [
        ("redis", 1, 12, 1.0),
        pytest.param("redis", 8, 30, 14.0, marks=pytest.mark.nightly),
        pytest.param("kafka", 8, 30, 14.0, marks=pytest.mark.nightly),
    ],
    indirect=["log_flags"],
)
def test_whatever_happens_to_a_running_stack_equals_the_model(
    group: Group, lives: int, steps: int, longest: float, tell: Tell
) -> None:
    moves: Counter[str] = Counter()
    events = 0
    for seed in range(SEED, SEED + lives):
        life = Life(group, seed, longest)
        life.send()
        try:
            for _ in range(steps):
                life.step()
            life.judge()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {life.moves}") from error
        moves += Counter(life.moves)
        events += len(life.load.acknowledged)
    tell(f"seeds from {SEED}: {lives} lives, {events} events, {dict(moves)}")
