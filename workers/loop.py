"""The worker: polls the log, gathers a batch a partition, counts it; a partition that fails is taken again, later."""

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from redis import RedisError

from ingest.contract import freshness
from ingest.contract.clock import Watch
from ingest.log.protocol import LogUnavailable
from rollups.client import ClickHouseUnavailable
from rollups.control import ClaimLost, Unfinished
from rollups.decided import Damaged, Running
from workers import cache as caches
from workers.ahead import Ahead
from workers.batch import count
from workers.cache import Cache
from workers.onward import Onward
from workers.pace import Rounds, few, most, patience
from workers.report import Report
from workers.room import NoRoom, demand
from workers.slot import Limits, Slot
from workers.state import Moved
from workers.take import Torn, take
from workers.world import Held, Paused, World

logger = logging.getLogger(__name__)

SLACK_MS = 2_000  # an append is durable within this after its receipt, or it was refused
_POLL_SECONDS = 1.0
_MORE_SECONDS = 0.05  # so soon a log that has more gives it
_IDLE_SECONDS = 1.0
_PAUSED_SECONDS = 0.5
_RUNNING_SECONDS = 2.0
_TIDY_SECONDS = 60.0
_SETTLE_SECONDS = 5.0

# The broken world; anything else a batch raises is for a human.
Broken = (ClickHouseUnavailable, RedisError, LogUnavailable, Moved, Paused, Running, Damaged, NoRoom)


