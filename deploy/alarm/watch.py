"""The watcher beside the api: looks now and then, writes down what changed, tells it, and shows it to Prometheus."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.routing import BaseRoute

from deploy.alarm.book import Book
from deploy.alarm.judge import alarms
from deploy.alarm.look import Numbers
from deploy.alarm.send import NotTaken

FIRST_SECONDS, EVERY_SECONDS = 5.0, 30.0
AWAY_SECONDS = 300.0
_AWAY = "Redis has not answered for over 5 minutes: nothing is counted, and other alarms are not known"

log = logging.getLogger("throughline.alarm")
Send = Callable[[str], None]


class Watcher(Collector):
    """A service without routes. One process at a time looks and tells; the gauges of the others are empty."""

    routes: Sequence[BaseRoute] = ()

    def __init__(
        self,
        look: Callable[[], Numbers],
        book: Book,
        targets: Mapping[str, Send],
        now: Callable[[], int],
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`look`, like the book, raises RedisError; it may block for seconds."""
        self._look, self._book, self._targets, self._now, self._clock = look, book, targets, now, clock
        self._numbers = Numbers()
        self._on: Mapping[str, str] = {}
        self._heard = clock()  # Redis
        self._told_away: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="alarms", daemon=True)
        registry.register(self)

    async def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        """What is under way is left to itself."""
        self._stop.set()
        await asyncio.sleep(0)

    async def health(self) -> Mapping[str, str]:
        return {}

    def _watch(self) -> None:
        pause = FIRST_SECONDS
        while not self._stop.wait(pause):
            pause = EVERY_SECONDS
            try:
                self.turn()
            except Exception:
                log.exception("the alarms cannot be looked at")

    def turn(self) -> None:
        """Look once and tell what there is to tell. Blocks."""
        try:
            if not self._book.mine():
                self._numbers, self._on = Numbers(), {}
                return
            self._numbers = self._look()
            self._on = alarms(self._numbers.looked, self._book.open())
            for message in self._book.turn(self._on, self._now()):
                log.warning("alarm: %s", message)
            self._heard = self._clock()
            for name, send in self._targets.items():
                self._try(lambda name=name, send=send: self._book.deliver(name, send))  # type: ignore[misc]
            self._tell_away("over: Redis answers again", self._told_away)
        except redis.RedisError as error:
            log.warning("the alarms cannot be looked at: %s", error)
            if self._clock() - self._heard > AWAY_SECONDS:
                self._tell_away(_AWAY, self._targets.keys() - self._told_away)

    def _tell_away(self, text: str, names: Iterable[str]) -> None:
        """Where Redis keeps nothing in mind this process does."""
        for name in tuple(names):
            if self._try(lambda name=name: self._targets[name](text)):  # type: ignore[misc]
                self._told_away ^= {name}

    def _try(self, tell: Callable[[], None]) -> bool:
        try:
            tell()
        except NotTaken as error:
            log.warning("an alarm waits: %s", error)
            return False
        return True

    def collect(self) -> Iterable[Metric]:
        """The gauges as of the last look; what could not be looked at has none."""
        looked, numbers = self._numbers.looked, self._numbers
        yield _gauge("fresh_seconds", "How old the numbers are", looked.unfresh)
        yield _gauge("batch_unfinished_seconds", "Age of the oldest decided batch that has no end", looked.batch)
        yield _gauge("dead_letters", "Lines of the log that wait as dead letters", _sum(looked.dead))
        yield _by("lag_seconds", "How long the oldest uncounted event waits", "partition", numbers.waits)
        on = {name.partition(":")[0]: 0 for name in self._on}
        for name in self._on:
            on[name.partition(":")[0]] += 1
        yield _by("alarms", "Alarms that are on", "kind", on)
        disks = looked.disks or {}
        yield _by("disk_bytes", "Size of a disk", "disk", {name: disk.all for name, disk in disks.items()})
        yield _by("disk_used_bytes", "Taken of a disk", "disk", {name: disk.taken for name, disk in disks.items()})
        for name, share in (("states", looked.states), ("log", looked.log)):
            yield _gauge(f"{name}_bytes", f"The {name} in Redis", None if share is None else share.taken)
            yield _gauge(f"{name}_limit_bytes", f"What the {name} may take", None if share is None else share.all)
        parts = numbers.parts
        yield _by("table_parts", "Active parts of a table", "table", {name: each.parts for name, each in parts.items()})
        yield _by("table_bytes", "Bytes of a table", "table", {name: each.bytes for name, each in parts.items()})
        inactive = {name: each.inactive for name, each in parts.items()}
        yield _by("table_inactive_bytes", "Bytes of a table's parts that are about to be deleted", "table", inactive)
        yield _by("site_bytes", "Bytes that a site takes of the tables, an estimate", "site", numbers.sites)


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    gauge = GaugeMetricFamily(f"throughline_{name}", meaning)
    if value is not None:
        gauge.add_metric([], value)
    return gauge


def _by(name: str, meaning: str, label: str, values: Mapping[str, float] | Mapping[int, float]) -> Metric:
    gauge = GaugeMetricFamily(f"throughline_{name}", meaning, labels=[label])
    for key, value in values.items():
        gauge.add_metric([str(key)], value)
    return gauge


def _sum(counts: Mapping[str, int] | None) -> int | None:
    return None if counts is None else sum(counts.values())
