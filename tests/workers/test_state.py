"""The state store on a real Redis: what is refused, what goes and leaves the horizon behind, what fits where."""

from collections.abc import Iterator

import pytest
from redis import Redis

from ingest.contract import freshness
from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from workers.fold import Entry, Known, fold, visits
from workers.state import FORGET, OVERHEAD, SLACK, Moved, Position, Store, leave
from workers.visitor import State, unread

pytestmark = pytest.mark.services

NOON = 1_772_000_000_000
HIGH = 2**60

NOW, HOUR = 1_800_000_000_000, 3_600_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def store(redis: Redis) -> Store:
    return at(Store(redis, "log", 4, 3), HIGH)


def at(made: Store, offset: int, horizon: int = 0, generation: str = "first") -> Store:
    made.reset(Position(offset, NOON, horizon), generation)
    return made


def state(visitor: int, received: int = NOON) -> dict[str, State]:
    event = Event("abcdef", f"{visitor:016x}", "é", "signup", NOON - 5, received, page="/ü", settings=2**63)
    return fold(Known({}, {}, 0), 0, visits([Entry(1, 0, event)]), 2**64 - 1, lambda *_: SiteSettings()).states


def visitors(redis: Redis) -> int:
    return len(redis.keys("*visitor:*"))


def test_states_come_back_as_they_were_saved(store: Store) -> None:
    one, two = state(1), state(2)
    store.save(HIGH, HIGH + 5, NOON, {**one, **two})
    assert store.position() == Position(HIGH + 5, NOON, 0)
    assert store.load(HIGH + 5, [*one, *two, "nobody"]) == ({**one, **two}, 0)


def test_a_save_from_another_offset_is_refused_and_changes_nothing(store: Store) -> None:
    one = state(1)
    with pytest.raises(Moved):
        store.save(HIGH - 1, HIGH + 5, NOON, one)
    assert store.position() == Position(HIGH, NOON, 0)
    assert store.load(HIGH, one) == ({}, 0)


def test_states_are_read_only_where_they_stand(store: Store, redis: Redis) -> None:
    with pytest.raises(Moved):
        store.load(7, [])
    redis.flushdb()
    with pytest.raises(Moved):
        store.load(HIGH, [])


def test_states_are_deleted_by_the_partitions_clock_and_leave_the_horizon(store: Store, redis: Redis) -> None:
    kept, gone = state(1), state(2, NOON - 1)
    store.save(HIGH, HIGH + 1, NOON, {**kept, **gone})
    store.save(HIGH + 1, HIGH + 2, NOON + FORGET + SLACK, {})
    assert store.load(HIGH + 2, [*kept, *gone]) == (kept, NOON - 1)
    assert visitors(redis) == 1


def test_a_clock_that_moves_while_nothing_comes_deletes_too(store: Store, redis: Redis) -> None:
    store.save(HIGH, HIGH + 1, NOON, state(1))
    store.tidy(HIGH + 1, NOON + FORGET + SLACK)
    assert visitors(redis) == 1
    store.tidy(HIGH + 1, NOON + FORGET + SLACK + 1)
    assert visitors(redis) == 0
    assert store.load(HIGH + 1, state(1)) == ({}, NOON)


def test_states_past_the_budget_go_the_longest_unheard_first(redis: Redis) -> None:
    made = at(Store(redis, "log", 1, 0, budget=1_900), HIGH)
    for n in range(20):
        made.save(HIGH + n, HIGH + n + 1, NOON + n, state(n, NOON + n))
        assert made.bytes <= 1_900
        assert sum(redis.strlen(key) for key in redis.keys("*visitor:*")) < made.bytes
    left = visitors(redis)
    assert 2 <= left < 10
    held, horizon = made.load(HIGH + 20, [name for n in range(20) for name in state(n)])
    assert list(held) == [name for n in range(20 - left, 20) for name in state(n)]
    assert horizon == NOON + 19 - left


@pytest.mark.parametrize("budget", [10**9, 4_000, 1_900])
def test_the_bytes_are_those_of_what_is_there(redis: Redis, budget: int) -> None:
    made = at(Store(redis, "log", 1, 0, budget=budget), HIGH)
    prefix = len("throughline:{state:log:1:0}:first:visitor:")
    for n in range(12):
        some = {**state(n % 3, NOON + n), **state(n % 5, NOON + n), **state(7 + n % 2, NOON - n)}
        made.save(HIGH + n, HIGH + n + 1, NOON + n, some)
        there = redis.keys("*visitor:*")
        assert made.bytes == sum(redis.strlen(key) + len(key) - prefix + OVERHEAD for key in there) <= budget
        assert redis.zcard("throughline:{state:log:1:0}:first:heard") == len(there)


def test_a_budget_with_no_room_at_all_keeps_nothing_and_goes_on(redis: Redis) -> None:
    made = at(Store(redis, "log", 1, 0, budget=10), HIGH)
    made.save(HIGH, HIGH + 1, NOON, state(1))
    assert made.load(HIGH + 1, state(1)) == ({}, NOON)
    assert (made.bytes, visitors(redis)) == (0, 0)


