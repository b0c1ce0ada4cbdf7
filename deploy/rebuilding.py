"""Seeing to it that rebuilds which were asked for on the pages happen: what the command does, by a worker's process.

One process is at it at a time, with one site. Whoever dies is followed by another, which begins anew: what is judged
already stays as it is. How far it is stands in ClickHouse.
"""

import logging
import threading
import time
from contextlib import suppress

from redis import Redis
from redis.exceptions import ConnectionError, RedisError, TimeoutError
from redis.lock import Lock

from deploy import wiring
from deploy.folder import StackError
from deploy.rebuild import Progress, rebuild
from deploy.settings import Settings
from ingest.contract import wish
from ingest.log.protocol import LogUnavailable
from rollups import rebuild as rebuilds
from rollups.client import ClickHouseUnavailable, Client
from rollups.rebuild import Rebuild

log = logging.getLogger("throughline.rebuilding")

AWAY = (ClickHouseUnavailable, RedisError, LogUnavailable, StackError)
TURN = "throughline:rebuilding:turn"
_TURN_SECONDS = 60.0  # renewed while it waits for the workers
_LOOK_SECONDS = 1.0
_SELDOM_SECONDS = 60.0  # a wish that nobody told of is found after it
_AGAIN_SECONDS, _LONGEST_SECONDS = 30.0, 300.0  # ten tries outlast half an hour without a log


class Over(Exception):
    """Somebody else goes on with it, or nobody shall."""


class Rebuilding:
    """One rebuild after the other; for one thread."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._client: Client = wiring.clickhouse(settings)
        self._redis: Redis = wiring.redis_client(settings)
        self._woken, self._looked = -1, 0.0

    def run(self) -> None:
        """Work until `stop` is set. Blocks; raises nothing that a store does."""
        failures = 0
        while not self._stop.wait(_pause(failures)):
            try:
                self.look()
                failures = 0
            except Over as why:
                log.info("a rebuild is left: %s", why)
                self._woken = -1
            except AWAY as error:
                log.warning("a rebuild is begun again later: %s", error)
                failures, self._woken = failures + 1, -1
            except Exception:
                log.exception("a rebuild failed, and is tried again")
                failures, self._woken = failures + 1, -1

    def look(self) -> None:
        """See to every rebuild that waits, if any may, and it is this process's turn. Blocks; raises Over, AWAY."""
        woken = wish.woken(self._redis, "rebuilding")
        if woken == self._woken and time.monotonic() - self._looked < _SELDOM_SECONDS:
            return
        waiting = rebuilds.waiting(self._client)
        if waiting:
            turn = self._redis.lock(TURN, timeout=_TURN_SECONDS, thread_local=False)
            if not turn.acquire(blocking=False):
                return
            try:
                for one in waiting:
                    self._see_to(one, turn)
            finally:
                with suppress(RedisError):
                    turn.release()
        self._woken, self._looked = woken, time.monotonic()

    def _see_to(self, one: Rebuild, turn: Lock) -> None:
        said = one.begun()
        rebuilds.write(self._client, said)
        if not said.open:
            log.error("the rebuild of site %s was begun %d times and never ended", one.site, rebuilds.TRIES)
            return

        def tick() -> None:
            if self._stop.is_set():
                raise Over("this process stops")
            with suppress(ConnectionError, TimeoutError):  # waiting, it may come back; a turn that is lost is told
                turn.reacquire()

        def progress(step: Progress) -> None:
            nonlocal said
            now = rebuilds.latest(self._client, one.site)
            if now is None or (now.rebuild, now.step) != (said.rebuild, said.step):
                raise Over("there is a newer one, or another process is at it")
            said = said.now("running", step.done, step.visitors)
            rebuilds.write(self._client, said)

        visitors = rebuild(self._settings, one.site, one.revision, progress, tick)
        rebuilds.write(self._client, said.now("done", visitors, visitors))
        log.info("the past of site %s is judged anew: %d visitors", one.site, visitors)


def _pause(failures: int) -> float:
    return float(min(_LONGEST_SECONDS, _AGAIN_SECONDS * 2 ** min(failures - 1, 10))) if failures else _LOOK_SECONDS
