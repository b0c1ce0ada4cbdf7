"""One ingest process: its parts put together, its loops, its health."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from starlette.routing import BaseRoute

from ingest.admission import Knowledge
from ingest.contract.address import LOOPBACK, Network
from ingest.contract.batch import MAX_BODY
from ingest.contract.clock import Watch
from ingest.endpoint import Endpoint
from ingest.enrich import open_places
from ingest.gather import Gatherer
from ingest.intake import Intake
from ingest.limit import Limiter, Rate
from ingest.log.protocol import LogUnavailable, Producer
from ingest.metrics import Metrics
from ingest.salt import Salts
from ingest.shredder import Shredder
from ingest.sites import Sites, SitesUnknown

REFRESH_SECONDS = 1.0
FOLLOW_SECONDS = 0.25
START_SECONDS = 2.0
ADDRESS_RATE = Rate(100, 1000)
NO_LIMIT = Rate(0, 0)
SCRIPT = Path(__file__).parent / "static" / "t.js"

log = logging.getLogger(__name__)


class Ingest:
    """The tracking endpoint with everything it stands on.

    `producer` is started and closed here, `redis` (raw bytes, no decoding) belongs to the caller. `now` gives ms.
    A missing country database is no error: every country is then `unknown`. Raises ValueError for a broken one,
    OSError for a script that cannot be read.
    """

    def __init__(
        self,
        producer: Producer,
        redis: "Redis",
        now: Callable[[], int],
        registry: CollectorRegistry,
        *,
        country_database: Path | None = None,
        address_rate: Rate = ADDRESS_RATE,
        site_rate: Rate = NO_LIMIT,
        trusted: Sequence[Network] = LOOPBACK,
        script: Path = SCRIPT,
    ) -> None:
        self._now = now
        self._metrics = Metrics(registry)
        self._sites = Sites(redis)
        self._salts = Salts(redis)
        self._shredder = Shredder(redis)
        self._gatherer = Gatherer(producer, appended=self._metrics.appended)
        self._metrics.waiting_bytes.set_function(lambda: self._gatherer.waiting)
        self._metrics.sites_revision.set_function(lambda: self._sites.snapshot.version)
        self._loops: list[asyncio.Task[None]] = []
        intake = Intake(
            sites=self._sites,
            salts=self._salts,
            gatherer=self._gatherer,
            knowledge=Knowledge(open_places(country_database), self._salts.of),
            address_limit=Limiter(address_rate),
            site_limit=Limiter(site_rate),
            trusted=trusted,
            now=now,
            metrics=self._metrics,
        )
        self.endpoint = Endpoint(intake, self._metrics, script.read_bytes())
        self.routes: list[BaseRoute] = self.endpoint.routes
        self.direct_path, self.direct_bytes, self.post_at_once = b"/e", MAX_BODY, self.endpoint.post_at_once

    async def start(self) -> None:
        """Connect. A log or a Redis that is away is no error: requests get 503 until it is there."""
        await self.know()
        await self._salts.keep(self._now())
        connecting = asyncio.create_task(self._keep_connecting())
        # One that hangs is waited for later: whoever asks meanwhile is told.
        await asyncio.wait({connecting}, timeout=START_SECONDS)
        keeping = (self._keep_fresh(), self._keep_hearing(), self._keep_following())
        self._loops = [connecting, *(asyncio.create_task(loop) for loop in keeping)]

    async def close(self) -> None:
        """After the last request was answered: append what is in hand and stop."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._gatherer.close()

    async def health(self) -> dict[str, str]:
        """Part → "ok" or what ails it."""
        sites = "ok" if self._sites.known else "no snapshot of the sites has been published yet, or Redis is away"
        return {"event log": self._gatherer.ailment or "ok", "sites": sites}

    async def _keep_fresh(self) -> None:
        clock_set = Watch(self._now)
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            if clock_set():
                self._metrics.clock_steps.inc()
            await self.know()
            await self._salts.keep(self._now())
            await self._shredder.clean(self._now())

    async def _keep_hearing(self) -> None:
        """Settings hold for what comes after they were answered for; a second later would be too late."""
        while True:
            try:
                await self._sites.hear()
            except SitesUnknown:
                pass  # said once a second already
            except Exception:
                log.exception("a published snapshot of the sites cannot be read")
            await asyncio.sleep(REFRESH_SECONDS)

    async def _keep_following(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                await self._gatherer.follow()
            except Exception:
                log.exception("the log that takes events now cannot be gone on with")  # tried again

    async def know(self) -> None:
        """Take the sites as they are published now. Raises nothing, and waits for Redis a second at most."""
        try:
            await self._sites.refresh()
        except SitesUnknown as error:
            log.warning("the sites cannot be refreshed: %s", error)
        except Exception:
            # A snapshot that cannot be read must not end the loop: the next one may be fine.
            log.exception("the published snapshot of the sites cannot be read")

    async def _connect(self) -> bool:
        try:
            await self._gatherer.start()
        except LogUnavailable as error:
            log.warning("the event log is unavailable: %s", error)
            return False
        return True

    async def _keep_connecting(self) -> None:
        pause = 0.25
        while self._gatherer.ailment == "not connected" and not await self._connect():
            await asyncio.sleep(pause + random.uniform(0, pause))  # noqa: S311 - jitter
            pause = min(2 * pause, 5.0)
