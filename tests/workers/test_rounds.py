"""How often a worker wakes and counts while little comes, by a clock that only its own waiting moves."""

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


class Trickle(FakeConsumer):
    """A log that gets one record after the other, each at its time; a poll waits for the next one."""

    def __init__(self, log: FakeLog, due: Sequence[tuple[float, int, bytes]]) -> None:
        super().__init__(log)
        self._own, self._due = log, list(due)
        self.now = 0.0
        self.polls = 0
        self.commits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        self.polls += 1
        until = self.now + timeout
        while True:
            while self._due and self._due[0][0] <= self.now:
                _, partition, value = self._due.pop(0)
                self._own.append(partition, value)
            found = super().poll(0.0, max_records)
            if found or self.now >= until:
                return found
            self.now = min([until, *(at for at, _, _ in self._due[:1])])

    def commit(self, offsets: Mapping[int, int]) -> None:
        super().commit(offsets)
        self.commits.append(self.now)


def run(monkeypatch: pytest.MonkeyPatch, rate: int, seconds: int, partitions: int = 1) -> tuple[Trickle, Tables]:
    """`rate` events a second for some seconds, to one worker that has every partition."""
    monkeypatch.setattr(take, "Store", FakeStore)
    monkeypatch.setattr(FakeStore, "point", staticmethod(lambda _: None))
    events = stream(3, rate * seconds, silence=False)
    due = [(10 + n / rate, n % partitions, encode([event])) for n, event in enumerate(events)]
    log, tables = FakeLog({partition: [] for partition in range(partitions)}), Tables()
    consumer = Trickle(log, due)
    for partition in range(partitions):
        log.give(partition, consumer)
    worker = Worker(world(tables, consumer), clock=lambda: consumer.now, sleep=consumer.sleep)
    while consumer.now < seconds + 13:
        worker.turn()
    assert len(tables.event_rows()) == len(events)
    return consumer, tables


@pytest.mark.parametrize(("rate", "batches"), [(5, 12), (50, 12), (500, 22)])
def test_a_batch_a_second_or_two_however_much_trickles_in(
    monkeypatch: pytest.MonkeyPatch, rate: int, batches: int
) -> None:
    consumer, tables = run(monkeypatch, rate, 20)
    assert len(tables.batches) <= batches
    assert consumer.polls <= 33 + batches * 4


def test_the_partitions_of_a_worker_are_counted_in_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer, tables = run(monkeypatch, 50, 20, partitions=4)
    assert len(tables.batches) <= 4 * 22
    assert len(set(consumer.commits)) <= 22


@pytest.mark.parametrize(("rate", "seconds"), [(5, 2.3), (500, 1.3)])
def test_nothing_waits_longer_than_its_round(monkeypatch: pytest.MonkeyPatch, rate: int, seconds: float) -> None:
    consumer, _ = run(monkeypatch, rate, 20)
    assert consumer.commits[0] <= 10.5  # the first after a lull
    gaps = [b - a for a, b in zip(consumer.commits, consumer.commits[1:], strict=False)]
    assert max(gaps[1:-1]) <= seconds  # the first round and the last may be of few lines


def test_a_quiet_worker_polls_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer, _ = run(monkeypatch, 0, 60)
    assert consumer.polls <= 80
