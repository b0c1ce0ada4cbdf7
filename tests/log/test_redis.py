"""What only the log on Redis does: it is bounded, trims behind the workers, and outlives being put back in time."""

import asyncio
import os
import time
from contextlib import closing
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from ingest.log import redis_lacks, stream
from ingest.log.protocol import LogUnavailable
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from ingest.log.stream import Room
from tests.log.test_contract import SECONDS, take, until
from tests.services.redis import RedisServer

HOUR = 3_600_000


@given(st.integers(0, 1 << 43), st.integers(0, stream.SEQUENCE_LIMIT - 1))
def test_an_offset_is_an_id(milliseconds: int, sequence: int) -> None:
    entry_id = f"{milliseconds}-{sequence}"
    assert stream.id_at(stream.offset_of(entry_id.encode())) == entry_id


@given(st.binary())
def test_a_value_comes_back(value: bytes) -> None:
    assert stream.decompress(stream.compress(value)) == value


@pytest.mark.parametrize(
    ("size", "used", "full", "tight"),
    [
        (0, 0, False, False),
        (51, 60, False, True),
        (100, 100, False, True),
        (101, 101, True, True),
        (0, 161, False, True),
    ],
)
def test_room_is_short_by_the_log_or_by_the_whole(size: int, used: int, full: bool, tight: bool) -> None:
    room = Room(size=size, limit=100, used=used, allowed=200)
    assert bool(room.full) == full
    assert room.tight == tight


def test_what_else_fills_the_redis_refuses_no_event() -> None:
    assert not Room(size=100, limit=100, used=199, allowed=200).full


@pytest.mark.services
@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_a_redis_that_is_not_durable_is_told(
    server: RedisServer, caplog: pytest.LogCaptureFixture, policy: str
) -> None:
    async def start() -> None:
        producer = RedisProducer(server.url)
        await producer.start()
        await producer.close()

    with closing(redis.Redis.from_url(server.url)) as client:
        client.config_set("appendfsync", policy)
    asyncio.run(start())
    assert ("power cut" in caplog.text) == (policy != "always")


SOUND = {"maxmemory_policy": "noeviction", "aof_enabled": 1}
DURABLE = {"appendonly": "yes", "appendfsync": "always"}


@pytest.mark.parametrize(
    ("info", "config", "named"),
    [
        ({}, {}, []),
        ({"maxmemory_policy": "allkeys-lru"}, {}, ["CONFIG SET maxmemory-policy noeviction"]),
        ({"maxmemory_policy": "volatile-ttl"}, {}, ["maxmemory-policy of the Redis of the event log is volatile-ttl"]),
        ({}, {"appendfsync": "everysec"}, ["CONFIG SET appendfsync always"]),
        ({}, {"appendonly": "no"}, ["CONFIG SET appendonly yes"]),
        ({"aof_enabled": 0}, None, ["CONFIG SET appendonly yes"]),
        ({}, None, ["cannot tell whether appendfsync is always"]),
        ({"maxmemory_policy": None, "aof_enabled": None}, None, ["maxmemory-policy", "appendonly", "appendfsync"]),
    ],
)
def test_what_a_redis_lacks_is_one_sentence_each(
    info: dict[str, object], config: dict[str, str] | None, named: list[str]
) -> None:
    found = redis_lacks.lacks({**SOUND, **info}, None if config is None else {**DURABLE, **config}, log=True)
    assert len(found) == len(named)
    assert all(name in sentence for name, sentence in zip(named, found, strict=True))


def test_beside_a_log_only_eviction_matters() -> None:
    assert redis_lacks.lacks({**SOUND, "aof_enabled": 0}, None, log=False) == []
    (sentence,) = redis_lacks.lacks({"maxmemory_policy": "allkeys-lru"}, None, log=False)
    assert "states, salts and sites is allkeys-lru" in sentence


