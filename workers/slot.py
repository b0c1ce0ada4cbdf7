"""A partition that a worker was assigned, and what waits there to be counted."""

from dataclasses import dataclass, field

from ingest.contract.event import receipt
from ingest.log.protocol import Record
from workers.world import Held

_UNSEEN_SECONDS = 4.0


@dataclass(frozen=True)
class Limits:
    """Whatever waits is counted in rounds that are `seconds` apart, twice as far after a round of few lines; a batch
    that has one of the sizes at once.

    `bytes`: of its records.
    """

    seconds: float = 1.0
    records: int = 50_000
    lines: int = 50_000
    bytes: int = 32 * 1024 * 1024
    backoff_seconds: float = 0.2
    backoff_max_seconds: float = 15.0


@dataclass
class Slot:
    """An assigned partition: taken if `held`, else to be taken from `retry_at` on.

    `most`: lines of its next batch; `oldest`: ms, no uncounted event was received before; None if nothing waits;
    `due`: what waits is of the round that is counted; `crowded`: enough waits, the log is asked for no more.
    """

    partition: int
    epoch: int
    most: int
    oldest: int | None
    held: Held | None = None
    retry_at: float = 0.0
    failures: int = 0
    records: list[Record] = field(default_factory=list)
    lines: int = 0
    bytes: int = 0
    since: float = 0.0
    due: bool = False
    crowded: bool = False
    told_at: float = 0.0  # when freshness was last published while idle
    tidied_at: float = 0.0  # when states were last deleted by the wall clock

    def add(self, record: Record, at: float) -> None:
        if not self.records:
            self.since = at
            self.oldest = receipt(record.value) or self.oldest
        self.records.append(record)
        self.lines += record.value.count(b"\n") + 1
        self.bytes += len(record.value)

    def waits(self, now: int, clock: float) -> float:
        """Seconds that the oldest uncounted event waits, at most; `now` in ms, `clock` in seconds that only grow."""
        if self.oldest is not None:
            return max(0, now - self.oldest) / 1000
        idle = clock - self.told_at
        return idle if idle > _UNSEEN_SECONDS else 0.0  # nobody has looked since

    def full(self, limits: Limits, batches: int = 1) -> bool:
        """Whether so many whole batches wait."""
        return (
            len(self.records) >= batches * limits.records
            or self.lines >= batches * self.most
            or self.bytes >= batches * limits.bytes
        )

    def batch(self, limits: Limits, at: float) -> "Slot":
        """The next batch of what waits, taken out of it; the rest waits from now on."""
        taken = self._first(limits, at)
        self.records = self.records[len(taken.records) :]
        self.lines, self.bytes, self.since = self.lines - taken.lines, self.bytes - taken.bytes, at
        self.due = False
        return taken

    def following(self, limits: Limits) -> list[Record]:
        """The records of the next batch if a whole one waits, so that no more will be of it."""
        return self._first(limits, self.since).records if self.full(limits) else []

    def _first(self, limits: Limits, at: float) -> "Slot":
        taken = Slot(self.partition, self.epoch, self.most, None)
        for record in self.records:
            if taken.full(limits):
                break
            taken.add(record, at)
        return taken

    def clear(self) -> None:
        self.records, self.lines, self.bytes, self.due = [], 0, 0, False
