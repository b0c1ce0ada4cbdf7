"""A partition on real Redis and ClickHouse that a worker has taken, and what one batch after the other holds."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count as numbers

from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract.event import Event, Logged, encode
from ingest.contract.revision import Revisions
from ingest.contract.site import SiteSettings
from ingest.log.dead_redis import RedisDeadLetters
from ingest.log.protocol import Record
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from rollups.client import Client, connect
from rollups.past import newest, past
from rollups.write import Writer
from tests.services.schema import migrated
from tests.workers.streams import SITE, START
from workers.cache import Cache
from workers.memory import HOUR
from workers.metrics import Metrics
from workers.take import take
from workers.world import Held, World

RECORD = 20  # events; as the script's bodies under load


@dataclass
class Place:
    """A partition that a worker has taken, and everything beneath it."""

    url: str
    client: Client
    redis: Redis
    world: World
    held: Held

    def append(self, events: Sequence[Logged]) -> list[Record]:
        """As the endpoint does under load; returns what a worker reads then."""

        async def send() -> None:
            producer = RedisProducer(self.url, partitions=1)
            await producer.start()
            for at in range(0, len(events), RECORD):
                await producer.append(0, encode(events[at : at + RECORD]))
            await producer.close()

        asyncio.run(send())
        return list(self.world.consumer.read(0, self.held.offset, self.world.consumer.bounds(0).end))

    def bytes(self, pattern: str) -> int:
        """That the keys take in Redis."""
        return sum(self.redis.memory_usage(key, samples=0) or 0 for key in self.redis.scan_iter(pattern))


@contextmanager
def taken(redis_url: str, clickhouse_url: str) -> Iterator[Place]:
    """The one partition of a new log."""
    migrated(clickhouse_url)
    client, redis = connect(clickhouse_url), Redis.from_url(redis_url)
    names, now = numbers(), lambda: START + HOUR
    revisions = Revisions(redis, now)
    world = World(
        consumer=RedisConsumer(redis_url, partitions=1, lease_seconds=3_600),
        writer=Writer(client),
        redis=redis,
        past=partial(past, client),
        newest=partial(newest, client),
        dead=RedisDeadLetters(redis_url),
        lookup=lambda *_: SiteSettings(),
        metrics=Metrics(CollectorRegistry()),
        nonce=lambda: f"n{next(names)}",
        now=now,
        changing=revisions.changing,
        left=revisions.left,
    )
    with closing(client), closing(redis), closing(world.consumer), closing(world.dead):
        world.consumer.poll(0.0)
        yield Place(redis_url, client, redis, world, take(world, 0, Cache(1 << 28)))


def events(visitors: int, each: int) -> list[Event]:
    """Of ordinary length, in order of time, every other one an engagement."""
    draw = random.Random(1)
    names = [f"{draw.getrandbits(64):016x}" for _ in range(visitors)]
    return [
        Event(
            SITE,
            visitor,
            f"{draw.getrandbits(88):022x}",
            "engagement" if number % 2 else "pageview",
            START + number * 5_000 + draw.randrange(5_000),
            START + number * 5_000 + 5_000,
            view=f"{visitor}{number // 2:x}",
            url=f"https://www.example.com{(page := f'/articles/number-{draw.randrange(50):08d}')}",
            page=page,
            source=draw.choice(["google", "direct", "newsletter"]),
            country=draw.choice(["DE", "FR", "US"]),
            device="Desktop",
            browser="Firefox",
            os="Linux",
            engaged_ms=draw.randrange(9_000) if number % 2 else None,
        )
        for number in range(each)
        for visitor in names
    ]
