"""A log is counted with the number of partitions that its visitors were placed by, or not at all."""

import pytest

from deploy.worker import STOPPED
from ingest.contract.event import encode
from ingest.log.protocol import PartitionsChanged, Record
from tests.log.fake import FakeConsumer, FakeLog
from tests.workers.fake_store import FakeStore
from tests.workers.fake_tables import Tables
from tests.workers.fakes import world
from tests.workers.streams import stream
from workers import take
from workers.loop import Worker
from workers.slot import Limits


def worker(tables: Tables, log: FakeLog) -> Worker:
    """One that owns every partition of the log."""
    consumer = FakeConsumer(log, lambda _: None, lambda: 100)
    for partition in log.records:
        log.give(partition, consumer)
    return Worker(world(tables, consumer), limits=Limits(seconds=0))


def test_a_log_with_other_partitions_than_it_was_counted_with_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "Store", FakeStore)
    monkeypatch.setattr(FakeStore, "point", staticmethod(lambda _: None))
    tables = Tables()
    records = {p: [Record(p, 0, encode([event]))] for p, event in enumerate(stream(1, 2))}
    first = worker(tables, FakeLog(records))
    for _ in range(3):
        first.turn()
    assert dict(tables.rows("logs")) == {"log": 2}
    rows = tables.event_rows()
    assert len(rows) == 2

    added = FakeLog({**records, 2: [Record(2, 0, records[0][0].value)]})
    second = worker(tables, added)
    with pytest.raises(PartitionsChanged, match="log log has 3 partitions, but visitors are placed by 2"):
        for _ in range(3):
            second.turn()
    assert tables.event_rows() == rows

    again = worker(tables, FakeLog(added.records, "another"))
    for _ in range(3):
        again.turn()
    assert dict(tables.rows("logs")) == {"log": 2, "another": 3}


def test_it_stops_the_process() -> None:
    assert issubclass(PartitionsChanged, STOPPED)
