"""One look at everything that alarms and gauges are about. What does not answer is left out."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import redis

from api.registry.store import Registry, RegistryGone
from deploy import wiring
from deploy.alarm.judge import Looked, Share, Silence
from deploy.room import spaces
from deploy.settings import SettingError, Settings
from deploy.status import Status, status
from ingest.contract import freshness
from ingest.log.protocol import LogUnavailable
from rollups import deadline, state
from rollups.client import ClickHouseUnavailable, Client
from workers.state import BYTES, Store

_SECONDS = 20.0  # for all that is asked of ClickHouse
DAY = 86_400_000
_WEEKS = 14 * DAY  # of a site's past that say how long it is silent at most
_KNOWN = 12 * DAY  # that it must have been heard for, so that anything is known
_QUARTER = 900_000
_SELDOM = 300_000  # that sites are asked about: two weeks of all of them, or all time
_T = TypeVar("_T")

log = logging.getLogger("throughline.alarm")


@dataclass(frozen=True)
class Numbers:
    """What gauges show beside."""

    looked: Looked = field(default_factory=Looked)
    waits: Mapping[int, float] = field(default_factory=dict)  # partition → seconds
    parts: Mapping[str, state.Parts] = field(default_factory=dict)
    sites: Mapping[str, int] = field(default_factory=dict)  # bytes


class Look:
    """Keeps its clients. For one thread."""

    def __init__(self, settings: Settings, redis: "redis.Redis", now: Callable[[], int]) -> None:
        self._settings = settings
        self._redis = redis
        self._client: Client = wiring.clickhouse(settings).patient(10.0)
        self._registry = Registry(self._client, redis, now)
        self._now = now
        self._since = now()
        self._looked, self._sites = 0, list[state.Heard]()
        self._weighed, self._bytes = 0, dict[str, int]()

    def __call__(self) -> Numbers:
        """Blocks for seconds, also where ClickHouse hangs; raises RedisError."""
        with deadline.within(_SECONDS):
            return self._numbers()

    def _numbers(self) -> Numbers:
        told = self._told()
        parts = _or_none(lambda: {each.table: each for each in state.parts(self._client)})
        silences = _or_none(self._silences)
        looked = Looked(
            unfresh=self._unfresh(),
            dead=None if told is None else told.dead,
            batch=None if told is None else max((each.seconds for each in told.unfinished or ()), default=0),
            disks=self._disks(),
            states=self._states(told),
            log=self._log(told),
            silences=None if silences is None else silences[0],
            heard=silences[1] if silences else frozenset(),
        )
        waits = {} if told is None else {number: wait or 0.0 for number, wait in enumerate(told.waits)}
        if parts and (now := self._now()) - self._weighed >= _SELDOM:
            self._bytes, self._weighed = _or_none(lambda: state.by_site(self._client, parts.values())) or {}, now
        return Numbers(looked, waits, parts or {}, self._bytes)

    def _told(self) -> Status | None:
        if not self._settings.event_log:
            return None
        return _or_none(lambda: status(self._settings))

    def _unfresh(self) -> float:
        """Since this process looks, at most: after a night without power nothing is wrong yet."""
        fresh = freshness.read(self._redis)
        return (self._now() - max(fresh or 0, self._since)) / 1000

    def _disks(self) -> dict[str, Share] | None:
        own = {each.names: Share(each.total - each.free, each.total) for each in spaces(self._settings.disk_folders())}
        if own:
            return own
        found = _or_none(lambda: state.disks(self._client))
        return (
            None
            if found is None
            else {f"ClickHouse, {each.name}": Share(each.total - each.free, each.total) for each in found}
        )

    def _states(self, told: Status | None) -> Share | None:
        if told is None:
            return None
        count = len(told.log.ends)
        taken = sum(Store(self._redis, told.log.id, count, number).taken() for number in range(count))
        return Share(taken, self._settings.state_bytes or wiring.quarter(self._redis, BYTES))

    def _log(self, told: Status | None) -> Share | None:
        if told is None:
            return None
        return Share(told.log.size or 0, told.log.limit or 0)  # Kafka's is its own

    def _silences(self) -> tuple[list[Silence], frozenset[str]] | None:
        """Until the moment that the numbers are fresh as of: what waits to be counted is no silence."""
        self._registry.refresh()
        fresh, gone = freshness.read(self._redis), {*self._registry.state.deleted_sites()}
        sites = {name: site for name, site in self._registry.state.site_by_id.items() if name not in gone}
        if fresh is None:
            return None
        if (now := self._now()) - self._looked >= _SELDOM:
            self._sites, self._looked = state.heard(self._client, now - _WEEKS), now
        found = [each for each in self._sites if each.site in sites]
        silences = [
            Silence(each.site, sites[each.site].domain, fresh - each.last - _QUARTER, each.longest)
            for each in found
            if now - each.first >= _KNOWN
        ]
        # One that is silent for longer than the weeks is still silent; one that was deleted is not.
        return silences, frozenset({each.site for each in found} | gone)


def _or_none(ask: Callable[[], _T]) -> _T | None:
    try:
        return ask()
    except (ClickHouseUnavailable, LogUnavailable, SettingError, RegistryGone, OSError) as error:
        log.info("an alarm cannot be judged now: %s", error)
        return None
