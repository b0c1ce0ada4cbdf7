"""Salts whose time is over, gone from Redis's disk too: what set one stays in the append-only file until a rewrite."""

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ingest.contract.visitor import day
from ingest.salt import key

CLEANED = "throughline:salts:cleaned"  # the day on which the file was last seen rewritten
CLAIM = "throughline:salts:cleaning"
CLAIM_SECONDS = 300  # a rewrite that failed, or whose process died, is asked for again after it
_DAYS = 30  # a Redis that was away so long still has the keys when it comes back
_PATIENCE_SECONDS = 5.0
_AHEAD_MS = 10 * 60 * 1000  # that another process's clock may be

log = logging.getLogger(__name__)


class Shredder:
    """Asks Redis for one rewrite of its append-only file a day, after the day's salt has expired there."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._asked = self._warned = -1

    async def clean(self, now: int) -> None:
        """Take the next step, if one is left today; call again and again. Never raises."""
        today = day(now)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._step(today, day(now + _AHEAD_MS))
        except (RedisError, OSError, TimeoutError) as error:
            self._warn(today, f"{type(error).__name__}: {error}")

    async def _step(self, today: int, next_day: int) -> None:
        # Asked of Redis each time: an earlier copy put back in its place is not cleaned.
        if today <= int(await self._redis.get(CLEANED) or -1) <= next_day:
            return
        # EXISTS also removes what has expired but still lies there, which a rewrite would carry over.
        if await self._redis.exists(*(key(one) for one in range(today - _DAYS, today - 1))):
            return  # by Redis's clock its time is not over
        state = await self._redis.info("persistence")
        if not state["aof_enabled"]:
            return
        if state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
            return  # ours, or one that may have begun too early
        if self._asked == today:
            self._asked = -1
            # A Redis that was started anew says -1 seconds: nobody knows how that rewrite ended.
            if state["aof_last_bgrewrite_status"] == "ok" and state["aof_last_rewrite_time_sec"] >= 0:
                await self._redis.set(CLEANED, today)
                return
            self._warn(today, "the rewrite failed")
        elif await self._redis.set(CLAIM, today, nx=True, ex=CLAIM_SECONDS):
            await self._redis.bgrewriteaof()
            self._asked = today
        elif await self._redis.pttl(CLAIM) > CLAIM_SECONDS * 1000:
            await self._redis.delete(CLAIM)  # made under a clock that was ahead

    def _warn(self, today: int, why: str) -> None:
        if self._warned != today:
            self._warned = today
            log.warning("yesterday's salt may still be in Redis's append-only file: it cannot be rewritten: %s", why)
