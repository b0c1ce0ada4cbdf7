"""What a worker did lately and what it waits for: the loop writes it, /health and /metrics read it meanwhile."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from redis import RedisError

from ingest.log.protocol import LogUnavailable
from rollups.client import NOT_MADE, ClickHouseUnavailable
from rollups.decided import Running
from workers.room import NoRoom
from workers.state import Moved
from workers.world import Paused

STUCK_SECONDS = 30.0
FAILED_SECONDS = 10.0
_NOT_ENOUGH_SPACE = 243  # ClickHouse's code
OK = "ok"


@dataclass(frozen=True)
class Failure:
    """`since`: of the first failure that no counted batch has followed; `taken`: it may go on by now."""

    reason: str
    since: float
    attempts: int
    position: int | None
    taken: bool = False


class Report:
    """Safe to share between threads. `now`: the seconds of the clock that the loop has."""

    def __init__(self, now: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._turned = self._begun = now
        self._doing = "starting"
        self._log: Failure | None = None
        self._failures: dict[int, Failure] = {}
        self._counted: dict[int, tuple[int, float]] = {}  # partition → position reached, when
        self._partitions: set[int] = set()

    def begun(self, doing: str, now: float) -> None:
        """The loop is at this from now on."""
        with self._lock:
            self._doing, self._begun = doing, now

    def turned(self, partitions: set[int], now: float) -> None:
        """A turn of the loop ended; these partitions are this worker's."""
        with self._lock:
            self._turned, self._log, self._partitions = now, None, partitions
            for gone in self._failures.keys() - partitions:
                del self._failures[gone]
            for gone in self._counted.keys() - partitions:
                del self._counted[gone]

    def log_away(self, attempts: int, now: float) -> None:
        """A turn ended because the log did not answer."""
        with self._lock:
            self._turned = now
            self._log = Failure(reason(LogUnavailable("")), self._log.since if self._log else now, attempts, None)

    def failed(self, partition: int, error: Exception, attempts: int, position: int | None, now: float) -> None:
        """The partition was let go; `attempts` in a row; `position`: where its batch begins, None if not known."""
        with self._lock:
            before = self._failures.get(partition)
            since = before.since if before else now
            if position is None and before:
                position = before.position
            self._failures[partition] = Failure(reason(error), since, attempts, position)

    def taken(self, partition: int) -> None:
        """It goes on; whether that mends it, the next batch says."""
        with self._lock:
            if failure := self._failures.get(partition):
                self._failures[partition] = replace(failure, taken=True)

    def well(self, partition: int) -> None:
        """A batch was counted, or nothing waits."""
        with self._lock:
            self._failures.pop(partition, None)

    def counted(self, partition: int, position: int, now: float) -> None:
        self.well(partition)
        with self._lock:
            self._counted[partition] = position, now

    def failing(self, partition: int, now: float) -> float:
        """Seconds since the first failure that no counted batch has followed; 0 without one."""
        with self._lock:
            failure = self._failures.get(partition)
        return now - failure.since if failure else 0.0

    def health(self, now: float) -> Mapping[str, str]:
        """part → "ok" or a sentence: without addresses and without what a store answered."""
        with self._lock:
            state = {"worker": self._worker(now), "event log": self._ails(self._log, now)}
            for partition in sorted(self._partitions | self._failures.keys()):
                state[f"partition {partition}"] = self._ails(self._failures.get(partition), now)
        return state

    def lately(self, now: float) -> Mapping[str, str]:
        """What was done, and how long ago."""
        with self._lock:
            said = {"turn": f"{now - self._turned:.1f} s ago", "doing": f"{self._doing} for {now - self._begun:.1f} s"}
            for partition, (position, at) in sorted(self._counted.items()):
                said[f"partition {partition}"] = f"counted up to {position}, {now - at:.1f} s ago"
        return said

    def _worker(self, now: float) -> str:
        if now - self._turned <= STUCK_SECONDS:
            return OK
        return f"{self._doing} for {now - self._begun:.0f} s (no turn of the loop ended for {now - self._turned:.0f} s)"

    @staticmethod
    def _ails(failure: Failure | None, now: float) -> str:
        if failure is None or failure.taken or now - failure.since <= FAILED_SECONDS:
            return OK
        batch = "" if failure.position is None else f", the batch at {failure.position}"
        tries = f", {failure.attempts} attempts" if failure.attempts else ""
        return f"{failure.reason}{batch}, for {now - failure.since:.0f} s{tries}"


def reason(error: Exception) -> str:
    """What is waited for, by the kind of failure: the text of one may hold addresses, or what a visitor sent."""
    if isinstance(error, NoRoom):
        return str(error)
    if isinstance(error, ClickHouseUnavailable):
        if error.code == _NOT_ENOUGH_SPACE:
            return "there is no room on ClickHouse's disk"
        if error.code in NOT_MADE:
            return "ClickHouse has no tables, or lost them"
        return "ClickHouse does not answer" if error.code is None else f"ClickHouse fails it (its error {error.code})"
    for kind, words in _REASONS.items():
        if isinstance(error, kind):
            return words
    return type(error).__name__


_REASONS: Mapping[type[Exception], str] = {
    Running: "an insert still runs",
    Paused: "a migration holds the workers",
    LogUnavailable: "the event log is away",
    RedisError: "Redis is away",
    Moved: "its states are another worker's, or lost",
}
