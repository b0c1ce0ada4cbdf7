"""Visitor hashes and the salts of a day."""

import asyncio
from collections.abc import Coroutine
from hashlib import blake2b
from typing import Any, TypeVar

import pytest

from ingest.contract import visitor
from ingest.contract.visitor import DAY_MS
from ingest.salt import LIFE_MS, Salts, key
from tests.ingest.fake import NOW, FakeRedis

T = TypeVar("T")
TODAY = NOW // DAY_MS


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def salts(redis: FakeRedis, letter: bytes) -> Salts:
    return Salts(redis, random=lambda size: letter * size)  # type: ignore[arg-type]


def test_a_visitor_is_16_hex_digits_keyed_by_the_sites_secret() -> None:
    assert visitor.own("s3cret", "v1") == blake2b(b"v\0v1", digest_size=8, key=b"s3cret").hexdigest()
    assert visitor.own("s3cret", "v1") != visitor.own("other", "v1")
    assert len(visitor.own("k" * 200, "ü\ud800")) == 16


def test_kinds_of_visitors_never_meet() -> None:
    salt = b"s3cret"
    names = {
        visitor.own("s3cret", "a\0b"),
        visitor.cookieless(salt, "a", "b", ""),
        visitor.imported("s3cret", 0, "a", "b"),
        visitor.cookieless(salt, "a", "", "b"),
    }
    assert len(names) == 4


def test_the_day_is_utc() -> None:
    assert visitor.day(DAY_MS - 1) == 0
    assert visitor.day(DAY_MS) == 1


def test_who_is_imported_without_a_name_is_another_on_another_utc_day() -> None:
    days = [visitor.imported("s3cret", time, "a", "b") for time in (0, DAY_MS - 1, DAY_MS, 2 * DAY_MS - 1)]
    assert days[0] == days[1] != days[2] == days[3]


def test_all_processes_share_the_salt_of_the_first() -> None:
    redis = FakeRedis()
    first, second = salts(redis, b"1"), salts(redis, b"2")
    run(first.hold(NOW))
    run(second.hold(NOW))
    assert second.of(NOW, NOW) == first.of(NOW, NOW) == b"1" * 32


def test_a_salt_lives_48_hours_from_the_beginning_of_its_day() -> None:
    redis = FakeRedis()
    run(salts(redis, b"1").hold(NOW))
    assert redis.expires == {
        key(TODAY): TODAY * DAY_MS + LIFE_MS,
        key(TODAY - 1): (TODAY - 1) * DAY_MS + LIFE_MS,
    }


def test_held_salts_ask_redis_nothing() -> None:
    redis = FakeRedis()
    held = salts(redis, b"1")
    run(held.hold(NOW))
    calls = redis.calls
    run(held.hold(NOW))
    assert redis.calls == calls


def test_a_salt_that_redis_lost_is_put_back() -> None:
    redis = FakeRedis()
    held = salts(redis, b"1")
    run(held.hold(NOW))
    redis.strings.clear()
    run(held.keep(NOW))
    assert redis.strings[key(TODAY)] == b"1" * 32


def test_a_salt_is_destroyed_in_memory_too() -> None:
    redis = FakeRedis()
    held = salts(redis, b"1")
    run(held.hold(NOW))
    before = held.of(NOW, NOW)
    held_later = (TODAY + 2) * DAY_MS
    redis.strings.clear()
    run(held.keep(held_later))
    assert redis.strings == {}
    held._random = lambda size: b"2" * size  # noqa: SLF001 - the next day's chance
    run(held.hold(held_later))
    assert before not in (held.of(NOW, held_later), held.of(held_later, held_later))


def test_a_salt_is_not_given_to_redis_in_its_last_minutes() -> None:
    redis = FakeRedis()
    held = salts(redis, b"1")
    run(held.hold(NOW))
    last = (TODAY + 1) * DAY_MS - 60_000  # yesterday's ends in a minute
    redis.strings.clear()
    run(held.keep(last))
    run(salts(redis, b"2").hold(last))
    assert set(redis.strings) == {key(TODAY)}
    redis.strings[key(TODAY - 1)] = b"3" * 32
    run(held.keep(last))
    assert held.of(last - DAY_MS, last) == b"3" * 32


def test_an_event_of_a_day_whose_salt_is_gone_uses_that_of_its_receipt() -> None:
    held = salts(FakeRedis(), b"1")
    run(held.hold(NOW))
    assert held.of(NOW - 5 * DAY_MS, NOW) == held.of(NOW, NOW)


def test_without_redis_a_day_begins_with_an_own_salt_that_is_shared_later() -> None:
    redis = FakeRedis(away=True)
    held = salts(redis, b"1")
    run(held.hold(NOW))
    assert held.of(NOW, NOW) == b"1" * 32
    redis.away = False
    run(held.keep(NOW))
    assert redis.strings[key(TODAY)] == b"1" * 32


def test_an_own_salt_is_given_up_for_the_one_that_others_share() -> None:
    redis = FakeRedis(away=True)
    held = salts(redis, b"1")
    run(held.hold(NOW))
    redis.away = False
    run(salts(redis, b"2").hold(NOW))
    run(held.keep(NOW))
    assert held.of(NOW, NOW) == b"2" * 32


@pytest.mark.parametrize("requests", [50])
def test_concurrent_requests_at_midnight_make_one_salt(requests: int) -> None:
    redis = FakeRedis()
    letters = iter(range(256))
    held = Salts(redis, random=lambda size: bytes([next(letters)]) * size)  # type: ignore[arg-type]

    async def midnight() -> set[bytes]:
        async def one() -> bytes:
            await held.hold(NOW)
            return held.of(NOW, NOW)

        return set(await asyncio.gather(*(one() for _ in range(requests))))

    assert len(run(midnight())) == 1