class Worker:
    """One member of the worker group. `clock`: seconds that only grow; `sleep` lets so many of them pass."""

    def __init__(
        self,
        world: World,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        cache_text: int = caches.MAX_TEXT,
        report: Report | None = None,
    ) -> None:
        self._world = world
        self._now = world.now
        self._clock_set = Watch(world.now)
        self._limits = limits or Limits()
        self._clock = clock
        self._sleep = sleep
        self._rounds = Rounds(self._limits.seconds)
        self._cache_text = cache_text
        self._report = report or Report()
        self._slots: dict[int, Slot] = {}
        self._ahead = Ahead(world.now)
        self._onward = Onward(world, clock)
        self._settle_at: float | None = 0.0  # when to look for doubted rollups; None: nobody can have left any
        self._jitter = random.Random()  # noqa: S311 - spreads retries

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; the batch in hand is finished then. Blocks.

        Raises LogOver; LogTruncated (Torn), TwoDecided, TooManyDeadLetters where going on would lose or double events.
        """
        failures = 0
        try:
            while not stop.is_set():
                try:
                    self.turn()
                    failures = 0
                except LogUnavailable as error:
                    failures += 1
                    self._report.log_away(failures, self._clock())
                    logger.warning("the event log is away: %s", error)
                    stop.wait(self._backoff(failures))
        finally:
            self._ahead.close()
            with suppress(LogUnavailable):
                self._world.consumer.close()

    def turn(self) -> None:
        """Poll once, then do what is due, but count one batch at most. Raises LogUnavailable, and what `run` raises.

        Of the partition that has waited longest: one poll may bring many batches of a backlog, and they keep neither
        the other partitions waiting nor whoever asked the worker to stop. What is no whole batch waits for its round.
        """
        if self._clock_set():
            self._world.metrics.clock_steps.inc()
        if (rest := self._rest()) > 0:
            self._sleep(rest)
        polled_at = self._now()
        self._onward.look()  # behind it: else a worker that stands still here tells what others have in the next log
        self._report.begun("polling the log", self._clock())
        records = self._world.consumer.poll(self._wait())
        self._assign()
        for record in records:
            slot = self._slots.get(record.partition)
            if slot is not None and slot.held is not None:
                slot.add(record, self._clock())
        self._open_round(few(records))
        torn: Torn | None = None
        due = []
        for slot in list(self._slots.values()):
            if slot.held is None:
                if self._clock() >= slot.retry_at:
                    try:
                        self._take(slot)
                    except Torn as error:
                        torn = error  # the batches of the others are finished first: setting aside waits for them
            elif slot.records:
                if slot.due or slot.full(self._limits):
                    due.append(slot)
            elif self._clock() - slot.told_at >= _IDLE_SECONDS:
                self._tell(slot, slot.held, polled_at)
        if due:
            self._count(min(due, key=lambda slot: slot.since))
        if torn is not None:
            raise torn
        self._onward.go_on(any(slot.records or slot.held is None for slot in self._slots.values()))
        self._hold_back()
        if self._settle_at is not None and self._clock() >= self._settle_at:
            self._settle()
        self._report.turned(set(self._slots), self._clock())

    def _open_round(self, few_came: bool) -> None:
        """Once the log has no more for now, all that waits here is counted, a partition after the other."""
        waiting = [slot for slot in self._slots.values() if slot.records and not slot.due]
        if waiting and self._rounds.open(self._clock(), few_came, sum(slot.lines for slot in waiting)):
            for slot in waiting:
                slot.due = True

    def _rest(self) -> float:
        """Seconds in which nothing is to be done: what came waits for its round, and more may come."""
        now = self._clock()
        if any(slot.due or slot.full(self._limits) for slot in self._slots.values()):
            return 0.0
        return min([self._rounds.rest(now), *(s.retry_at - now for s in self._slots.values() if s.held is None)])

    def _hold_back(self) -> None:
        """No more is polled of a partition of which two whole batches wait: one to be counted, one to be prepared."""
        for slot in self._slots.values():
            if slot.held is not None and slot.crowded != slot.full(self._limits, 2):
                slot.crowded = not slot.crowded
                (self._world.consumer.pause if slot.crowded else self._world.consumer.resume)([slot.partition])

    def _settle(self) -> None:
        """Only between batches and with no partition to take: others wait for the markers of what is begun here."""
        if not self._slots or any(slot.held is None for slot in self._slots.values()):
            return
        self._report.begun("making rollups right", self._clock())
        try:
            if found := self._world.settle():
                logger.warning("ClickHouse had restarted within a batch: made right the rollups of %s", found)
            self._settle_at = None
        except (*Broken, ClaimLost, Unfinished) as error:
            self._settle_at = self._clock() + _SETTLE_SECONDS * self._jitter.uniform(0.5, 1.5)
            logger.info("rollups are made right later: %s", error)

    def _assign(self) -> None:
        """Follow the group: what was lost, or lost and got back, is dropped with all that is known of it."""
        assigned = self._world.consumer.assigned()
        for partition in [p for p, slot in self._slots.items() if assigned.get(p) != slot.epoch]:
            del self._slots[partition]
            self._world.metrics.forget(partition)
        for number, epoch in assigned.items():
            if number not in self._slots:
                slot = Slot(number, epoch, self._limits.lines, self._now(), told_at=self._clock())
                self._slots[number] = slot
                self._world.metrics.watch(number, partial(self._waits, slot), partial(self._failing, number))

    def _waits(self, slot: Slot) -> float:
        return slot.waits(self._now(), self._clock())

    def _failing(self, number: int) -> float:
        return self._report.failing(number, self._clock())

    def _begin(self, doing: str, slot: Slot) -> float:
        now = self._clock()
        self._report.begun(f"{doing} {slot.partition}", now)
        self._world.writer.patience = patience(slot.failures)
        return now

    def _take(self, slot: Slot) -> None:
        self._begin("taking partition", slot)
        cache = Cache(self._cache_text // max(1, len(self._slots)))
        try:
            demand(self._world.lacking)
            slot.held = take(self._world, slot.partition, cache)
            self._world.consumer.resume([slot.partition])
        except Broken as error:
            self._failed(slot, error)
            return
        self._report.taken(slot.partition)
        self._settle_at = self._settle_at or 0.0
        slot.clear()
        slot.crowded = False

    def _count(self, slot: Slot) -> None:
        if slot.held is None or not slot.records:
            return
        batch = slot.batch(self._limits, self._clock())
        self._ahead.expect(slot.held.log, slot.following(self._limits))
        metrics, begun = self._world.metrics, self._begin("counting a batch of partition", slot)
        try:
            if self._onward.behind_the_end(slot.held):
                slot.oldest = None
                slot.clear()
                return
            demand(self._world.lacking)
            counts = count(self._world, slot.held, batch.records, self._ahead)
        except Broken as error:
            self._failed(slot, error)
            return
        ended = self._clock()
        self._report.counted(slot.partition, slot.held.offset, ended)
        slot.failures, slot.oldest = 0, slot.held.clock
        slot.most = most(slot.most, ended - begun, self._limits.lines)
        metrics.batch_seconds.observe(ended - begun)
        metrics.batch_lines.observe(batch.lines)
        metrics.counted(counts)
        metrics.state_bytes.labels(str(slot.partition)).set(slot.held.store.bytes)
        self._publish(slot.held, min(slot.held.clock, self._now()) - SLACK_MS)

    def _failed(self, slot: Slot, error: Exception) -> None:
        position = slot.held.offset if slot.held else None
        slot.held = None
        slot.clear()
        if isinstance(error, ClickHouseUnavailable):
            slot.most = most(slot.most, None, self._limits.lines)
        self._world.metrics.retries.labels(type(error).__name__).inc()
        if isinstance(error, Paused):
            slot.retry_at = self._clock() + _PAUSED_SECONDS
        elif isinstance(error, Running | NoRoom):
            slot.retry_at = self._clock() + _RUNNING_SECONDS
            logger.info("partition %d waits: %s", slot.partition, error)
        else:
            slot.failures += 1
            slot.retry_at = self._clock() + self._backoff(slot.failures)
            logger.warning("partition %d is taken again: %s", slot.partition, error)
        self._report.failed(slot.partition, error, slot.failures, position, self._clock())
        with suppress(LogUnavailable):
            self._world.consumer.pause([slot.partition])

    def _tell(self, slot: Slot, held: Held, polled_at: int) -> None:
        """Nothing came, and nothing waits: everything received a little before the poll is counted."""
        slot.told_at = self._clock()
        if self._world.lacking():
            return  # an append-only file would grow by what is published
        end = self._world.consumer.bounds(slot.partition).end
        if end < held.offset:
            self._failed(slot, Moved(f"the log ends at {end}, before {held.offset}"))
        elif end == held.offset:
            self._report.well(slot.partition)
            slot.failures, slot.oldest = 0, None
            self._publish(held, polled_at - SLACK_MS)
            if slot.told_at - slot.tidied_at >= _TIDY_SECONDS:
                slot.tidied_at = slot.told_at
                self._tidy(slot, held, polled_at)

    def _tidy(self, slot: Slot, held: Held, now: int) -> None:
        """Nothing waits, so nobody's memory may still be needed that the wall clock has passed."""
        try:
            held.store.tidy(held.offset, now)
        except Broken as error:
            self._failed(slot, error)

    def _publish(self, held: Held, before: int) -> None:
        where = held.log, self._world.consumer.partitions, held.partition
        with suppress(RedisError):  # away: the next batch finds out
            if not self._onward.followed:  # else what was received before may lie in the next log
                freshness.publish(self._world.redis, *where, before, self._now())

    def _wait(self) -> float:
        due = [_POLL_SECONDS]
        for slot in self._slots.values():
            if slot.held is None:
                due.append(slot.retry_at - self._clock())
            elif slot.records:
                due.append(0.0 if slot.due or slot.full(self._limits) else _MORE_SECONDS)
        return max(0.0, min(due))

    def _backoff(self, failures: int) -> float:
        wanted: float = self._limits.backoff_seconds * 2 ** min(failures - 1, 10)
        return min(self._limits.backoff_max_seconds, wanted) * self._jitter.uniform(0.5, 1.0)
