"""What a batch costs, counted and not timed, and what an event weighs: on real Redis and ClickHouse."""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count as numbers

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract.event import Event, encode
from ingest.contract.revision import Revisions
from ingest.contract.site import SiteSettings
from ingest.log.dead_redis import RedisDeadLetters
from ingest.log.protocol import Record
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from rollups.client import Client, connect
from rollups.migrate import migrate
from rollups.past import newest, past
from rollups.rollup import load
from rollups.write import Writer
from tests.workers.streams import SITE, START
from workers.batch import count
from workers.cache import Cache
from workers.memory import HOUR
from workers.metrics import Metrics
from workers.take import take
from workers.world import Held, World

pytestmark = pytest.mark.services

RECORD = 20  # events; as the script's bodies under load
WRITTEN = ("decision", "events", "sessions", "progress")
PARTS = "SELECT table, count() AS n FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table"
BYTES = "SELECT sum(bytes_on_disk) AS n FROM system.parts WHERE active AND database = currentDatabase()"


@dataclass
class Place:
    """A partition that a worker has taken, and everything beneath it."""

    url: str
    client: Client
    redis: Redis
    world: World
    held: Held

    def append(self, events: list[Event]) -> list[Record]:
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


@pytest.fixture
def place(redis_url: str, clickhouse_url: str) -> Iterator[Place]:
    migrate(clickhouse_url)
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
    world.consumer.poll(0.0)
    yield Place(redis_url, client, redis, world, take(world, 0, Cache(1 << 28)))
    world.consumer.close()
    redis.close()
    client.close()


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


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every client does from now on: the tables of inserts, and the first words of the rest."""
    done: list[str] = []

    def noted(method: Callable[..., object]) -> Callable[..., object]:
        def called(self: Client, what: str, *arguments: object) -> object:
            done.append(what if method is insert else what[:40])
            return method(self, what, *arguments)

        return called

    insert = Client.insert
    for name in ("insert", "rows", "command"):
        monkeypatch.setattr(Client, name, noted(getattr(Client, name)))
    return done


@pytest.mark.parametrize("visitors", [1, 40])
def test_a_batch_is_six_statements_and_a_part_a_table(
    place: Place, monkeypatch: pytest.MonkeyPatch, visitors: int
) -> None:
    """Each costs milliseconds whatever is in it: two questions, four inserts, each of one block here and in rollups."""
    records = place.append(events(visitors, 10))
    place.client.command("SYSTEM STOP MERGES")
    try:
        done = counting(monkeypatch)
        count(place.world, place.held, records)
        assert [what for what in done if what in WRITTEN] == list(WRITTEN)
        assert len(done) == 6, done
        parts = {row["table"]: row["n"] for row in place.client.rows(PARTS)}
    finally:
        place.client.command("SYSTEM START MERGES")
    assert {table: n for table, n in parts.items() if table in {*WRITTEN, *load()} and n > 1} == {}
    assert parts.keys() >= {*WRITTEN, "series", "visitor"}


@pytest.mark.parametrize("visitors", [1, 40])
def test_a_batch_asks_redis_eight_times(place: Place, visitors: int) -> None:
    """States read and written, revision before and after, end of the log, commit, and once a second its room (two).

    Scripts do 35 things of their own for a batch of one site, and three a visitor: what its state took, the state, when
    it was heard.
    """
    records = place.append(events(visitors, 10))
    place.redis.config_resetstat()
    count(place.world, place.held, records)
    told: dict[str, dict[str, int]] = place.redis.info("commandstats")
    commands = {name: said["calls"] for name, said in told.items() if name != "cmdstat_config|resetstat"}
    asked = ("eval", "mget", "info", "memory|usage")
    assert sum(commands.get(f"cmdstat_{name}", 0) for name in asked) <= 8, commands
    assert sum(commands.values()) <= 40 + 3 * visitors, commands


def test_an_event_takes_few_bytes(place: Place) -> None:
    """Fifteen a visitor, twenty a record: what docs/sizing.md says, and a quarter more."""
    made = events(200, 15)
    records = place.append(made)
    count(place.world, place.held, records)
    for table in (*WRITTEN, *load()):
        place.client.command(f"OPTIMIZE TABLE {table} FINAL")
    assert place.bytes("throughline:{events:0}") / len(made) <= 69 * 1.25
    assert place.bytes("throughline:{state:*") / len(made) <= (700 / 15 + 155) * 1.25
    assert place.client.rows(BYTES)[0]["n"] / len(made) <= 85 * 1.25
