"""After a restart of Redis no client fails on a connection that it still had from before."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy import wiring
from deploy.settings import Settings
from ingest.log import stream
from ingest.log.redis_producer import RedisProducer
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services
CONNECTIONS = 4
ROOT = Path(__file__).parents[2]


def restart(server: RedisServer) -> None:
    server.kill()
    server.start()


def test_every_connection_of_the_web_is_looked_at_before_its_use(server: RedisServer) -> None:
    async def run() -> None:
        async with wiring.async_redis_client(Settings(redis=server.url)) as client:
            # One after the other would only use the first.
            await asyncio.gather(*[client.ping() for _ in range(CONNECTIONS)])
            restart(server)
            await asyncio.sleep(0.05)  # what the kernel knows is read
            await asyncio.gather(*[client.ping() for _ in range(CONNECTIONS)])

    asyncio.run(run())


def test_so_is_every_one_of_the_log(server: RedisServer) -> None:
    async def run() -> None:
        producer = RedisProducer(server.url)
        await producer.start()
        await producer.append(0, b"x")
        await asyncio.gather(producer.append(0, b"x"), producer.holds())
        restart(server)
        await asyncio.sleep(0.05)
        await asyncio.gather(producer.append(0, b"x"), producer.holds())
        await producer.close()

    asyncio.run(run())


@pytest.mark.parametrize("make", [lambda url: wiring.redis_client(Settings(redis=url)), stream.connect])
def test_so_is_every_one_of_a_blocking_client(server: RedisServer, make: Callable[[str], redis.Redis]) -> None:
    with make(server.url) as client:
        client.set_retry(Retry(NoBackoff(), 0))
        client.ping()
        server.kill()
        server.start()
        client.ping()


def test_every_client_reads_our_addresses() -> None:
    found = {
        path.name: len(re.findall(r"\.from_url\((?!\s*native\()", path.read_text()))
        for stage in ("ingest", "workers", "rollups", "api", "deploy")
        for path in (ROOT / stage).rglob("*.py")
    }
    assert {name for name, others in found.items() if others} == set()
