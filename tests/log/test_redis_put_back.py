"""A log on a Redis that was put back to an earlier state: what is given and stored afterwards."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from ingest.log import stream
from ingest.log.protocol import Floor, LogTruncated, LogUnavailable
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from tests.log.conftest import on_redis
from tests.log.test_contract import SECONDS, append, take, until
from tests.log.test_redis import HOUR
from tests.services.redis import RedisServer


@pytest.mark.services
def test_offsets_never_fall_below_what_was_counted(redis_url: str) -> None:
    log = on_redis(redis_url)
    with closing(RedisConsumer(redis_url, topic=log.topic)) as consumer:
        ahead = (int(time.time() * 1000) + HOUR) << stream.SEQUENCE_BITS
        assert consumer.raise_floor(0, ahead).put_back, "an empty stream ends before it"
        assert consumer.raise_floor(0, ahead - 5).put_back, "its last record is not there"
        assert consumer.bounds(0).end >= ahead
        append(log, [(0, b"next")])
        (record,) = take(consumer, 1)
        assert record.offset >= ahead
        assert not consumer.raise_floor(0, record.offset + 1).put_back, (
            "the record before it is there: nothing was put back"
        )
        assert not consumer.raise_floor(1, 0).put_back


@contextmanager
def put_back(server: RedisServer, earlier: Path) -> Iterator[None]:
    """What is done within is undone at the end, as by a copy of the server's folder."""
    server.stop()
    shutil.copytree(server.data, earlier)
    server.start()
    yield
    server.stop()
    shutil.rmtree(server.data)
    shutil.copytree(earlier, server.data)
    server.start()


@pytest.mark.services
def test_whoever_raises_the_floor_late_does_not_lower_it(redis_url: str) -> None:
    key = stream.Keys("events").stream(0)
    with redis.Redis.from_url(redis_url) as client:
        for ms in (1_000, 3_000, 2_000):
            client.eval(stream.RAISE, 1, key, ms)
        assert client.xinfo_stream(key)["last-generated-id"] == b"3000-0"


@pytest.mark.services
def test_a_log_put_back_to_an_earlier_copy_goes_on_above_and_says_so(server: RedisServer, tmp_path: Path) -> None:
    log = on_redis(server.url)
    append(log, [(0, b"kept")])
    with closing(log.consumer()) as consumer:
        (kept,) = take(consumer, 1)
        consumer.commit({0: kept.offset + 1})
    with put_back(server, tmp_path / "copy"):
        append(log, [(0, b"lost")])
        with closing(log.consumer()) as consumer:
            kept, lost = take(consumer, 2)
    with closing(log.consumer()) as consumer:
        until(lambda: 0 in consumer.assigned(), consumer)
        assert consumer.bounds(0).end == kept.offset + 1
        assert consumer.raise_floor(0, lost.offset + 1) == Floor(True, kept.offset + 1)
        append(log, [(0, b"new")])
        consumer.seek(0, lost.offset + 1)
        found = list(consumer.poll(5.0))
        assert [record.value for record in found] == [b"new"]
        assert found[0].offset > lost.offset
        with pytest.raises(LogTruncated):
            consumer.read(0, kept.offset, lost.offset + 1)
        assert consumer.left(0, kept.offset, lost.offset + 1) == [kept]


@pytest.mark.services
@pytest.mark.parametrize("looks", [False, True], ids=["by the offset it is given", "by looking while nothing comes"])
def test_a_producer_that_lives_on_gives_no_offset_again_whatever_the_clock_says(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    monkeypatch.setattr("ingest.log.redis_producer.SAMPLE_SECONDS", 0.1 if looks else 600.0)
    key, ahead = stream.Keys("events").stream(0), int(time.time() * 1000) + HOUR

    async def run() -> None:
        producer = RedisProducer(server.url)
        await producer.start()
        await producer.append(0, b"kept")
        with put_back(server, tmp_path / "copy"), redis.Redis.from_url(server.url) as client:
            client.xadd(key, {"v": b"x"}, id=f"{ahead}-0")  # a clock that is ahead
            await patiently(lambda: producer.append(0, b"lost"))
            assert await producer.holds()
        assert not await patiently(producer.holds)
        with redis.Redis.from_url(server.url) as client:
            deadline = time.monotonic() + SECONDS
            while looks and int(client.xinfo_stream(key)["last-generated-id"].partition(b"-")[0]) <= ahead:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            await producer.append(0, b"new")
            assert await producer.holds()
            assert [stream.decompress(fields[b"v"]) for _, fields in client.xrange(key)] == [b"kept", b"new"]
            (last, _), *_rest = client.xrevrange(key, count=1)
            assert int(last.partition(b"-")[0]) > ahead
        await producer.close()

    asyncio.run(run())
    with closing(RedisConsumer(server.url)) as consumer:
        end = take(consumer, 2)[-1].offset + 1
        with pytest.raises(LogUnavailable, match="put back"):
            consumer.commit({0: end})  # by a worker that counts on without noticing anything
        assert consumer.raise_floor(0, end) == Floor(True, end)
        consumer.commit({0: end})
        assert consumer.raise_floor(0, end) == Floor(False, end)


async def patiently(call: Callable[[], Awaitable[Any]]) -> Any:
    """Of a server that has just been started again."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return await call()
        except LogUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


@pytest.mark.services
def test_a_worker_that_counts_on_finds_its_position_put_back(redis_url: str) -> None:
    """Also within one millisecond, whose records differ in digits that a Lua number does not hold."""
    with redis.Redis.from_url(redis_url) as client:
        for seq in range(3):
            key, value = stream.Keys("events").stream(0), stream.compressor().compress(b"x")
            client.xadd(key, {stream.VALUE: value}, id=f"{time.time_ns() // 10**12 * 10**6}-{seq + 1}")
    with closing(RedisConsumer(redis_url)) as consumer, redis.Redis.from_url(redis_url) as client:
        first, second, third = take(consumer, 3)
        state = stream.Keys("events").state(0)
        consumer.commit({0: second.offset + 1})
        client.hset(state, "committed", first.offset + 1)
        with pytest.raises(LogUnavailable, match="put back"):
            consumer.commit({0: third.offset + 1})
        consumer.commit({0: third.offset + 1})
        client.xdel(stream.Keys("events").stream(0), stream.id_at(third.offset))
        client.hset(state, "committed", first.offset + 1)
        with pytest.raises(LogUnavailable, match="put back"):
            consumer.commit({0: third.offset + 1})
        assert consumer.raise_floor(0, third.offset + 1) == Floor(True, first.offset + 1), "what it remembers stays"


@pytest.mark.services
def test_a_position_is_not_stored_in_another_process_of_redis(server: RedisServer) -> None:
    """It may have been put back, with letters that were written as the partition was taken."""
    log = on_redis(server.url)
    append(log, [(0, b"first"), (0, b"second")])
    with closing(log.consumer()) as consumer, redis.Redis.from_url(server.url) as client:
        first, second = take(consumer, 2)
        state = stream.Keys(log.topic).state(0)
        assert not consumer.raise_floor(0, 0).put_back
        consumer.commit({0: first.offset + 1})
        server.stop()
        server.start()
        with pytest.raises(LogUnavailable, match="restarted"):
            consumer.commit({0: second.offset + 1})
        assert client.hget(state, "committed") == str(first.offset + 1).encode()
        assert consumer.raise_floor(0, second.offset + 1) == Floor(False, first.offset + 1), "nothing was put back"
        consumer.commit({0: second.offset + 1})
        assert client.hget(state, "committed") == str(second.offset + 1).encode()
