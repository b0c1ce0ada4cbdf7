"""The wall clock of a whole stack set, under load, and set right again: the broker's, Redis's and ClickHouse's too.

Every event counts once, in the sessions of the time at which it was received by the clock of that moment; what was
received while the clock was ahead and is read once it is right again is a dead letter (`future`). So whoever came only
while the clock was right has the sessions of an undisturbed run. Nothing lasts until the clock comes there again.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from deploy import wiring
from deploy.settings import load as settings_of
from ingest.contract.event import Event, decode
from tests.deploy.stack import Stack
from tests.faults import clock as clocks
from tests.faults.clock import Clock
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site
from tests.oracle.span import iso
from tests.services.kafka import KafkaBroker

pytestmark = pytest.mark.services

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
SEED = 21


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    if why := clocks.lacking():
        pytest.skip(why)
    return Clock(tmp_path)


@pytest.fixture
def log(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """ "" for the Redis log, or the address of a broker that goes by the clock too."""
    if request.param == "redis":
        yield ""
        return
    broker = KafkaBroker(tmp_path / "broker")
    with monkeypatch.context() as patched:
        for name, value in clock.env.items():
            patched.setenv(name, value)
        broker.start()
    yield f"kafka://{broker.bootstrap}/clock"
    broker.stop()


def dead(stack: Stack) -> dict[str, str]:
    """The events among the dead letters: id → reason."""
    letters = wiring.dead_letters(settings_of({}, data=stack.data))
    try:
        found = [(decode(letter.line), letter.reason) for letter in letters.letters()]
    finally:
        letters.close()
    return {line.id: reason for line, reason in found if isinstance(line, Event)}


def run(clock: Clock, log: str, folder: Path, seed: int, jumps: list[tuple[float, int]]) -> None:
    """Load while the clock is set to each of `jumps`: for so many seconds, so far ahead of the right time (ms)."""
    random = Random(seed)
    flags = ["--workers", "2", *(["--event-log", log] if log else [])]
    with Stack(
        folder / "data", *flags, env={**clock.env, "THROUGHLINE_SITE_RATE": "5000", "THROUGHLINE_ADDRESS_RATE": "5000"}
    ) as stack:
        made = site(stack)
        with Load(stack, made, seed) as load:
            time.sleep(3)
            for seconds, ahead in jumps:
                clock.set(ahead)
                time.sleep(seconds)
                # Who dies now was last heard of by this clock.
                workers = [pid for name, pid in stack.parts().items() if name.startswith("worker")]
                os.kill(random.choice(workers), signal.SIGKILL)
                clock.set(0)
                before = len(load.acknowledged)
                end = time.monotonic() + 30
                while len(load.acknowledged) < before + 200:
                    assert time.monotonic() < end, "events are refused after the clock was set right"
                    time.sleep(0.1)
        # Counted soon, and said to be; no later than the clock.
        begin = clock.now()
        path = f"/api/sites/{made['id']}/analytics/dashboard"
        fresh = stack.wait_for(path, lambda answer: (answer["fresh_as_of"] or "") >= iso(begin), 60)
        assert fresh["fresh_as_of"] <= iso(clock.now())
        letters = dead(stack)
        assert set(letters.values()) <= {reason for reason in letters.values() if reason.startswith("future")}
        must_equal(load, letters.keys())
        told = "\n".join(stack.lines)
        assert all("the wall clock was set" in told for _ in jumps), told[-3000:]


@pytest.mark.parametrize("log", ["redis", pytest.param("kafka", marks=pytest.mark.nightly)], indirect=True)
@pytest.mark.parametrize("ahead", [25 * HOUR, pytest.param(-25 * HOUR, marks=pytest.mark.nightly)])
def test_a_day_and_right_again(clock: Clock, log: str, tmp_path: Path, ahead: int) -> None:
    run(clock, log, tmp_path, SEED, [(4, ahead)])
