"""When batches are counted, how long one may take, and how large the next one is.

A batch costs the same for one line as for a thousand, nearly. So there are few while little comes, and large ones while
much waits; what was slow is given more time and less to do.
"""

from collections.abc import Sequence

from ingest.log.protocol import Record
from rollups.write import PATIENCE_SECONDS

SLOW_SECONDS = PATIENCE_SECONDS / 2
FAST_SECONDS = SLOW_SECONDS / 2  # twice as much is not slow: small batches cost most, and a busy machine all the more
LEAST_LINES = 100
_DOUBLINGS = 5
_FEW_RECORDS, _FEW_BYTES = 10, 256 * 1024
_GATHER = 0.25  # of the time between two rounds: for what comes together
_LITTLE_LINES, _LITTLE_REST = 300, 2.0  # after a round of so few lines the next one waits so many times as long


class Rounds:
    """Begin at least `seconds` apart, twice as far after one of few lines: then nearly all that a batch costs is fixed.

    One after a lull begins a moment after the first line, for those that come with it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = self._apart = seconds
        self._opened = float("-inf")
        self._at: float | None = None  # when the next one opens; None: nothing waits
        self._more = False  # whether the log had more at once when last asked

    def open(self, now: float, few_came: bool, lines: int) -> bool:
        """Whether it opens now: so many lines wait. Not while the log gives more, for batches are large then."""
        if self._at is None:
            self._at = max(now + self._seconds * _GATHER, self._opened + self._apart)
        self._more = not few_came
        if self._more or now < self._at:
            return False
        self._opened, self._at = now, None
        self._apart = self._seconds * (_LITTLE_REST if lines < _LITTLE_LINES else 1.0)
        return True

    def rest(self, now: float) -> float:
        """Seconds until the next one opens; 0 if there is no need to wait for it."""
        return 0.0 if self._at is None or self._more else max(0.0, self._at - now)


def few(records: Sequence[Record]) -> bool:
    """Whether a poll gave so little that the log has no more for now."""
    return len(records) < _FEW_RECORDS and sum(len(record.value) for record in records) < _FEW_BYTES


def patience(failures: int) -> float:
    """Seconds that an insert of a partition may take after so many failures of it in a row."""
    return PATIENCE_SECONDS * 2.0 ** min(failures, _DOUBLINGS)


def most(lines: int, seconds: float | None, limit: int) -> int:
    """Lines that the next batch may have, after one of at most `lines`. `seconds`: from fold to commit, None if
    ClickHouse failed it.
    """
    if seconds is None or seconds > SLOW_SECONDS:
        return min(limit, max(LEAST_LINES, lines // 2))
    return min(limit, lines * 2) if seconds < FAST_SECONDS else lines
