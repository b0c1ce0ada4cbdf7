"""Inserts that take longer than a worker waits, and inserts that fail, again and again (R21), on a real ClickHouse."""

import threading
from collections import Counter
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from ingest.contract.event import Event
from ingest.log.partition import partition as partition_of
from rollups.client import connect
from rollups.verify import verify
from tests.workers.streams import SITE, stream
from tests.workers.test_real import PARTITIONS, Stack, expected
from tests.workers.test_real import stack as stack  # the fixture
from workers import pace
from workers.metrics import Metrics

pytestmark = pytest.mark.services

_RUNNING = (
    "SELECT Settings['insert_deduplication_token'] AS token, count() AS n FROM system.processes "
    "WHERE splitByChar('/', token)[2] = '0' GROUP BY token"
)


class Watch(threading.Thread):
    """How many inserts of one batch of partition 0 the server had at most under way at once, by token."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._client = connect(stack.client.url, database=stack.client.database)
        self._over = threading.Event()
        self.most: Counter[str] = Counter()

    def run(self) -> None:
        while not self._over.wait(0.05):
            for row in self._client.rows(_RUNNING):
                self.most[row["token"]] = max(self.most[row["token"]], row["n"])

    def end(self) -> None:
        self._over.set()
        self.join()
        self._client.close()


def of(events: list[Event], partition: int) -> list[Event]:
    return [event for event in events if partition_of(SITE, event.visitor, PARTITIONS) == partition]


def counted(stack: Stack, partition: int) -> int:
    sql = "SELECT count() AS n FROM events WHERE partition = {p:UInt32}"
    return int(stack.client.rows(sql, {"p": partition})[0]["n"])


def marked(stack: Stack, partition: int) -> bool:
    sql = "SELECT count() AS n FROM progress WHERE partition = {p:UInt32}"
    return bool(stack.client.rows(sql, {"p": partition})[0]["n"])


class Course:
    """Two halves of events: the second of partition 1 is sent while the batch of partition 0 does not go in."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.events = stream(11, 120, visitors=6, silence=False)
        self._first, self._second = self.events[:60], of(self.events[60:], 1)
        assert of(self._first, 0)
        assert of(self._first, 1)
        assert self._second
        self.all = [*self._first, *self._second]
        self._sent = self.went_on = False
        stack.append([*self._first])

    def done(self) -> bool:
        waiting = not marked(self._stack, 0)
        there = counted(self._stack, 1)
        if waiting and not self._sent and there == len(of(self._first, 1)):
            self._sent = True
            self._stack.append([*self._second])
        self.went_on |= waiting and there == len(of(self.all, 1))
        return self._sent and not waiting and counted(self._stack, 1) == len(of(self.all, 1))

    def check(self) -> None:
        assert self.went_on
        assert self._stack.lines() == len(self.all)
        distinct = "SELECT uniqExact(partition, offset, index) AS n FROM events"
        assert self._stack.client.rows(distinct)[0]["n"] == len(self.all)
        assert self._stack.sessions() == expected(self.all)
        assert list(verify(self._stack.client)) == []


def test_an_insert_slower_than_every_patience_goes_in_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PATIENCE_SECONDS", 1.5)
    stack.client.command(
        "CREATE MATERIALIZED VIEW slow ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 1000 "
        "AS SELECT id, sleep(2.6) + sleep(2.601) AS slept FROM events WHERE partition = 0"
    )
    course, registry = Course(stack), CollectorRegistry()
    watch = Watch(stack)
    watch.start()

    def failing() -> float | None:
        return registry.get_sample_value("throughline_worker_failing_seconds", {"partition": "0"})

    try:
        # The marker is in a moment before the partition is taken, and a question may time out in between.
        stack.run(lambda: course.done() and failing() == 0.0, replace(stack.world(), metrics=Metrics(registry)))
    finally:
        watch.end()
    assert set(watch.most.values()) == {1}, watch.most
    assert registry.get_sample_value("throughline_worker_retries_total", {"cause": "ClickHouseUnavailable"})
    assert registry.get_sample_value("throughline_worker_retries_total", {"cause": "Running"})
    assert failing() == 0.0
    course.check()
    stored = stack.client.rows("SELECT count() AS n, uniqExact(id) AS ids FROM slow")[0]
    assert stored["n"] == len(of(course.all, 0))


def test_an_insert_that_a_view_fails_goes_in_once_when_it_is_gone(stack: Stack) -> None:
    stack.client.command(
        "CREATE MATERIALIZED VIEW broken ENGINE = MergeTree ORDER BY id "
        "AS SELECT id, throwIf(partition = 0, 'no') AS failed FROM events"
    )
    course, registry = Course(stack), CollectorRegistry()
    failing: list[float] = []

    def done() -> bool:
        since = registry.get_sample_value("throughline_worker_failing_seconds", {"partition": "0"}) or 0.0
        tries = registry.get_sample_value("throughline_worker_retries_total", {"cause": "ClickHouseUnavailable"})
        if course.went_on and not failing and (tries or 0) >= 3:
            failing.append(since)
            stack.client.command("DROP VIEW broken")
        return course.done()

    stack.run(done, replace(stack.world(), metrics=Metrics(registry)))
    assert failing[0] > 0.0
    course.check()
