"""The few commands that ingest gives Redis, answered by the fake as by a real one (but that nothing expires in it)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ingest.contract.snapshot import KEY, Snapshot, publish
from tests.ingest.fake import FakeRedis, a_site

pytestmark = pytest.mark.services

Run = Callable[[Callable[[Any], Awaitable[None]]], None]
LATER = 4_000_000_000_000  # ms


@pytest.fixture(params=["real", "fake"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function on a Redis in which one site is published."""
    url = request.getfixturevalue("redis_url") if request.param == "real" else ""

    async def main(ask: Callable[[Any], Awaitable[None]]) -> None:
        if not url:
            fake = FakeRedis()
            fake.publish(a_site())
            await ask(fake)
            return
        with Redis.from_url(url) as publisher:
            publish(publisher, Snapshot(1, [a_site()]))
        async with AsyncRedis.from_url(url) as client:
            await ask(client)

    return lambda ask: asyncio.run(main(ask))


def test_the_published_snapshot_is_a_hash(run: Run) -> None:
    async def ask(redis: Any) -> None:
        assert await redis.hget(KEY, "version") == b"1"
        assert await redis.hmget(KEY, ["version", "nothing", "body"]) == [b"1", None, Snapshot(1, [a_site()]).encode()]
        assert await redis.hget("nowhere", "version") is None
        assert await redis.hmget("nowhere", ["version", "body"]) == [None, None]

    run(ask)


def test_a_pipeline_answers_each_command_in_order_and_the_first_value_stands(run: Run) -> None:
    async def ask(redis: Any) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.set("a", b"1", nx=True, pxat=LATER)
            pipe.set("a", b"2", nx=True, pxat=LATER)
            pipe.get("a")
            pipe.get("b")
            assert await pipe.execute() == [True, None, b"1", None]
            pipe.set("a", b"3", nx=False, pxat=LATER)
            assert await pipe.execute() == [True], "what was executed is not executed again"
        assert await redis.get("a") == b"3"
        assert await redis.get("b") is None
        assert await redis.exists("a", "b") == 1

    run(ask)


def test_it_says_whether_it_writes_a_file(run: Run) -> None:
    async def ask(redis: Any) -> None:
        assert (await redis.info("persistence"))["aof_enabled"] in (0, 1)

    run(ask)


def test_one_that_is_away_raises_what_the_client_raises() -> None:
    async def ask(redis: Any) -> None:
        with pytest.raises(RedisError):
            await redis.get("a")

    asyncio.run(ask(FakeRedis(away=True)))

    async def nobody() -> None:
        async with AsyncRedis(port=1, retry=Retry(NoBackoff(), 0)) as client:
            await ask(client)

    asyncio.run(nobody())
