"""What random schedules meet seldom: the moments at which another life of ClickHouse would be believed too much."""

from typing import cast

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract.site import SiteSettings
from rollups.write import Decided
from tests.log.fake import FakeConsumer, FakeDead, FakeLog
from tests.rollups.make import event, session
from tests.workers.fakes import FakeRedis, FakeStore, FakeWriter, Tables, past
from workers import take
from workers.cache import Cache
from workers.metrics import Metrics
from workers.state import Moved
from workers.visitor import FOREVER
from workers.whole import complete
from workers.world import World


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


def test_states_do_not_begin_anew_by_what_another_life_says_is_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have lost events that lie before where the partition stands: they would never be read back."""
    monkeypatch.setattr(take, "Store", FakeStore)
    monkeypatch.setattr(FakeStore, "point", staticmethod(lambda _: None))
    tables, redis, log = Tables(), FakeRedis(), FakeLog({0: []})

    def newest() -> int:
        tables.life += 1
        return 0

    consumer = FakeConsumer(log, lambda _: None, lambda: 1)
    log.give(0, consumer)
    world = World(
        consumer=consumer,
        writer=writer(tables),
        redis=cast(Redis, redis),
        past=past(tables),
        newest=newest,
        dead=FakeDead(),
        lookup=lambda _site, _revision: SiteSettings(),
        metrics=Metrics(CollectorRegistry()),
        nonce=lambda: "n",
        now=lambda: FOREVER,
    )
    with pytest.raises(Moved, match="restarted"):
        take.take(world, 0, Cache(1 << 20))
    assert not redis.held
