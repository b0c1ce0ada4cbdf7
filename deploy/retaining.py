"""Seeing to it that months go which sites keep no longer: a pass for each, and its rows deleted behind it.

What is left to do is told by ClickHouse and the settings alone, so each step may be stopped anywhere. Several workers
may be at it at once; one is enough, so they take turns.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from deploy import wiring
from deploy.erasing import AWAY
from deploy.settings import Settings
from ingest.contract import snapshot
from ingest.contract.clock import Watch
from ingest.contract.site import Site
from rollups import control, retain
from rollups.client import Client
from rollups.retain import ALL, Cut, Damaged, cut_at

log = logging.getLogger("throughline.retaining")

_TURN = "throughline:retaining:turn"
_TURN_SECONDS = 60  # two passes at once are kept apart by their claim
_SELDOM_SECONDS = 60.0
_PATIENCE = 60
_SOON_SECONDS = 10.0  # the workers go on in between
_TRUST_SECONDS = 600.0


class Standing(NamedTuple):
    """Before when a site has nothing any more (`gone`, ms, 0: it has all), and shall have nothing, now (`wanted`) and
    from `then` (ms) on (`following`). `under_way`: rows are being deleted.
    """

    gone: Cut
    wanted: Cut
    under_way: bool
    then: int
    following: Cut

    @property
    def waits(self) -> bool:
        return _further(self.wanted, self.gone)

    def __str__(self) -> str:
        said = [f"events {_since(self.gone.events)}, sessions {_since(self.gone.sessions)}"]
        if self.under_way:
            said.append("what was before is being deleted")
        if self.waits:
            said.append(f"to go now: {_before(self.wanted)}")
        if _further(self.following, self.wanted):
            said.append(f"to go on {day(self.then)}: {_before(self.following)}")
        return "; ".join(said)


def wanted(sites: Iterable[Site], now: int) -> dict[str, Cut]:
    """Before when the living sites that do not keep all shall have nothing. Pure."""
    found = {}
    for site in sites:
        keeps = site.settings.retention
        if not site.deleted and keeps.events_months is not None:
            events = cut_at(now, keeps.events_months)
            found[site.id] = Cut(events, min(events, cut_at(now, keeps.sessions_months)))
    return found


def standings(client: Client, sites: Iterable[Site], now: int) -> dict[str, Standing]:
    """Of every site that does not keep all, or has not. Blocks; raises ClickHouseUnavailable."""
    living, then = [site for site in sites if not site.deleted], cut_at(now, -1)
    to, following = wanted(living, now), wanted(living, then)
    gone = retain.cuts(client, [site.id for site in living])
    open_ = {one.site for one in retain.unfinished(client)}
    return {
        site.id: Standing(
            gone.get(site.id, ALL), to.get(site.id, ALL), site.id in open_, then, following.get(site.id, ALL)
        )
        for site in living
        if site.id in to or site.id in gone
    }


def run(settings: Settings, site: Site, tell: Callable[[Standing], None]) -> None:
    """Let all months go now that a site keeps no longer, and wait for it. Blocks; raises what stores raise,
    control.ClaimLost, control.Unfinished, Damaged.
    """
    client, waited = wiring.clickhouse(settings), 0
    while True:
        now = retain.believed(client, wiring.now())
        standing = standings(client, [site], now).get(site.id)
        if standing is None:
            return
        tell(standing)
        if standing.under_way:
            if not retain.settle(client, now):
                time.sleep(0.5)
        elif not standing.waits:
            return
        elif retain.settle(client, now) and retain.advance(client, {site.id: standing.wanted}, now):
            waited = 0
        elif waited < _PATIENCE:
            waited += 1  # a worker is at it too, or somebody is just being erased
            time.sleep(1.0)
        else:
            raise control.Unfinished("a visitor of the site is being erased, and that does not end: is a worker there?")


class Trust:
    """Whether the wall clock may take something away: a machine that has just started may not know yet what time it
    is, and is told soon. `now`: ms of the wall clock, `steady`: seconds of one that only grows.
    """

    def __init__(self, now: Callable[[], int], steady: Callable[[], float] = time.monotonic) -> None:
        self._was_set, self._steady, self._since = Watch(now, steady), steady, steady()

    def __call__(self) -> bool:
        """Whether it has not been set for ten minutes, as far as was looked."""
        if self._was_set():
            self._since = self._steady()
        return self._steady() - self._since >= _TRUST_SECONDS


class Retaining:
    """One round after the other; for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._client: Client = wiring.clickhouse(settings)
        self._redis: Redis = wiring.redis_client(settings)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Blocks; raises nothing that a store does."""
        more, trusted = False, Trust(wiring.now)
        while not stop.wait(_SOON_SECONDS if more else _SELDOM_SECONDS):
            if not trusted():
                continue
            try:
                more = self.look()
            except (*AWAY, Damaged) as error:
                log.info("months go later: %s", error)
            except Exception:
                log.exception("letting months go failed, and is tried again")

    def look(self) -> bool:
        """A round, if it is this process's turn; whether more is to be done soon. Blocks; raises what stores raise."""
        turn = self._redis.lock(_TURN, timeout=_TURN_SECONDS, thread_local=False)
        if not turn.acquire(blocking=False):
            return False
        try:
            return self.round(snapshot.published(self._redis).by_id, wiring.now())
        finally:
            with suppress(RedisError):
                turn.release()

    def round(self, sites: Mapping[str, Site], now: int) -> bool:
        """The next step; whether there are more. Blocks; raises what stores raise."""
        if not retain.settle(self._client, now):
            return True
        due = retain.due(self._client, wanted(sites.values(), retain.believed(self._client, now)))
        if not due:
            return False
        if control.mutating(self._client):
            return True
        made = retain.advance(self._client, due, now)
        for one in made:
            log.info("site %s: gone are %s", one.site, _before(one.cut))
        return bool(made)


def _further(to: Cut, at: Cut) -> bool:
    return to.events > at.events or to.sessions > at.sessions


def _since(ms: int) -> str:
    return f"since {day(ms)}" if ms else "all"


def _before(cut: Cut) -> str:
    sessions = f", sessions of before {day(cut.sessions)}" if cut.sessions else ""
    return f"events of before {day(cut.events)}{sessions}"


def day(ms: int) -> str:
    """Its date, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(ms // 1000))
