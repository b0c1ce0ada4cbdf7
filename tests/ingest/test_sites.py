"""The snapshot in memory."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from ingest.contract.snapshot import KEY
from ingest.sites import Sites, SitesUnknown
from tests.ingest.fake import TRACKING_ID, FakeRedis, a_site

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def sites_on(redis: FakeRedis) -> Sites:
    return Sites(redis)  # type: ignore[arg-type]


def test_a_newer_snapshot_is_taken_and_an_older_one_never() -> None:
    redis = FakeRedis()
    sites = sites_on(redis)
    redis.publish(a_site(), version=5)
    run(sites.refresh())
    redis.publish(version=4)
    run(sites.refresh())
    assert sites.snapshot.version == 5
    assert sites.find(TRACKING_ID) is not None
    redis.publish(version=6)
    run(sites.refresh())
    assert sites.find(TRACKING_ID) is None


def test_what_is_known_outlives_redis() -> None:
    redis = FakeRedis()
    redis.publish(a_site())
    sites = sites_on(redis)
    run(sites.refresh())
    redis.away = True
    with pytest.raises(SitesUnknown):
        run(sites.refresh())
    assert sites.find(TRACKING_ID) is not None
    redis.away = False
    redis.hashes.clear()
    run(sites.refresh())
    assert sites.find(TRACKING_ID) is not None


def test_a_deleted_site_is_unknown_without_another_look() -> None:
    redis = FakeRedis()
    redis.publish(a_site(deleted=True))
    sites = sites_on(redis)
    run(sites.refresh())
    calls = redis.calls
    run(sites.look_again({TRACKING_ID}))
    assert redis.calls == calls
    assert sites.find(TRACKING_ID) is None


def test_an_unknown_id_is_looked_for_once_by_all_who_ask_together() -> None:
    """Single flight: a flood of unknown ids costs one read, not one each."""
    redis = FakeRedis()
    redis.publish(version=1)
    sites = sites_on(redis)
    run(sites.refresh())
    redis.publish(a_site(), version=2)
    redis.calls = 0

    async def main() -> None:
        await asyncio.gather(*(sites.look_again({TRACKING_ID, f"site_{number}"}) for number in range(200)))

    run(main())
    assert redis.calls == 2  # the version, then the body
    assert sites.find(TRACKING_ID) is not None


def test_whoever_asks_after_a_look_began_gets_a_look_of_its_own() -> None:
    """The one under way may have read what was there before the site was published."""
    redis = FakeRedis()
    redis.publish(version=1)
    sites = sites_on(redis)

    class Slow(FakeRedis):
        async def hget(self, key: str, name: str) -> bytes | None:
            found = await redis.hget(key, name)
            await asyncio.sleep(0.2)
            return found

        async def hmget(self, key: str, names: list[str]) -> list[bytes | None]:
            return await redis.hmget(key, names)

    sites = sites_on(Slow())

    async def main() -> None:
        early = asyncio.create_task(sites.look_again({TRACKING_ID}))
        await asyncio.sleep(0.12)
        redis.publish(a_site(), version=2)
        await sites.look_again({TRACKING_ID})
        assert sites.find(TRACKING_ID) is not None
        await early

    run(main())


def test_a_published_snapshot_is_taken_at_once() -> None:
    """Who changed a setting may post its first event as soon as the answer is there."""
    redis = FakeRedis()
    redis.publish(version=1)
    sites = sites_on(redis)

    async def main() -> None:
        hearing = asyncio.create_task(sites.hear())
        await asyncio.sleep(0.01)
        for version in (2, 3):
            redis.publish(a_site(revision=version), version=version)
            await asyncio.sleep(0.05)
            assert sites.snapshot.version == version
        redis.away = True
        redis.publish(version=4)
        with pytest.raises(SitesUnknown):
            await hearing

    run(main())


def test_without_redis_nobody_can_say_that_an_id_is_unknown() -> None:
    redis = FakeRedis(away=True)
    with pytest.raises(SitesUnknown):
        run(sites_on(redis).look_again({TRACKING_ID}))


def test_a_half_published_snapshot_is_left_alone() -> None:
    redis = FakeRedis()
    redis.hashes[KEY] = {"version": b"3"}
    sites = sites_on(redis)
    run(sites.refresh())
    assert not sites.known
