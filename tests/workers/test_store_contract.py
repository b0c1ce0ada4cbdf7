"""What the protocol relies on in the store of states, of the real one and of the fake that its simulation stands on."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from redis import Redis

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from tests.workers.fake_store import FakeRedis, FakeStore
from workers.fold import Entry, Known, fold, visits
from workers.state import BYTES, FORGET, OVERHEAD, SLACK, Moved, Position, Store
from workers.visitor import State

pytestmark = pytest.mark.services

NOON = 1_772_000_000_000
HIGH = 2**60
Make = Callable[..., Any]  # (partition, room in states) → a store of one Redis


@pytest.fixture(params=["real", "fake"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    if request.param == "fake":
        fake = FakeRedis()

        def made(partition: int = 0, room: int = 1_000_000) -> FakeStore:
            monkeypatch.setattr(FakeStore, "room", room)
            monkeypatch.setattr(FakeStore, "point", staticmethod(lambda _: None))
            return FakeStore(fake, "log", 4, partition, 0)

        yield made
        return
    with Redis.from_url(request.getfixturevalue("redis_url")) as client:
        # Room in bytes: all states of these tests are of one size.
        yield lambda partition=0, room=None: Store(
            client, "log", 4, partition, BYTES if room is None else 4 * room * COST
        )


def state(visitor: int, heard: int = NOON) -> dict[str, State]:
    event = Event("abcdef", f"{visitor:016x}", "e", "pageview", NOON - 5, heard)
    return fold(Known({}, {}, 0), 0, visits([Entry(1, 0, event)]), 7, lambda *_: SiteSettings()).states


def size() -> int:
    [(name, held)] = state(1).items()
    return len(name) + len(msgspec.msgpack.encode(held)) + OVERHEAD


COST = size()


def begun(store: Any, offset: int = HIGH, horizon: int = 0, generation: str = "first") -> Any:
    store.reset(Position(offset, NOON, horizon), generation)
    return store


def test_a_store_that_nobody_began_stands_nowhere_and_gives_nothing(make: Make) -> None:
    assert make().position() is None
    with pytest.raises(Moved):
        make().load(0, [])
    with pytest.raises(Moved):
        make().save(0, 5, NOON, {})


def test_what_is_saved_is_loaded_at_its_offset_and_nowhere_else(make: Make) -> None:
    store = begun(make())
    one, two = state(1), state(2)
    store.save(HIGH, HIGH + 5, NOON + 1, {**one, **two})
    assert store.position() == Position(HIGH + 5, NOON + 1, 0)
    assert store.load(HIGH + 5, [*one, "nobody"]) == (one, 0)
    for offset in (HIGH, HIGH + 4, HIGH + 6):
        with pytest.raises(Moved):
            store.load(offset, one)
        with pytest.raises(Moved):
            store.save(offset, HIGH + 9, NOON, {})
    assert store.load(HIGH + 5, [*one, *two]) == ({**one, **two}, 0)


def test_a_state_saved_again_is_the_later_one(make: Make) -> None:
    store = begun(make())
    store.save(HIGH, HIGH + 1, NOON, state(1))
    store.save(HIGH + 1, HIGH + 2, NOON, state(1, NOON + 7))
    assert store.load(HIGH + 2, state(1)) == (state(1, NOON + 7), 0)


def test_partitions_know_nothing_of_each_other(make: Make) -> None:
    first, second = begun(make(0)), begun(make(1), 5)
    first.save(HIGH, HIGH + 1, NOON, state(1))
    assert second.position() == Position(5, NOON, 0)
    assert second.load(5, state(1)) == ({}, 0)


def test_another_member_sees_it_once_it_has_read_the_position(make: Make) -> None:
    begun(make()).save(HIGH, HIGH + 1, NOON, state(1))
    other = make()
    with pytest.raises(Moved):
        other.load(HIGH + 1, state(1))
    assert other.position() == Position(HIGH + 1, NOON, 0)
    assert other.load(HIGH + 1, state(1)) == (state(1), 0)


def test_a_reset_forgets_all_and_refuses_who_stood_there_before(make: Make) -> None:
    stale, fresh = begun(make()), make()
    stale.save(HIGH, HIGH + 1, NOON, state(1))
    begun(fresh, HIGH + 1, NOON, "second")
    assert fresh.load(HIGH + 1, state(1)) == ({}, NOON)
    with pytest.raises(Moved):
        stale.load(HIGH + 1, state(1))
    with pytest.raises(Moved):
        stale.save(HIGH + 1, HIGH + 2, NOON, state(1))
    with pytest.raises(Moved):
        stale.tidy(HIGH + 1, NOON)


def test_states_that_the_clock_has_passed_go_and_leave_the_horizon(make: Make) -> None:
    store = begun(make())
    store.save(HIGH, HIGH + 1, NOON, {**state(1), **state(2, NOON - 1)})
    store.tidy(HIGH + 1, NOON + FORGET + SLACK)
    assert store.position() == Position(HIGH + 1, NOON + FORGET + SLACK, NOON - 1)
    assert store.load(HIGH + 1, [*state(1), *state(2)]) == (state(1), NOON - 1)
    store.save(HIGH + 1, HIGH + 2, NOON + FORGET + SLACK + 1, {})
    assert store.load(HIGH + 2, state(1)) == ({}, NOON)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_without_room_the_longest_unheard_go(make: Make, room: int) -> None:
    store = begun(make(room=room))
    for n in range(4):
        store.save(HIGH + n, HIGH + n + 1, NOON, state(n, NOON + n))
    held, horizon = store.load(HIGH + 4, [name for n in range(4) for name in state(n)])
    assert list(held) == [name for n in range(4 - room, 4) for name in state(n)]
    assert horizon == NOON + 3 - room
