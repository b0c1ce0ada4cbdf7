"""Redis put back to an earlier copy under load, again and again.

On Kafka it holds states, leases, sites and salts, and nothing may show. On its own log, what was rolled back is gone;
everything that is left, and everything that was counted before, counts once, and it is told. Holds of
docs/reliability.md: R8.
"""

import re
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from ingest.contract.event import Event, decode
from ingest.log import stream
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.load import Load
from tests.faults.putback import copy, place, put_back
from tests.faults.test_kills import must_equal
from tests.faults.world import clickhouse, site

pytestmark = pytest.mark.services

SEED = 11
NIGHTLY = [*range(5)]


@pytest.fixture(params=["redis", "kafka"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    flags = ["--workers", "2"]
    if request.param == "kafka":
        flags += ["--event-log", f"kafka://{request.getfixturevalue('kafka_bootstrap')}/putback-{time.time_ns()}"]
    with Stack(prepared(tmp_path / "data"), *flags, env={"THROUGHLINE_ADDRESS_RATE": "0"}) as running:
        yield running


def on_redis(stack: Stack) -> bool:
    return stack.describes()["event_log"].startswith("redis://")


def counted(stack: Stack, seconds: float = 180.0) -> None:
    """Wait until nothing waits and nothing is made right any more."""
    end = time.monotonic() + seconds
    while re.search("waits for|being made right", said := stack.command("status")):
        assert time.monotonic() < end, said
        time.sleep(3)  # asking is a process


class Windows:
    """When what was acknowledged may have gone with a rollback."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def add(self, begin: float) -> None:
        self.spans.append((begin - 5, time.monotonic() + 2))  # an answer may have been a while on its way

    def check(self, load: Load, told: bool = True) -> set[str]:
        """The acknowledged events that are counted nowhere. Each went with a rollback, and nothing of them is left.

        `told`: somebody must have known of what went.
        """
        counted(load.stack)
        rows = clickhouse(load.stack).query("SELECT id FROM events").result_rows
        gone = load.acknowledged - {row[0] for row in rows}
        if not on_redis(load.stack):
            assert not gone
            return gone
        outside = [event for event in gone if not self._within(load.acknowledged_at[event])]
        assert not outside, outside[:10]
        assert not gone & left(load.stack), [load.stack.command("status"), *load.stack.lines[-20:]]
        if told:
            assert "put back  " in load.stack.command("status")
            assert any("the log was put back to an earlier state" in line for line in load.stack.lines)
        return gone

    def _within(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.spans)


def left(stack: Stack) -> set[str]:
    """The ids of all events that the Redis log still holds."""
    found: set[str] = set()
    with redis.Redis.from_url(stack.describes()["redis"]) as client:
        for partition in range(4):
            entries: Any = client.xrange(stream.Keys("events").stream(partition))
            for _, fields in entries:
                lines = [decode(raw) for raw in stream.decompress(fields[b"v"]).splitlines()]
                found |= {line.id for line in lines if isinstance(line, Event)}
    return found


@pytest.mark.parametrize(
    ("ages", "seed", "pause"),
    [
        pytest.param([1, 3], SEED, 0.03, id="short"),
        *(pytest.param([1, 20, 3], seed, 0.01, marks=pytest.mark.nightly, id=f"seed {seed}") for seed in NIGHTLY),
        *(pytest.param([300], seed, 0.05, marks=pytest.mark.nightly, id=f"5 min {seed}") for seed in NIGHTLY),
    ],
)
def test_under_load(stack: Stack, tmp_path: Path, ages: list[float], seed: int, pause: float) -> None:
    windows = Windows()
    with Load(stack, site(stack), seed, pause=pause) as load:
        for number, age in enumerate(ages):
            time.sleep(2)
            earlier = copy(stack, tmp_path / f"copy{number}")
            begin = time.monotonic()
            time.sleep(age)
            put_back(stack, earlier)
            windows.add(begin)
        time.sleep(4)
    must_equal(load, gone=windows.check(load))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", NIGHTLY)
def test_while_every_process_is_killed(stack: Stack, tmp_path: Path, seed: int) -> None:
    """Batches are left half inserted, and nobody lives on who would know of what no batch had seen yet."""
    windows, random = Windows(), Random(seed)
    with Load(stack, site(stack), seed, pause=0.03) as load:
        for number in range(4):
            time.sleep(2)
            earlier = copy(stack, tmp_path / f"copy{number}")
            begin = time.monotonic()
            time.sleep(random.uniform(0.2, 2))
            port = int(stack.url.rpartition(":")[2])
            stack.kill()
            place(stack, earlier)
            stack.start(port)
            windows.add(begin)
        time.sleep(4)
    must_equal(load, gone=windows.check(load, told=False))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", NIGHTLY)
def test_within_a_rebuild(stack: Stack, tmp_path: Path, seed: int) -> None:
    windows, random = Windows(), Random(seed)
    made = site(stack)
    said: list[str] = []
    with Load(stack, made, seed, pause=0.03) as load:
        time.sleep(4)
        changed = {"settings": {"friction": {"bouncer_seconds": 0, "engaged_pageviews": 2, "engaged_seconds": 1}}}
        assert stack.request("PATCH", f"/api/sites/{made['id']}", changed).status == 200
        time.sleep(4)  # ingest knows by now
        earlier = copy(stack, tmp_path / "copy")
        begin = time.monotonic()
        rebuild = threading.Thread(target=lambda: said.append(stack.command("rebuild", made["id"])))
        rebuild.start()
        time.sleep(random.uniform(1, 3))
        put_back(stack, earlier)
        windows.add(begin)
        rebuild.join()
        time.sleep(2)
    assert said and "judged by the settings of today" in said[0]
    must_equal(load, gone=windows.check(load))
