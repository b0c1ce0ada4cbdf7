"""The read API and the pages as one object that a process mounts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from prometheus_client import CollectorRegistry
from redis import Redis
from redis.exceptions import RedisError
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Router

from api import docs, page
from api.cors import Cors
from api.endpoint import Parts
from api.endpoints import ENDPOINTS
from api.metrics import Metrics
from api.pulse import Pulse
from api.registry.store import Registry, RegistryGone
from api.serve import Below, Serve
from ingest.contract.address import Network
from rollups import deadline
from rollups.client import NOT_MADE, ClickHouseUnavailable, Client
from rollups.read import Reader
from rollups.remove import remove
from rollups.sweep import drop_decided

REFRESH_SECONDS = 1.0
_PACKED = 1_000  # bytes of an answer above which it is compressed
PROBE_SECONDS = 3.0  # that the registry may take to be read
_AWAY = "ClickHouse cannot be used"  # why is for the log only: it names hosts
_NO_TABLES = "ClickHouse has no tables, or lost them: `throughline status` tells"
_REDIS_AWAY = "Redis cannot be used"
REMOVE_SECONDS = 60.0  # workers may still write what was on its way when a site was deleted

log = logging.getLogger("throughline.api")
# A thread that a store keeps is left to itself, so that nothing waits for it when the process stops.
_in_thread = partial(anyio.to_thread.run_sync, abandon_on_cancel=True)


class Api:
    """Everything that `api` serves. `routes` may be mounted beside those of ingest; they do not collide."""

    def __init__(
        self,
        client: Client,
        redis: Redis,
        now: Callable[[], int],
        *,
        trusted: Sequence[Network] = (),
        static: Path = page.STATIC,
        reader: Reader | None = None,
        origins: Collection[str] = (),
        base: str = "",
        registry: CollectorRegistry | None = None,
        elsewhere: Callable[[str, str], Iterable[dict[str, Any]]] = lambda *_: (),
    ) -> None:
        """`now`: ms; `trusted`: networks of proxies whose X-Forwarded headers are believed; `origins`: see Cors;
        `base`: path before every address of ours, as browsers see it; `registry`: where its metrics go;
        `elsewhere`: what log and workers store of a visitor of a site.
        """
        self._client = client
        self._registry = Registry(client, redis, now)
        self._redis = redis
        self.pulse = Pulse()
        parts = Parts(
            reader or Reader(client), self._registry, redis, tuple(trusted), now, self.pulse, client, base, elsewhere
        )
        self._serve = Serve(parts, ENDPOINTS, Metrics(registry or CollectorRegistry()))
        packed = GZipMiddleware(self._serve, _PACKED, 5)
        self.routes: list[BaseRoute] = [
            Below("/api", Cors(Router([*docs.routes(base), Below("/api", packed)]), origins)),
            *page.routes(static, self._serve.framing, base),
        ]
        self._loops: list[asyncio.Task[None]] = []
        self._ailing = "not started"
        self._redis_ailing = "not started"

    def tell(self, changed: Callable[[], Awaitable[None]]) -> None:
        """`changed` is awaited after each change before it is answered; must not raise."""
        self._serve.changed = changed

    async def start(self) -> None:
        """Read the registry and keep it fresh; returns although ClickHouse is away, for it may come back."""
        await self.refresh()
        self._loops = [asyncio.create_task(self._keep_fresh()), asyncio.create_task(self._keep_removing())]

    async def close(self) -> None:
        """Stop the loops; a thread that asks ClickHouse ends by itself."""
        self._serve.close()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops = []

    async def health(self) -> dict[str, str]:
        """ "ok" or what ails it, as of the last refresh, which is a second old."""
        return {"api registry": self._ailing, "api redis": self._redis_ailing}

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()

    async def _keep_removing(self) -> None:
        """Remove the rows of deleted sites, at once and what comes late, and what workers need no longer."""
        removed, pause = 0, 0.0
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            pause -= REFRESH_SECONDS
            deleted = self._registry.state.deleted_sites()
            if len(deleted) == removed and pause > 0:
                continue
            try:
                await _in_thread(remove, self._client, deleted)
                await _in_thread(drop_decided, self._client)
            except ClickHouseUnavailable as error:
                log.warning("rows that are no longer needed cannot be removed now: %s", error)
            removed, pause = len(deleted), REMOVE_SECONDS

    async def refresh(self) -> None:
        """Take in what other processes changed, and publish the snapshot if Redis lost it or holds an older one."""
        try:
            with deadline.within(PROBE_SECONDS):
                await _in_thread(self._registry.refresh)
                await _in_thread(self._serve.look)
            self.pulse.heard()
            self._ailing = "ok"
        except RegistryGone as error:
            self.pulse.heard()
            self._say(str(error), error)
        except ClickHouseUnavailable as error:
            if error.code is not None:
                self.pulse.heard()
            self._say(_NO_TABLES if error.code in NOT_MADE else _AWAY, error)
        except Exception:
            log.exception("the registry cannot be read")
            self._ailing = "unreadable"
        if not self._registry.loaded:
            return
        try:
            await _in_thread(self._registry.publish)
            self._redis_ailing = "ok"
        except RedisError as error:
            if self._redis_ailing != _REDIS_AWAY:
                log.warning("the sites cannot be published: %s", error)
            self._redis_ailing = _REDIS_AWAY

    def _say(self, what: str, error: Exception) -> None:
        if self._ailing != what:
            log.warning("the registry cannot be read: %s", error)
        self._ailing = what
