"""Seeing to it that visitors are erased: the wish goes on the log, and once it is in the numbers all the rest follows.

Each step may be stopped anywhere and is then begun again: what is left to do is told by ClickHouse alone. Several
workers may be at it at once; one is enough, so they take turns.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from deploy import wiring
from deploy.settings import Settings
from ingest.contract import wish
from ingest.contract.event import ERASED, Erase, Event, Filtered, encode
from ingest.log.dead import DeadLetter, DeadLetters
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable, Producer
from ingest.log.redis_pool import native
from rollups import purge
from rollups.client import ClickHouseUnavailable, Client
from rollups.control import ClaimLost, Unfinished, mutating
from rollups.erase import Stone, stones
from rollups.purge import Wish

log = logging.getLogger("throughline.erasing")

AWAY = (ClickHouseUnavailable, RedisError, LogUnavailable, ClaimLost, Unfinished)
_TURN_KEY = "throughline:erasing:turn"
_TURN_SECONDS = 30
_LOOK_SECONDS = 1.0
_SELDOM_SECONDS = 60.0  # a wish that nobody told of is found after it
_AGAIN_SECONDS = 600.0  # a line that was not counted for so long is sent again
_WAIT_SECONDS = 30.0


class Erasing:
    """One round after the other; for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client = wiring.clickhouse(settings)
        self._redis: Redis = wiring.redis_client(settings)
        self._sent: dict[str, float] = {}
        self._woken, self._looked, self._open = -1, 0.0, False

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Blocks; raises nothing that a store does."""
        while not stop.wait(_LOOK_SECONDS):
            try:
                self.look()
            except AWAY as error:
                log.info("erasing goes on later: %s", error)
            except Exception:
                log.exception("erasing failed, and is tried again")

    def look(self) -> None:
        """A round, if there is anything to do, and it is this process's turn. Blocks; raises what stores raise."""
        woken = wish.woken(self._redis, "erasing")
        if not self._open and woken == self._woken and time.monotonic() - self._looked < _SELDOM_SECONDS:
            return
        if not self._redis.set(_TURN_KEY, b"", nx=True, ex=_TURN_SECONDS):
            return
        try:
            self._woken, self._looked = woken, time.monotonic()
            self._open = bool(self.round())
        finally:
            self._redis.delete(_TURN_KEY)

    def round(self) -> Sequence[Wish]:
        """The next step of every wish; returns what is still open. Blocks; raises what stores raise."""
        wishes = purge.wishes(self._client)
        self._send([each for each in wishes if each.visitor and not each.counted])
        ready = [each for each in wishes if each.visitor and each.counted]
        if ready and not mutating(self._client):
            self._remove(ready)
        through = [each for each in wishes if not each.visitor and self._gone(each)]
        if through:
            purge.done(self._client, through)
            for each in through:
                log.info("erasure %s of site %s: nothing is left", each.erasure, each.site)
        return [each for each in wishes if each not in through]

    def _send(self, wishes: Iterable[Wish]) -> None:
        now = time.monotonic()
        due = [each for each in wishes if now - self._sent.get(each.erasure, -_AGAIN_SECONDS) >= _AGAIN_SECONDS]

        async def go(producer: Producer) -> None:
            for each in due:
                line = encode([Erase(each.site, each.visitor, each.erasure, wiring.now())])
                await producer.append(partition(each.site, each.visitor, producer.partitions), line)
                self._sent[each.erasure] = now

        if due:
            asyncio.run(_produce(self._settings, go))

    def _remove(self, wishes: Sequence[Wish]) -> None:
        purge.purge(self._client, wishes)
        if mutating(self._client):
            return  # looked at again in the next round, which finds nothing more to remove
        dead = wiring.dead_letters(self._settings)
        try:
            forget_letters(self._settings, dead, wishes, stones(self._client))
        finally:
            dead.close()
        for redis in self._redises():
            with redis:
                if redis.info("persistence")["aof_enabled"]:
                    redis.bgrewriteaof()
        purge.nameless(self._client, wishes, wiring.now())

    def _gone(self, one: Wish) -> bool:
        for redis in self._redises():
            with redis:
                state = redis.info("persistence")
                if state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
                    return False
        return purge.gone(self._client, one)

    def _redises(self) -> list[Redis]:
        """The Redis of states, and that of the log if it is another one."""
        own = self._settings.address("event_log")
        addresses = dict.fromkeys([self._settings.address("redis"), *([own] if own.startswith("redis") else [])])
        return [Redis.from_url(native(each), socket_timeout=5.0, socket_connect_timeout=2.0) for each in addresses]


def forget_letters(settings: Settings, dead: DeadLetters, wishes: Sequence[Wish], erased: Iterable[Stone] = ()) -> None:
    """Letters of the visitors' lines become erased events in the ledger, but of what they did since. Blocks; raises
    LogUnavailable.
    """
    ends = {stone.erasure: stone for stone in erased}
    found = [
        (letter, one)
        for letter in dead.letters()
        if (one := _whose(letter, wishes)) is not None and not _since(letter, ends.get(one.erasure))
    ]

    async def go(producer: Producer) -> None:
        for letter, one in found:
            # Counted once: a letter whose end was not noted is only forgotten.
            if await asyncio.to_thread(dead.begin, letter.origin):
                line = encode([Filtered(one.site, ERASED, _received(letter))])
                await producer.append(letter.partition % producer.partitions, line)
            await asyncio.to_thread(dead.finish, letter.origin)

    if found:
        asyncio.run(_produce(settings, go))


def _whose(letter: DeadLetter, wishes: Iterable[Wish]) -> Wish | None:
    """The line may be one that nobody can read; the names of visitors are like no other text."""
    for one in wishes:
        if one.visitor.encode() in letter.line and one.site.encode() in letter.line:
            return one
    return None


def _since(letter: DeadLetter, stone: Stone | None) -> bool:
    """Whether it is an event that came and happened after the erasure: it counts once it is replayed."""
    event = _event(letter)
    if stone is None or event is None:
        return False
    before = letter.log == stone.log and letter.partition == stone.partition and letter.offset < stone.offset
    return not before and min(event.time, event.received) > stone.until


def _received(letter: DeadLetter) -> int:
    event = _event(letter)
    return wiring.now() if event is None else event.received


def _event(letter: DeadLetter) -> Event | None:
    try:
        return msgspec.json.decode(letter.line, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


async def _produce(settings: Settings, go: Callable[[Producer], Awaitable[None]]) -> None:
    producer = wiring.producer(settings)
    await producer.start()
    try:
        await go(producer)
    finally:
        await producer.close()
