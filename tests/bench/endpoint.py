"""The web process with nothing but the tracking endpoint, on a Redis log: `python -m tests.bench.endpoint PORT URL`."""

import socket
import sys
import time

import redis.asyncio
import uvloop
from prometheus_client import REGISTRY

from deploy.web import serve
from ingest.app import NO_LIMIT, Ingest
from ingest.log.redis_producer import RedisProducer


async def run(port: int, url: str) -> None:
    client = redis.asyncio.Redis.from_url(url)
    ingest = Ingest(RedisProducer(url), client, lambda: time.time_ns() // 1_000_000, REGISTRY, address_rate=NO_LIMIT)
    await serve([ingest], socket.create_server(("127.0.0.1", port)))
    await client.aclose()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2]))
