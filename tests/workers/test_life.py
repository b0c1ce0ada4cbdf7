"""What random schedules meet seldom: the moments at which another life of ClickHouse would be believed too much."""

import pytest

from rollups.decided import Decided
from tests.log.fake import FakeConsumer, FakeLog
from tests.rollups.make import event, session
from tests.workers.fake_store import FakeRedis, FakeStore
from tests.workers.fake_tables import Tables
from tests.workers.fake_writer import FakeWriter
from tests.workers.fakes import world
from workers import take
from workers.cache import Cache
from workers.state import Moved, Position
from workers.visitor import unread
from workers.whole import complete


def writer(tables: Tables) -> FakeWriter:
    return FakeWriter(tables, lambda _: None, lambda _: None)


def test_a_batch_that_another_has_finished_meanwhile_is_not_completed() -> None:
    """Its session may be retracted by now, and would seem to be missing."""
    tables = Tables()
    decided = Decided("log", 0, 0, 5, "n", b"", "1")
    complete(writer(tables), decided, [event(offset=3)], [session()])
    assert (len(tables.event_rows()), len(tables.session_rows()), len(tables.rows("doubt"))) == (1, 1, 1)
    writer(tables).mark("log", 0, 0, 5, 0, {})
    writer(tables).insert_sessions("log/0/5", [session()._replace(sign=-1)])
    with pytest.raises(Moved, match="another worker finished log/0/0"):
        complete(writer(tables), decided, [event(offset=3)], [session()])
    assert sum(row.sign for row in tables.session_rows()) == 0


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """Where the states of partition 0 are kept."""
    monkeypatch.setattr(take, "Store", FakeStore)
    monkeypatch.setattr(FakeStore, "point", staticmethod(lambda _: None))
    return FakeStore(FakeRedis(), "log", 1, 0, 0)


def owner() -> FakeConsumer:
    """Of partition 0 of an empty log."""
    log = FakeLog({0: []})
    consumer = FakeConsumer(log, lambda _: None, lambda: 1)
    log.give(0, consumer)
    return consumer


def test_states_do_not_begin_anew_by_what_another_life_says_is_newest(store: FakeStore) -> None:
    """It may have lost events that lie before where the partition stands: they would never be read back."""
    tables = Tables()

    def newest() -> int:
        tables.life += 1
        return 0

    with pytest.raises(Moved, match="restarted"):
        take.take(world(tables, owner(), store.redis, newest=newest), 0, Cache(1 << 20))
    assert not store.redis.held


def test_states_of_another_life_are_not_believed(store: FakeStore) -> None:
    """They saw a batch finished; a power cut took its marker, and an operator set it aside: it was never counted."""
    tables = Tables()
    writer(tables).mark("log", 0, 0, 5, 0, {})
    store.reset(Position(5, 0, 0), "1.g")
    seen = unread("s", "v", 0, 0)
    store.save(5, 5, 0, {seen.key: seen})
    for life, known in ((1, [seen.key]), (2, [])):
        tables.life = life
        held = take.take(world(tables, owner(), store.redis), 0, Cache(1 << 20)).store
        assert [*held.load(5, [seen.key])[0]] == known
