"""A million visitors with one event each, and one visitor with a million, beside a small site that must not suffer.

Holds of docs/reliability.md: R14.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
import redis

from ingest.contract.event import Event
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.bulk import append, counted, page
from tests.faults.compare import differences
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.test_log_away import memory_mb
from tests.faults.world import clickhouse, site
from tests.oracle.fact import DAY, Fact
from tests.oracle.sessions import FLOOD, sites
from tests.oracle.span import Range

pytestmark = pytest.mark.services

SEED = 20_261_210
AHEAD = 10_000  # events on the log and not counted, at most: a neighbour waits for what lies before it
WORKER_MB = 500
STATES_MB = 300  # a quarter of Redis's 1 GB, and what the names of its keys take besides


@dataclass
class Neighbour:
    """A small site: one event every half second, and how many seconds each took to be counted."""

    stack: Stack
    load: Load
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live)

    def __enter__(self) -> "Neighbour":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _live(self) -> None:
        random, client, number = Random(SEED), clickhouse(self.stack), 0
        while not self._stop.wait(0.5):
            event = self.load.event(random, f"n{number}")
            number += 1
            self.load.posted[event["id"]] = event
            began = time.monotonic()
            while not self.load.post([event]):
                self._stop.wait(0.1)
            query = "SELECT count() FROM events WHERE site = {site:String} AND id = {id:String}"
            parameters = {"site": self.load.site["id"], "id": event["id"]}
            while not client.query(query, parameters).result_rows[0][0]:
                time.sleep(0.2)
            self.seconds.append(time.monotonic() - began)


@dataclass
class Peak:
    """The most memory that was seen: of any worker, and of states in Redis."""

    stack: Stack
    worker_mb: int = 0
    redis_mb: int = 0
    states_mb: int = 0

    def look(self) -> None:
        for name, pid in self.stack.parts().items():
            if name.startswith("worker"):
                with suppress(OSError, StopIteration):
                    self.worker_mb = max(self.worker_mb, memory_mb(pid))
        address = json.loads((self.stack.data / "stack.json").read_text())["redis"]
        with redis.Redis.from_url(address) as client:
            self.redis_mb = max(self.redis_mb, int(client.info("memory")["used_memory"]) >> 20)
            keys = client.keys("throughline:{state:*:bytes")
            self.states_mb = max(self.states_mb, sum(int(client.get(key) or 0) for key in keys) >> 20)


@pytest.fixture
def stack(log_flags: list[str], tmp_path: Path) -> Iterator[Stack]:
    env = {"THROUGHLINE_ADDRESS_RATE": "0"}
    with Stack(prepared(tmp_path / "data"), "--workers", "2", *log_flags, env=env) as running:
        yield running


@dataclass(frozen=True)
class Flooded:
    site: dict[str, Any]
    events: list[Event]
    neighbour: Neighbour
    peak: Peak
    alone: float  # seconds until an event of the neighbour was counted, the median while it was alone
    rate: float

    def said(self) -> str:
        slow = sorted(self.neighbour.seconds)
        return (
            f"seed {SEED}: {len(self.events)} events, {self.rate:.0f}/s; a neighbour's event counted after "
            f"{self.alone:.2f} s alone, {median(slow):.2f} s beside them (slowest of {len(slow)}: {slow[-1]:.2f} s); "
            f"worker ≤ {self.peak.worker_mb} MB, states ≤ {self.peak.states_mb} MB, Redis ≤ {self.peak.redis_mb} MB"
        )


def flooded(stack: Stack, visitors: int, events: int) -> Flooded:
    """Events of so many visitors in turn, beside a neighbour who is judged too."""
    made, peak = site(stack, "many.example"), Peak(stack)
    neighbour = Neighbour(stack, Load(stack, site(stack), SEED))
    sent: list[Event] = []

    def drawn() -> Iterator[Event]:
        for number in range(events):
            sent.append(page(made, number % visitors, number))
            if number % 1_000 == 0:
                peak.look()
                while number - counted(stack, made) > AHEAD:
                    time.sleep(0.2)
            yield sent[-1]

    with neighbour:
        while len(neighbour.seconds) < 10:
            time.sleep(0.1)
        alone = median(neighbour.seconds)
        neighbour.seconds.clear()
        began = time.monotonic()
        append(stack, drawn())
        end = time.monotonic() + 600
        while counted(stack, made) < events:
            assert time.monotonic() < end, counted(stack, made)
            peak.look()
            time.sleep(0.5)
        rate = events / (time.monotonic() - began)
    must_equal(neighbour.load, 10)
    return Flooded(made, sent, neighbour, peak, alone, rate)


def bounded(found: Flooded) -> None:
    assert found.peak.worker_mb < WORKER_MB, found.said()
    assert found.peak.states_mb < STATES_MB, found.said()
    assert median(found.neighbour.seconds) < 5 + 5 * found.alone, found.said()


NIGHTLY = [pytest.param(log, 1_000_000, marks=pytest.mark.nightly) for log in ("redis", "kafka")]


@pytest.mark.parametrize(("log_flags", "events"), [("redis", FLOOD + 500), *NIGHTLY], indirect=["log_flags"])
def test_one_visitor_with_very_many_events(stack: Stack, events: int, tell: Tell) -> None:
    found = flooded(stack, 1, events)
    tell(found.said())
    rows = clickhouse(stack).query(
        "SELECT visitor, reason, count() FROM events WHERE site = {site:String} GROUP BY ALL ORDER BY ALL",
        {"site": found.site["id"]},
    )
    assert rows.result_rows == [(f"{0:016x}", "", FLOOD), (f"{0:016x}", "flood", events - FLOOD)]
    facts = [
        Fact(event.site, event.visitor, event.id, event.type, event.time, event.received, page=event.page, hostname="a")
        for event in found.events[: FLOOD + 1]
    ]
    model = sites(facts)[found.site["id"]]
    assert [reason for _, reason in model.filtered] == ["flood"]
    settings = stack.get(f"/api/sites/{found.site['id']}")["settings"]
    spans = [Range(facts[0].time - DAY, facts[-1].time + DAY)]
    assert not list(differences(stack.get, found.site["id"], model, settings, spans))
    assert "no difference" in stack.command("verify")
    bounded(found)


@pytest.mark.parametrize(("log_flags", "events"), [("redis", 3_000), *NIGHTLY], indirect=["log_flags"])
def test_very_many_visitors_with_one_event_each(stack: Stack, events: int, tell: Tell) -> None:
    found = flooded(stack, events, events)
    tell(found.said())
    about = stack.get(f"/api/sites/{found.site['id']}")
    assert (about["sessions_count"], about["events_count"], about["visitors_count"]) == (events, events, events)
    assert stack.get(f"/api/sites/{found.site['id']}/visitors")["total"] == events
    assert "no difference" in stack.command("verify")
    bounded(found)
