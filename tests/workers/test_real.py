"""The worker on a real log, Redis and ClickHouse: kept simple, the schedules are `test_protocol`'s."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract import freshness
from ingest.contract.event import Event, Filtered, Rebuild, encode
from ingest.contract.site import SiteSettings
from ingest.log.dead import replay
from ingest.log.dead_redis import RedisDeadLetters
from ingest.log.partition import partition as partition_of
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from rollups.client import Client, connect
from rollups.past import newest, past
from rollups.write import Writer
from tests.services.schema import migrated
from tests.workers.streams import SITE, stream
from workers.fold import Entry, Known, fold, visits
from workers.loop import Worker
from workers.metrics import Metrics
from workers.slot import Limits
from workers.world import World

pytestmark = pytest.mark.services

PARTITIONS = 2


def lookup(_: str, revision: int) -> SiteSettings:
    if revision == 9:
        return SiteSettings.model_validate({"pairs": [["pageview", "never"], ["signup", "never"]]})
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


@dataclass
class Stack:
    """Real parts, and workers over them that run until a condition holds."""

    url: str
    client: Client
    redis: Redis
    members: list[RedisConsumer] = field(default_factory=list)

    def world(self) -> World:
        numbers = count()
        self.members.append(RedisConsumer(self.url, partitions=PARTITIONS, lease_seconds=3))
        return World(
            consumer=self.members[-1],
            writer=Writer(self.client),
            redis=self.redis,
            past=partial(past, self.client),
            newest=partial(newest, self.client),
            dead=RedisDeadLetters(self.url),
            lookup=lookup,
            metrics=Metrics(CollectorRegistry()),
            nonce=lambda: f"{id(numbers)}-{next(numbers)}",
            now=lambda: 1_800_000_000_000,
        )

    def run(self, until: Callable[[], bool], world: World | None = None) -> None:
        worker = Worker(world or self.world(), limits=Limits(seconds=0.05))
        stop = threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                worker.run(stop)
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        waited = threading.Event()
        for _ in range(1_800):
            if failed or until():
                break
            waited.wait(0.1)
        stop.set()
        thread.join()
        assert not failed, failed
        assert until()

    def append(self, lines: list[Event | Filtered], spoiled: bytes = b"") -> None:
        async def send() -> None:
            producer = RedisProducer(self.url, partitions=PARTITIONS)
            await producer.start()
            for line in lines:
                visitor = line.visitor if isinstance(line, Event) else ""
                await producer.append(partition_of(SITE, visitor, PARTITIONS), encode([line]) + spoiled)
            await producer.close()

        asyncio.run(send())

    def rebuild(self, revision: int) -> None:
        """Judge every visitor by the settings of this revision, and wait until it is done."""
        rows = self.client.rows("SELECT DISTINCT visitor FROM events WHERE visitor != ''")
        by_partition: dict[int, list[str]] = {}
        for row in rows:
            by_partition.setdefault(partition_of(SITE, row["visitor"], PARTITIONS), []).append(row["visitor"])

        async def send() -> None:
            producer = RedisProducer(self.url, partitions=PARTITIONS)
            await producer.start()
            for partition, visitors in by_partition.items():
                await producer.append(partition, encode([Rebuild(SITE, visitors, revision, 1_799_000_000_000)]))
            await producer.close()

        marks = self.marks()
        asyncio.run(send())
        self.run(lambda: self.marks() == marks + len(by_partition))

    def marks(self) -> int:
        return int(self.client.rows("SELECT sum(batches) AS n FROM progress")[0]["n"])

    def lines(self) -> int:
        return int(self.client.rows("SELECT count() AS n FROM events")[0]["n"])

    def sessions(self) -> list[tuple[object, ...]]:
        sql = (
            "SELECT visitor, session, toUnixTimestamp64Milli(start) AS s, toUnixTimestamp64Milli(end) AS e, events, "
            "bucket FROM sessions FINAL WHERE sign = 1"
        )
        return sorted(tuple(row.values()) for row in self.client.rows(sql))


@pytest.fixture
def stack(redis_url: str, clickhouse_url: str) -> Iterator[Stack]:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    redis = Redis.from_url(redis_url)
    made = Stack(redis_url, client, redis)
    yield made
    for member in made.members:
        member.close()
    redis.close()
    client.close()


def expected(events: list[Event]) -> list[tuple[object, ...]]:
    rows = fold(Known({}, {}, 0), 0, visits([Entry(n, 0, event) for n, event in enumerate(events)]), 1, lookup).rows
    return sorted((row.visitor, row.session, row.start, row.end, row.events, row.bucket) for row in rows)


def test_events_become_rows_whatever_is_lost_in_between(stack: Stack) -> None:
    events = stream(5, 90, visitors=4)
    stack.append([*events[:30], Filtered(SITE, "bot", events[0].received)])
    stack.run(lambda: stack.lines() == 31)
    # Redis keeps the log and loses the states.
    for key in stack.redis.scan_iter("throughline:{state:*"):
        stack.redis.delete(key)
    stack.append([*events[30:60]])
    stack.run(lambda: stack.lines() == 61)
    assert stack.sessions() == expected(events[:60])

    class Forgetful(Writer):
        """Decides and inserts, and dies before the marker."""

        def mark(self, *_: object) -> None:
            raise RuntimeError("dies here")

    stack.append([*events[60:90]])
    with pytest.raises(AssertionError):
        dying = replace(stack.world(), writer=Forgetful(stack.client))
        stack.run(lambda: False, dying)
    stack.run(lambda: stack.lines() == 91 and fresh(stack) is not None)
    assert stack.sessions() == expected(events)


def fresh(stack: Stack) -> int | None:
    return freshness.read(stack.redis)


def test_what_nobody_can_read_is_kept_aside(stack: Stack) -> None:
    dead = RedisDeadLetters(stack.url)
    stack.append([*stream(5, 3)], spoiled=b"[" * 30_000)
    stack.run(lambda: stack.lines() == 3)
    assert dead.count() == 3
    dead.close()


def test_receipts_from_the_future_wait_as_dead_letters_and_change_nobodys_session(stack: Stack) -> None:
    """R24: hours and years ahead; what was there before and comes after is one session, as if they had never been."""
    now, minute = 1_800_000_000_000, 60_000

    def page(id_: str, time: int, received: int) -> Event:
        return Event(SITE, f"{1:016x}", id_, "pageview", time, received, page=f"/{id_}")

    ahead = [page("hours", now - 3 * minute, now + 25 * 60 * minute), page("years", now, now + 10**11)]
    near = page("near", now - minute, now + 5 * minute)
    stack.append([page("a", now - 4 * minute, now - 4 * minute), *ahead, near, Filtered(SITE, "bot", now + 10**10)])
    stack.append([page("a", now - 4 * minute, now), page("b", now, now)])
    dead = RedisDeadLetters(stack.url)
    stack.run(lambda: stack.lines() == 4)
    assert [letter.reason.partition(":")[0] for letter in dead.letters()] == ["future"] * 3
    [session] = stack.sessions()
    assert session[2:5] == (now - 4 * minute, now, 3)

    async def send() -> None:
        producer = RedisProducer(stack.url, partitions=PARTITIONS)
        await producer.start()
        await replay(dead, producer)
        await producer.close()

    asyncio.run(send())
    later = replace(stack.world(), now=lambda: now + 10**11)
    stack.run(lambda: stack.lines() == 7, later)
    assert dead.count() == 0
    [session] = stack.sessions()
    assert session[2:5] == (now - 4 * minute, now, 5)
    dead.close()


def test_new_settings_reach_the_past_by_a_rebuild_and_stay_there(stack: Stack) -> None:
    events = stream(8, 60, visitors=3)
    stack.append([*events])
    stack.run(lambda: stack.lines() == 60)
    before = stack.sessions()
    stack.rebuild(9)
    after = stack.sessions()
    assert [row[:-1] for row in after] == [row[:-1] for row in before]
    assert [row[-1] for row in after] != [row[-1] for row in before]
    versions = stack.client.rows("SELECT version FROM sessions FINAL WHERE sign = 1 ORDER BY version")
    stack.rebuild(9)
    assert stack.client.rows("SELECT version FROM sessions FINAL WHERE sign = 1 ORDER BY version") == versions
    # A receipt that changes no session leaves its row as the rebuild wrote it.
    stack.append([events[-1]])
    stack.run(lambda: stack.lines() == 61)
    assert stack.sessions() == after
    assert stack.lines() == 61
