"""How long a batch may take, and how large the next one is: what was slow is given more time and less to do."""

from rollups.write import PATIENCE_SECONDS

SLOW_SECONDS = 5.0
FAST_SECONDS = 1.0
LEAST_LINES = 100
_DOUBLINGS = 5


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
