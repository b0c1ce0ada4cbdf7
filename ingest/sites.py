"""The sites this process knows: the published snapshot, held in memory and read again as it changes."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ingest.contract import used
from ingest.contract.site import Site
from ingest.contract.snapshot import EMPTY, FIELDS, KEY, Poster, Snapshot

_PATIENCE_SECONDS = 1.0
_HEARING_SECONDS = 60.0  # between two looks whether the connection is still there
_PAUSE_SECONDS = 0.05  # between two extra looks, however many unknown ids are asked for

log = logging.getLogger(__name__)


class SitesUnknown(Exception):
    """Redis is away, so nobody can say whether a tracking id exists."""


class Sites:
    """Never goes backwards, and keeps what it knows while Redis is away or empty."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._next_look: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._days = used.Days()
        self.snapshot = EMPTY

    @property
    def known(self) -> bool:
        """Whether any snapshot has been read yet."""
        return self.snapshot.version >= 0

    def find(self, tracking_id: str) -> Site | None:
        """The site, unless it is unknown or deleted."""
        site = self.snapshot.by_tracking_id.get(tracking_id)
        return None if site is None or site.deleted else site

    def poster(self, sha256: str) -> Poster | None:
        """The key of this hash, if it may post for others."""
        return self.snapshot.posters.get(sha256)

    def note_use(self, poster: Poster, now: int) -> None:
        """Say on which day the key is used, once a day and in the background."""
        if self._days.is_new(poster.id, now):
            self._begin(self._write_use(poster.id, used.day(now)))

    async def _write_use(self, key: str, day: str) -> None:
        with suppress(RedisError, OSError, TimeoutError):  # no number needs it
            await cast(Any, self._redis.hset(used.KEY, key, day))

    def knows(self, tracking_ids: set[str]) -> bool:
        """Whether each of them is, or was, a site's: nobody need look again."""
        return self.snapshot.by_tracking_id.keys() >= tracking_ids

    async def refresh(self) -> None:
        """Take the published snapshot if it is newer. Raises SitesUnknown if Redis does not answer within a second."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                published = await cast(Any, self._redis.hget(KEY, "version"))
                if published is None or int(published) <= self.snapshot.version:
                    return
                version, body, posters = await cast(Any, self._redis.hmget(KEY, FIELDS))
        except (RedisError, OSError, TimeoutError) as error:
            raise SitesUnknown(type(error).__name__) from error
        if version is None or body is None or int(version) <= self.snapshot.version:
            return
        started = time.perf_counter()
        self.snapshot = Snapshot.decode(int(version), body, posters)
        log.info("sites at revision %s in %.0f ms", int(version), 1000 * (time.perf_counter() - started))

    async def hear(self) -> None:
        """Take every snapshot as it is published, until Redis is away: raises SitesUnknown.

        What was published before is not heard of.
        """
        try:
            async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(KEY)
                while True:
                    if await channel.get_message(timeout=_HEARING_SECONDS) is not None:
                        await self.refresh()
        except (RedisError, OSError, TimeoutError) as error:
            raise SitesUnknown(type(error).__name__) from error

    async def look_again(self, tracking_ids: set[str]) -> None:
        """Read the snapshot once more for ids that are in none of ours: the site may be a moment old.

        Everybody who asks while a look waits to begin shares it. Raises SitesUnknown.
        """
        if not self.knows(tracking_ids):
            await self.look()

    async def look(self) -> None:
        """Read the snapshot once more, with everybody who asks meanwhile. Raises SitesUnknown."""
        look = self._next_look
        if look is None:
            look = self._next_look = self._begin(self._look())
        await asyncio.shield(look)

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self._looks.add(task)
        task.add_done_callback(self._looked)
        return task

    async def _look(self) -> None:
        # Those who come during the pause share this look; those who come after it has begun need one of their own,
        # because it may already have read what was published before they came.
        await asyncio.sleep(_PAUSE_SECONDS)
        self._next_look = None
        await self.refresh()

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        if not look.cancelled():
            look.exception()  # seen, also when everybody who asked has gone