def test_a_visitor_is_never_heard_less_than_before(store: Store) -> None:
    """Who is to be read back may have newer events than the batch that says so."""
    [one] = state(1)
    store.save(HIGH, HIGH + 1, NOON, state(1, NOON + 7))
    store.save(HIGH + 1, HIGH + 2, NOON, {one: unread("abcdef", f"{1:016x}", 1, NOON + 3)})
    store.tidy(HIGH + 2, NOON + 7 + FORGET + SLACK + 1)
    assert store.load(HIGH + 2, [one]) == ({}, NOON + 7)


def test_a_redis_without_room_loses_states_and_goes_on(redis: Redis) -> None:
    made = at(Store(redis, "log", 1, 0), HIGH)
    made.save(HIGH, HIGH + 1, NOON, {**state(1), **state(2)})
    held = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Exception, match="maxmemory"):
            redis.set("anything", "x")
        made.save(HIGH + 1, HIGH + 2, NOON + 1, state(1, NOON + 1))
        assert made.position() == Position(HIGH + 2, NOON + 1, 0)
        made.save(HIGH + 2, HIGH + 3, NOON + 2, {})
        made.reset(Position(HIGH + 3, NOON, NOON), "second")
        assert made.position() == Position(HIGH + 3, NOON, NOON)
    finally:
        redis.config_set("maxmemory", held or 0)


def test_a_reset_forgets_every_state_and_whoever_held_them_is_refused(store: Store, redis: Redis) -> None:
    store.save(HIGH, HIGH + 1, NOON, state(1))
    other = Store(redis, "log", 4, 3)
    assert other.position() == Position(HIGH + 1, NOON, 0)
    at(other, HIGH + 1, NOON, "second")
    assert other.load(HIGH + 1, state(1)) == ({}, NOON)
    with pytest.raises(Moved):
        store.load(HIGH + 1, [])
    with pytest.raises(Moved):
        store.save(HIGH + 1, HIGH + 2, NOON, state(1))


def test_what_a_reset_left_behind_is_swept(redis: Redis) -> None:
    made = at(Store(redis, "log", 1, 0), HIGH)
    many = {name: each for n in range(2_500) for name, each in state(n).items()}
    made.save(HIGH, HIGH + 1, NOON, many)
    at(made, HIGH + 1, NOON, "second")
    for n in range(5):
        made.save(HIGH + 1 + n, HIGH + 2 + n, NOON, state(1))
    assert visitors(redis) == 1
    assert len(redis.keys("*first*")) == 0


def test_of_a_log_that_is_over_nothing_is_left_and_of_others_all(redis: Redis) -> None:
    other = at(Store(redis, "log-2", 2, 1), HIGH)
    other.save(HIGH, HIGH + 1, NOON, state(1))
    old = at(Store(redis, "log", 2, 1), HIGH)
    old.save(HIGH, HIGH + 1, NOON, {name: each for n in range(1_500) for name, each in state(n).items()})
    leave(redis, "log", 2)
    assert redis.keys("*{state:log:*") == []
    with pytest.raises(Moved):
        old.save(HIGH + 1, HIGH + 2, NOON, state(1))
    assert (other.position(), visitors(redis)) == (Position(HIGH + 1, NOON, 0), 1)


def test_what_an_earlier_build_left_is_deleted(redis: Redis) -> None:
    tag = "throughline:{state:log:4:3}:"
    redis.set(f"{tag}position", "7 8")
    for n in range(30):
        redis.set(f"{tag}visitor:abcdef-{n:016x}", "blob")
    redis.zadd(f"{tag}receipts", {"abcdef": 1})
    made = Store(redis, "log", 4, 3)
    assert made.position() is None
    at(made, 7)
    assert made.position() == Position(7, NOON, 0)
    assert visitors(redis) == 0
    assert redis.keys("*receipts") == []


def test_logs_partition_counts_and_partitions_do_not_meet(store: Store, redis: Redis) -> None:
    assert [Store(redis, *names).position() for names in (("other", 4, 3), ("log", 5, 3), ("log", 4, 2))] == [None] * 3


def test_freshness_is_the_least_of_all_partitions_and_never_goes_back(redis: Redis) -> None:
    assert freshness.read(redis) is None
    freshness.publish(redis, "log", 2, 0, 50, NOW)
    assert freshness.read(redis) is None
    freshness.publish(redis, "log", 2, 1, 70, NOW)
    freshness.publish(redis, "log", 2, 0, 40, NOW)
    assert freshness.read(redis) == 50
    freshness.publish(redis, "log", 2, 0, 90, NOW)
    assert freshness.read(redis) == 70


def test_what_was_fresh_stays_so_when_the_next_log_is_begun(redis: Redis) -> None:
    freshness.publish(redis, "log", 1, 0, 50, NOW)
    freshness.publish(redis, "next", 2, 1, 80, NOW)
    assert freshness.read(redis) == 50
    freshness.publish(redis, "yet another", 1, 5, 80, NOW)  # of one that nobody has finished looking at
    assert freshness.read(redis) == 50
    freshness.publish(redis, "next", 2, 1, 80, NOW)
    freshness.publish(redis, "next", 2, 0, 90, NOW)
    assert freshness.read(redis) == 80


def test_freshness_comes_back_from_a_clock_that_was_ahead(redis: Redis) -> None:
    freshness.publish(redis, "log", 1, 0, NOW + 25 * HOUR, NOW + 25 * HOUR)
    freshness.publish(redis, "log", 1, 0, NOW - 2, NOW)
    assert freshness.read(redis) == NOW - 2
