"""What ingest asks of Redis, asked of a real one."""

import asyncio

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from ingest.contract.snapshot import Snapshot, publish, published
from ingest.contract.visitor import DAY_MS
from ingest.salt import LIFE_MS, SALT_BYTES, Salts, key
from ingest.sites import Sites
from tests.ingest.fake import TRACKING_ID, a_site

pytestmark = pytest.mark.services


def test_two_processes_share_salts_that_expire_by_themselves(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    now = int(redis.time()[0]) * 1000
    today = now // DAY_MS

    async def main() -> None:
        async with AsyncRedis.from_url(redis_url) as one, AsyncRedis.from_url(redis_url) as other:
            first, second = Salts(one), Salts(other)
            await asyncio.gather(first.hold(now), second.hold(now))
            salt = first.of(now, now)
            assert len(salt) == SALT_BYTES
            assert second.of(now, now) == salt
            assert second.of(now - DAY_MS, now) == first.of(now - DAY_MS, now) != salt
            assert redis.pexpiretime(key(today)) == today * DAY_MS + LIFE_MS
            redis.flushdb()
            await second.keep(now)
            assert redis.get(key(today)) == salt

    asyncio.run(main())
    redis.close()


def test_a_published_snapshot_is_read_and_read_again(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)

    async def main() -> None:
        async with AsyncRedis.from_url(redis_url) as client:
            sites = Sites(client)
            await sites.refresh()
            assert not sites.known
            publish(redis, Snapshot(1, [a_site()]))
            await sites.look_again({TRACKING_ID})
            assert sites.find(TRACKING_ID) == a_site()
            publish(redis, Snapshot(2, [a_site(deleted=True)]))
            await sites.refresh()
            assert sites.find(TRACKING_ID) is None

    asyncio.run(main())
    redis.close()


def test_a_snapshot_is_heard_of_as_it_is_published_also_after_a_silence(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)

    async def main() -> None:
        # Nothing comes for longer than a command may take.
        async with AsyncRedis.from_url(redis_url, socket_timeout=0.2) as client:
            sites = Sites(client)
            hearing = asyncio.create_task(sites.hear())
            for version in (1, 2):
                await asyncio.sleep(0.6)
                publish(redis, Snapshot(version, [a_site(revision=version)]))
                async with asyncio.timeout(5):
                    while sites.snapshot.version < version:
                        await asyncio.sleep(0.005)
            assert not hearing.done()
            hearing.cancel()

    asyncio.run(main())
    redis.close()


def test_a_user_who_may_not_tell_it_publishes_all_the_same(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    redis.acl_setuser("mute", enabled=True, nopass=True, keys=["*"], categories=["+@all"], reset_channels=True)
    try:
        with Redis.from_url(redis_url, username="mute", password="x") as mute:
            assert publish(mute, Snapshot(3, [a_site()]))
        assert published(redis).version == 3
    finally:
        redis.acl_deluser("mute")
        redis.close()
