"""Ranges and their buckets, by walking the clock in quarters of an hour."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.oracle.fact import HOUR, MINUTE

_QUARTER = 15 * MINUTE
_firsts: dict[tuple[str, str, int], int] = {}  # zone, granularity and a quarter → the first quarter of its bucket


@dataclass(frozen=True)
class Range:
    """Half-open [start, end) in ms; `zone` is an IANA name."""

    start: int
    end: int
    zone: str = "UTC"
    interval: str | None = None

    def __contains__(self, time: int) -> bool:
        return self.start <= time < self.end

    @property
    def granularity(self) -> str:
        return self.interval or ("hour" if self.end - self.start <= 48 * HOUR else "day")

    def period(self, time: int) -> str:
        """The name of the bucket that holds `time`: its calendar start with the offset in force there."""
        first = self._first(time - time % _QUARTER)
        return datetime.fromtimestamp(first / 1000, UTC).astimezone(ZoneInfo(self.zone)).isoformat()

    def _first(self, quarter: int) -> int:
        """Found once for each: a month is walked for thousands of its quarters, by many tests."""
        zone, granularity = self.zone, self.granularity
        walked, first, here = [quarter], quarter, self._calendar(quarter)
        while (zone, granularity, first) not in _firsts and self._calendar(first - _QUARTER) == here:
            first -= _QUARTER
            walked.append(first)
        first = _firsts.get((zone, granularity, first), first)
        _firsts.update(((zone, granularity, each), first) for each in walked)
        return first

    def _calendar(self, time: int) -> tuple[object, ...]:
        local = datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo(self.zone))
        # An hour that comes twice is told apart by its offset, also where only half of it does (Lord Howe).
        if self.granularity == "hour":
            return (local.date(), local.hour, local.utcoffset())
        if self.granularity == "week":
            return local.isocalendar()[:2]
        return (local.year, local.month) if self.granularity == "month" else (local.date(),)

    def periods(self) -> list[str]:
        """Every bucket the range touches, in order."""
        found: dict[str, None] = {}
        time = self.start
        while time < self.end:
            found[self.period(time)] = None
            time = time - time % _QUARTER + _QUARTER
        return list(found)


def iso(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}Z"
