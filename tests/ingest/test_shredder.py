"""A salt whose time is over is nowhere on Redis's disk."""

import asyncio
import base64
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from ingest import salt
from ingest.contract.visitor import DAY_MS
from ingest.salt import Salts, key
from ingest.shredder import CLAIM, CLEANED, Shredder
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path)
    running.start()
    yield running
    running.stop()


def on_disk(server: RedisServer, secret: bytes) -> list[str]:
    """The files that hold it, as it is or written in another way."""
    forms = (secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret))
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(form in path.read_bytes() for form in forms)]


async def until_cleaned(shredder: Shredder, client: "AsyncRedis", now: int) -> None:
    end = time.monotonic() + 30
    while await client.get(CLEANED) is None:
        assert time.monotonic() < end
        await shredder.clean(now)
        await asyncio.sleep(0.02)


def now_of(server: RedisServer) -> int:
    with Redis.from_url(server.url) as client:
        seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def ending(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> tuple[int, bytes, bytes]:
    """The time, a salt that has just expired, and one that lives."""
    now = now_of(server)
    today = now // DAY_MS
    monkeypatch.setattr(salt, "LIFE_MS", now + 500 - (today - 2) * DAY_MS)

    async def main() -> tuple[bytes, bytes]:
        async with AsyncRedis.from_url(server.url) as client:
            held = Salts(client)
            await held.hold(now - DAY_MS)
            old, living = (held._held[one] for one in (today - 2, today - 1))  # noqa: SLF001
            assert await client.mget(key(today - 2), key(today - 1)) == [old, living]
            assert on_disk(server, old) and on_disk(server, living)
            while now_of(server) <= now + 500:
                await asyncio.sleep(0.05)
            await held.keep(now_of(server))
            assert held._held == {today - 1: living}  # noqa: SLF001 - nor in memory
            return old, living

    return now, *asyncio.run(main())


def test_after_its_time_a_salt_is_nowhere_in_the_folder(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now, old, living = ending(server, monkeypatch)
    assert on_disk(server, old)  # expired, and yet

    async def main() -> None:
        async with AsyncRedis.from_url(server.url) as client:
            first, second = Shredder(client), Shredder(client)
            await asyncio.gather(until_cleaned(first, client, now), until_cleaned(second, client, now))
            assert await client.get(key(now // DAY_MS - 1)) == living
            forks = (await client.info("stats"))["total_forks"]
            await second.clean(now)
            await Shredder(client).clean(now)  # another start on the same day
            assert (await client.info("stats"))["total_forks"] == forks == 1

    asyncio.run(main())
    assert not on_disk(server, old)
    assert on_disk(server, living)


def test_a_rewrite_that_a_crash_ended_is_asked_for_again(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now, old, _ = ending(server, monkeypatch)

    async def ask(shredder: Shredder) -> None:
        async with AsyncRedis.from_url(server.url) as client:
            shredder._redis = client  # noqa: SLF001
            await shredder.clean(now)

    shredder = Shredder(AsyncRedis())
    asyncio.run(ask(shredder))
    server.kill()
    server.start()
    asyncio.run(ask(shredder))
    with Redis.from_url(server.url) as client:
        assert client.get(CLEANED) is None
        client.delete(CLAIM)

    async def again() -> None:
        async with AsyncRedis.from_url(server.url) as client:
            shredder._redis = client  # noqa: SLF001
            await until_cleaned(shredder, client, now)

    asyncio.run(again())
    assert not on_disk(server, old)


def test_a_redis_whose_clock_is_behind_keeps_what_it_still_gives_out(server: RedisServer) -> None:
    now = now_of(server)

    async def main() -> None:
        async with AsyncRedis.from_url(server.url) as client:
            await Salts(client).hold(now)
            await Shredder(client).clean(now + 2 * DAY_MS)
            assert await client.exists(key(now // DAY_MS)) and not await client.exists(CLAIM)

    asyncio.run(main())


def test_a_redis_that_refuses_is_named_in_one_warning(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    now = now_of(server)
    with Redis.from_url(server.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "-bgrewriteaof")

    async def main() -> None:
        async with AsyncRedis.from_url(server.url) as client:
            shredder = Shredder(client)
            for _ in range(3):
                await shredder.clean(now)
                await client.delete(CLAIM)

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    [said] = [record.message for record in caplog.records]
    assert "append-only file" in said and "bgrewriteaof" in said


def test_what_a_clock_ahead_left_behind_ends_no_day(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaned tomorrow, and a claim that Redis would keep until then: the salts of today are on disk all the same."""
    now, old, _ = ending(server, monkeypatch)

    async def main() -> None:
        async with AsyncRedis.from_url(server.url) as client:
            await client.set(CLEANED, now // DAY_MS + 1)
            await client.set(CLAIM, now // DAY_MS + 1, ex=90_000)
            shredder = Shredder(client)
            end = time.monotonic() + 30
            while int(await client.get(CLEANED) or 0) != now // DAY_MS:
                await shredder.clean(now)
                assert time.monotonic() < end
                await asyncio.sleep(0.05)

    asyncio.run(main())
    assert not on_disk(server, old)


def test_an_earlier_copy_in_its_place_is_cleaned_again(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now, _, _ = ending(server, monkeypatch)

    async def main() -> None:
        async with AsyncRedis.from_url(server.url) as client:
            shredder = Shredder(client)
            for _ in range(2):
                await until_cleaned(shredder, client, now)
                await client.delete(CLEANED, CLAIM)

    asyncio.run(main())
