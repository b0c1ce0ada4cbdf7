"""The daily salts of cookieless visitors: random, in Redis only, gone 48 h after their day began."""

import asyncio
import logging
import secrets
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ingest.contract.visitor import DAY_MS, day

LIFE_MS = 2 * DAY_MS
SALT_BYTES = 32
_LAST_MS = 10 * 60 * 1000  # of a salt's life: offered to Redis by a slow clock, it would come there after its end
_PATIENCE_SECONDS = 0.5

log = logging.getLogger(__name__)


def key(of_day: int) -> str:
    return f"throughline:salt:{of_day}"


class Salts:
    """The salts that events of now can need: today's and, for events up to 24 h old, yesterday's.

    Whoever needs a salt first makes it (SET NX), so that all ingest processes hash alike. A process that holds one puts
    it back when Redis lost it. While Redis is away a new day begins with a salt of this process, which is shared or
    given up for the others' once Redis answers: nothing is refused, some visitors of that day count twice.
    """

    def __init__(self, redis: "Redis", random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._redis = redis
        self._random = random
        self._held: dict[int, bytes] = {}
        self._taking = asyncio.Lock()

    def of(self, time: int, received: int) -> bytes:
        """The salt of the day of `time`, or that of the receipt's day where that one is gone. `hold` comes first."""
        salt = self._held.get(day(time))
        return self._held[day(received)] if salt is None else salt

    def held(self, now: int) -> bool:
        """Whether the salts for events received `now` are here."""
        today = day(now)
        return today in self._held and today - 1 in self._held

    async def hold(self, now: int) -> None:
        """Have the salts for events received `now`; talks to Redis only when a day is new. Never raises."""
        if self.held(now):
            return
        today = day(now)
        async with self._taking:
            missing = [one for one in (today - 1, today) if one not in self._held]
            if missing:
                await self._share({one: self._random(SALT_BYTES) for one in missing}, now)

    async def keep(self, now: int) -> None:
        """Destroy salts whose time is over, and put back the others where Redis lost them. Never raises."""
        async with self._taking:
            for one in [one for one in self._held if one * DAY_MS + LIFE_MS <= now]:
                del self._held[one]
            if self._held:
                await self._share(dict(self._held), now)

    async def _share(self, salts: dict[int, bytes], now: int) -> None:
        """Offer salts to Redis and hold what it has: the first one there stands for everybody."""
        stored: list[bytes | None] = [None] * len(salts)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._redis.pipeline(transaction=False) as pipe:
                offered = {one: salt for one, salt in salts.items() if one * DAY_MS + LIFE_MS - _LAST_MS > now}
                for one, salt in offered.items():
                    pipe.set(key(one), salt, nx=True, pxat=one * DAY_MS + LIFE_MS)
                for one in salts:
                    pipe.get(key(one))
                stored = (await pipe.execute())[len(offered) :]
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("salts are not shared with Redis: %s", type(error).__name__)
        for (one, salt), held in zip(salts.items(), stored, strict=True):
            self._held[one] = held or salt
