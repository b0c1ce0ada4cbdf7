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
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults import clock as clocks
from tests.faults.clock import Clock
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site
from tests.oracle.span import iso
from tests.services.kafka import KafkaBroker

pytestmark = pytest.mark.services

MINUTE, HOUR = 60_000, 3_600_000
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


@pytest.fixture
def stack(clock: Clock, log: str, tmp_path: Path) -> Iterator[Stack]:
    """With limits that nobody reaches, so that a bucket which does not fill any more shows."""
    limits = {"THROUGHLINE_SITE_RATE": "5000", "THROUGHLINE_ADDRESS_RATE": "5000"}
    flags = ["--workers", "2", *(["--event-log", log] if log else [])]
    with Stack(prepared(tmp_path / "data"), *flags, env={**clock.env, **limits}) as running:
        yield running


def kill_a_worker(stack: Stack, random: Random) -> None:
    workers = [pid for name, pid in stack.parts().items() if name.startswith("worker")]
    os.kill(random.choice(workers), signal.SIGKILL)


def must_be_right(load: Load, clock: Clock) -> None:
    """Counted soon by whoever is there, and said to be; then equal to the model."""
    stack, begin = load.stack, clock.now()
    path = f"/api/sites/{load.site['id']}/analytics/dashboard"
    fresh = stack.wait_for(path, lambda answer: (answer["fresh_as_of"] or "") >= iso(begin), 120)
    assert fresh["fresh_as_of"] <= iso(clock.now())
    assert "judged by the settings of today" in stack.command("rebuild", load.site["id"])
    letters = dead(stack)
    assert all(reason.startswith("future") for reason in letters.values()), letters
    must_equal(load, gone=letters.keys())


LOGS = pytest.mark.parametrize("log", ["redis", "kafka"], indirect=True)


@pytest.mark.parametrize("log", ["redis"], indirect=True)
def test_ahead_by_a_day_and_right_again(stack: Stack, clock: Clock) -> None:
    with Load(stack, site(stack), SEED) as load:
        load.wait_for(500)
        clock.set(25 * HOUR)
        load.wait_for(500)
        time.sleep(2)  # whoever looks once a second has seen it
        kill_a_worker(stack, Random(SEED))  # last heard of by this clock
        clock.set(0)
        load.wait_for(500)
    must_be_right(load, clock)
    for way in ("ahead", "back"):
        assert any(f"the wall clock was set {way} by 1 day, 1:00" in line for line in stack.lines), way
    assert "ahead of this clock" in stack.command("status")


@pytest.mark.nightly
@LOGS
@pytest.mark.parametrize("seed", range(5))
def test_set_at_random_with_kills(stack: Stack, clock: Clock, seed: int) -> None:
    random = Random(seed)
    with Load(stack, site(stack), seed, pause=0.03) as load:
        for _ in range(4):
            load.wait_for(random.randrange(200, 800))
            clock.set(random.choice([25 * HOUR, -25 * HOUR, 5 * MINUTE, -5 * MINUTE, 50 * HOUR, 23 * HOUR]))
            load.wait_for(random.randrange(200, 800))
            if random.random() < 0.7:
                kill_a_worker(stack, random)
            if random.random() < 0.7:
                clock.set(0)
        clock.set(0)
        load.wait_for(300)
    must_be_right(load, clock)


@pytest.mark.nightly
@LOGS
@pytest.mark.parametrize("ahead", [25 * HOUR, -25 * HOUR])
def test_set_while_stopped(stack: Stack, clock: Clock, ahead: int) -> None:
    port = int(stack.url.rpartition(":")[2])
    with Load(stack, site(stack), SEED, pause=0.03) as load:
        load.wait_for(500)
        for shown in (ahead, 0):
            stack.stop()
            clock.set(shown)
            stack.start(port)
            load.wait_for(500)
    must_be_right(load, clock)
