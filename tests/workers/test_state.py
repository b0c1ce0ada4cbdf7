"""The state store on a real Redis: what is refused, what is forgotten, what a rebuild protects."""

from collections.abc import Iterator

import pytest
from redis import Redis

from ingest.contract import freshness
from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from workers.fold import Entry, State, fold
from workers.memory import FORGET, MINUTE
from workers.state import Moved, Position, Store, wipe

pytestmark = pytest.mark.services

NOON = 1_772_000_000_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def store(redis: Redis) -> Store:
    made = Store(redis, "log", 4, 3)
    made.begin("n")
    made.end(Position(2**60, NOON))
    return made


def state(visitor: int, received: int = NOON) -> dict[str, State]:
    event = Event("abcdef", f"{visitor:016x}", "é", "signup", NOON, received, page="/ü", settings=2**63)
    return fold({}, 0, [Entry(1, 0, event)], 2**64 - 1, lambda *_: SiteSettings()).states


def test_states_come_back_as_they_were_saved(store: Store) -> None:
    one, two = state(1), state(2)
    store.save(2**60, Position(2**60 + 5, NOON), {**one, **two})
    assert store.position() == Position(2**60 + 5, NOON)
    assert store.load(2**60 + 5, [*one, *two, "nobody"]) == {**one, **two}


def test_a_save_from_another_offset_is_refused_and_changes_nothing(store: Store) -> None:
    one = state(1)
    with pytest.raises(Moved):
        store.save(2**60 - 1, Position(2**60 + 5, NOON), one)
    assert store.position() == Position(2**60, NOON)
    assert store.load(2**60, one) == {}


def test_states_are_read_only_where_they_stand(store: Store, redis: Redis) -> None:
    with pytest.raises(Moved):
        store.load(7, [])
    redis.flushdb()
    with pytest.raises(Moved):
        store.load(2**60, [])


def test_states_are_deleted_by_the_partitions_clock_with_ten_minutes_of_slack(store: Store, redis: Redis) -> None:
    kept, gone = state(1), state(2, NOON - 1)
    clock = NOON + FORGET + 10 * MINUTE
    store.save(2**60, Position(2**60 + 1, NOON), {**kept, **gone})
    store.save(2**60 + 1, Position(2**60 + 2, clock), {})
    assert list(store.load(2**60 + 2, [*kept, *gone])) == list(kept)
    assert len(redis.keys("*visitor:*")) == 1


def test_nobody_saves_during_a_rebuild_and_a_rebuild_starts_from_nothing(store: Store, redis: Redis) -> None:
    store.save(2**60, Position(2**60 + 1, NOON), state(1))
    store.begin("mine")
    assert store.position() is None
    with pytest.raises(Moved):
        store.save(2**60 + 1, Position(2**60 + 2, NOON), state(1))
    assert redis.keys("*visitor:*") == []
    store.put(state(2))
    store.end(Position(2**60 + 1, NOON))
    assert store.load(2**60 + 1, [*state(1), *state(2)]) == state(2)


def test_only_the_latest_rebuild_writes(store: Store, redis: Redis) -> None:
    other = Store(redis, "log", 4, 3)
    store.begin("first")
    other.begin("second")
    with pytest.raises(Moved):
        store.put(state(1))
    with pytest.raises(Moved):
        store.end(Position(9, NOON))
    other.end(Position(9, NOON))
    assert store.position() == Position(9, NOON)


def test_a_rebuild_that_lost_some_of_its_writes_does_not_go_on(store: Store, redis: Redis) -> None:
    store.begin("mine")
    store.put(state(1))
    held = {key: redis.dump(key) or b"" for key in redis.keys("*")}
    store.put(state(2))
    redis.flushdb()
    for key, value in held.items():
        redis.restore(key, 0, value)
    with pytest.raises(Moved):
        store.end(Position(9, NOON))
    with pytest.raises(Moved):
        store.put(state(3))
    assert store.position() is None


def test_a_wipe_ends_a_rebuild_too(store: Store, redis: Redis) -> None:
    store.begin("mine")
    wipe(redis)
    with pytest.raises(Moved):
        store.end(Position(9, NOON))
    assert store.position() is None


def test_logs_partition_counts_and_partitions_do_not_meet(store: Store, redis: Redis) -> None:
    assert [Store(redis, *names).position() for names in (("other", 4, 3), ("log", 5, 3), ("log", 4, 2))] == [None] * 3


def test_freshness_is_the_least_of_all_partitions_and_never_goes_back(redis: Redis) -> None:
    assert freshness.read(redis) is None
    freshness.publish(redis, "log", 2, 0, 50)
    assert freshness.read(redis) is None
    freshness.publish(redis, "log", 2, 1, 70)
    freshness.publish(redis, "log", 2, 0, 40)
    assert freshness.read(redis) == 50
    freshness.publish(redis, "log", 2, 0, 90)
    assert freshness.read(redis) == 70
    freshness.publish(redis, "another", 2, 0, 10)
    assert freshness.read(redis) is None