@pytest.mark.services
def test_a_redis_that_refuses_config_is_told_and_used(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    with closing(redis.Redis.from_url(server.url)) as client:
        allowed: dict[str, Any] = {"keys": ["*"], "channels": ["*"], "categories": ["+@all"], "commands": ["-config"]}
        client.acl_setuser("managed", enabled=True, passwords=["+secret"], **allowed)
        client.config_set("maxmemory-policy", "allkeys-lru")
    url = server.url.replace("://", "://managed:secret@")
    producer = RedisProducer(url)

    async def start() -> None:
        await producer.start()
        await producer.append(0, b"x")
        await producer.close()

    asyncio.run(start())
    assert len(caplog.messages) == 2
    assert "allkeys-lru" in caplog.messages[0]
    assert "cannot tell whether appendfsync" in caplog.messages[1]


@pytest.mark.services
def test_another_number_of_partitions_in_the_settings_changes_no_log(redis_url: str) -> None:
    async def start(partitions: int) -> int:
        producer = RedisProducer(redis_url, partitions=partitions)
        await producer.start()
        await producer.close()
        return producer.partitions

    assert asyncio.run(start(4)) == 4
    assert asyncio.run(start(8)) == 4
    with closing(RedisConsumer(redis_url, partitions=2)) as consumer:
        assert consumer.partitions == 4


@pytest.mark.services
def test_a_full_log_refuses_until_the_workers_have_caught_up(redis_url: str) -> None:
    big = os.urandom(100_000)

    async def fill(producer: RedisProducer) -> int:
        for number in range(1000):
            try:
                await producer.append(0, big)
            except LogUnavailable as full:
                assert "above its limit" in str(full)
                assert full.retry_after > 0
                return number
            await asyncio.sleep(0.01)
        raise AssertionError("never full")

    async def run() -> None:
        producer = RedisProducer(redis_url, max_bytes=2_000_000)
        await producer.start()
        written = await fill(producer)
        assert written >= 15, "refused too early"
        consumer = await asyncio.to_thread(RedisConsumer, redis_url, max_bytes=2_000_000)
        records = await asyncio.to_thread(take, consumer, written)
        await asyncio.to_thread(consumer.commit, {0: records[-1].offset + 1})
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                await producer.append(0, b"again")
                break
            except LogUnavailable:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        bounds = await asyncio.to_thread(consumer.bounds, 0)
        assert records[0].offset < bounds.begin <= records[-1].offset, "trimmed behind the position, not before it"
        await asyncio.to_thread(consumer.close)
        await producer.close()

    asyncio.run(run())


@pytest.mark.services
def test_the_limit_is_half_of_maxmemory(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as client, client.pipeline(transaction=False) as pipe:
        stream.ask_room(pipe, [stream.Keys("events").stream(partition) for partition in range(4)])
        room = stream.room(pipe.execute(), None)
    assert (room.limit, room.allowed, room.size) == (32 << 20, 64 << 20, 0)


@pytest.mark.services
def test_a_commit_keeps_an_hour_behind_the_position(redis_url: str) -> None:
    now = 1_800_000_000_000
    with redis.Redis.from_url(redis_url) as client, client.pipeline(transaction=False) as pipe:
        # Whole nodes of a stream are trimmed: 100 records each.
        for minutes in range(180, -1, -1):
            for number in range(100):
                pipe.xadd(stream.Keys("events").stream(0), {"v": b"x"}, id=f"{now - minutes * 60_000}-{number}")
        pipe.execute()
    with closing(RedisConsumer(redis_url)) as consumer:
        position = (now << stream.SEQUENCE_BITS) + 100
        consumer.commit({0: position})
        bounds = consumer.bounds(0)
        assert bounds.end == position
        assert bounds.begin == (now - HOUR) << stream.SEQUENCE_BITS
        kept = consumer.read(0, bounds.begin, bounds.end)
        assert len(kept) == 61 * 100
        assert kept[0].offset == bounds.begin


@pytest.mark.services
def test_ids_that_stand_still_are_trimmed_all_the_same(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a clock that was ahead, Redis counts within the last ms it saw; a trim goes by ms."""
    monkeypatch.setattr("ingest.log.redis_producer.SEQUENCE_ALARM", 10)
    monkeypatch.setattr("ingest.log.redis_producer.WRITES_A_PIPELINE", 50)
    key, ahead = stream.Keys("events").stream(0), int(time.time() * 1000) + 25 * HOUR
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(key, {"v": b"x"}, id=f"{ahead}-0")

        async def run() -> None:
            producer = RedisProducer(redis_url)
            await producer.start()
            await asyncio.gather(*(producer.append(0, os.urandom(2_000)) for _ in range(1_000)))
            await producer.close()

        asyncio.run(run())
        with closing(RedisConsumer(redis_url, max_bytes=1_000_000)) as consumer:
            records = take(consumer, 1_001)
            consumer.commit({0: records[-1].offset + 1})
        assert client.xlen(key) < 300


@pytest.mark.services
def test_a_member_that_died_under_a_clock_ahead_is_not_waited_for(redis_url: str) -> None:
    keys = stream.Keys("events")
    with redis.Redis.from_url(redis_url) as client:
        client.zadd(keys.group("members"), {"gone": int(time.time() * 1000) + 25 * HOUR})
        client.hset(keys.group("owners"), mapping={"0": "gone", "1": "gone"})
        with closing(RedisConsumer(redis_url)) as consumer:
            until(lambda: len(consumer.assigned()) == 4, consumer)


@pytest.mark.services
def test_a_clock_set_back_does_not_use_up_the_bits_of_an_offset(redis_url: str) -> None:
    ahead = int(time.time() * 1000) + HOUR
    key = stream.Keys("events").stream(0)
    with redis.Redis.from_url(redis_url) as client:
        client.xadd(key, {"v": b"x"}, id=f"{ahead}-{stream.SEQUENCE_LIMIT // 2}")

        async def run() -> None:
            producer = RedisProducer(redis_url)
            await producer.start()
            for _ in range(3):
                await producer.append(0, b"x")
            await producer.close()

        asyncio.run(run())
        (last, _), *_rest = client.xrevrange(key, count=1)
    assert int(last.split(b"-")[0]) == ahead + 1
    assert int(last.split(b"-")[1]) < 10


@pytest.mark.services
def test_a_redis_that_takes_no_more_memory_is_unavailable(server: RedisServer) -> None:
    async def run() -> None:
        producer = RedisProducer(server.url)
        await producer.start()
        await producer.append(0, b"x")
        async with redis.asyncio.Redis.from_url(server.url) as client:
            await client.config_set("maxmemory", 1)
            with pytest.raises(LogUnavailable):
                await producer.append(0, b"x")
            await client.config_set("maxmemory", 64 << 20)
        await asyncio.sleep(0.5)
        await producer.append(0, b"x")
        await producer.close()

    asyncio.run(run())
