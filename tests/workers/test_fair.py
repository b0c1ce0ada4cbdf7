"""A backlog of one partition keeps neither another partition waiting nor a worker that is asked to stop."""

import threading
from collections.abc import Mapping, Sequence

import pytest

from ingest.contract.event import encode
from ingest.log.protocol import Record
from tests.log.fake import FakeConsumer, FakeLog
from tests.workers.fake_store import FakeStore
from tests.workers.fake_tables import Tables
from tests.workers.fakes import world
from tests.workers.streams import stream
from workers import take
from workers.loop import Worker
from workers.slot import Limits

LINES = 8  # of a record, and of a batch
BACKLOG = 50


class Counting(FakeConsumer):
    """How many records it has given, and the most that lay with the worker uncounted."""

    given = waiting = 0

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        found = super().poll(timeout, max_records)
        self.given += len(found)
        return found

    def commit(self, offsets: Mapping[int, int]) -> None:
        super().commit(offsets)
        counted = sum(end for end in self.committed.values())
        self.waiting = max(self.waiting, self.given - counted)


class Bench:
    """One worker over a partition with a backlog and one with a single record; every record is a batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, a_poll: int) -> None:
        monkeypatch.setattr(take, "Store", FakeStore)
        monkeypatch.setattr(FakeStore, "point", staticmethod(lambda _: None))
        events = stream(3, LINES * (BACKLOG + 1), silence=False)
        values = [encode(events[at : at + LINES]) for at in range(0, len(events), LINES)]
        own = {0: [Record(0, n, value) for n, value in enumerate(values[:-1])], 1: [Record(1, 0, values[-1])]}
        log = FakeLog(own)
        self.consumer = Counting(log, most=lambda: a_poll)
        for partition in log.records:
            log.give(partition, self.consumer)
        self.tables, self.stop, self.ticks = Tables(), threading.Event(), 0.0
        self.stop_after = BACKLOG + 1
        self.worker = Worker(
            world(self.tables, self.consumer, point=self.effect),
            limits=Limits(seconds=0, lines=LINES),
            clock=self.clock,
        )

    def clock(self) -> float:
        self.ticks += 0.001
        return self.ticks

    def effect(self, name: str) -> None:
        if name == "after mark" and len(self.tables.batches) >= self.stop_after:
            self.stop.set()

    def partitions(self) -> list[int]:
        """Of the batches, in the order in which they were counted."""
        return [partition for _, partition, _ in self.tables.batches]


@pytest.mark.parametrize("a_poll", [1, 7, 1_000])
def test_the_partitions_take_turns(monkeypatch: pytest.MonkeyPatch, a_poll: int) -> None:
    bench = Bench(monkeypatch, a_poll)
    bench.worker.run(bench.stop)
    assert len(bench.partitions()) == BACKLOG + 1
    assert 1 in bench.partitions()[:2]
    assert len(bench.tables.event_rows()) == LINES * (BACKLOG + 1)


def test_a_worker_stops_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, 1_000)
    bench.stop_after = 3
    bench.worker.run(bench.stop)
    assert len(bench.partitions()) == 3


def test_what_waits_in_a_worker_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, 7)
    bench.worker.run(bench.stop)
    assert bench.consumer.waiting <= 2 * 7
