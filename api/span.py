"""A range of time in a zone, and the buckets that tile it. Times are ms since the epoch, UTC."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

Granularity: TypeAlias = Literal["hour", "day", "week", "month"]

SECOND = 1_000
HOUR = 3_600 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# All that ClickHouse's DateTime64 can hold, rounded to centuries: "all time" is this.
FIRST = -2_208_988_800_000  # 1900-01-01
LAST = 7_258_118_400_000  # 2200-01-01


def local(moment: int, zone: ZoneInfo) -> datetime:
    """The clock and calendar of the zone at a moment, with the offset in force."""
    return (EPOCH + timedelta(milliseconds=moment)).astimezone(zone)


def ms(moment: datetime) -> int:
    """The first whole millisecond not before an aware datetime: events lie on whole ms, so a range stays exact."""
    return -((EPOCH - moment) // timedelta(milliseconds=1))


def iso(moment: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, as every timestamp in an answer."""
    return (EPOCH + timedelta(milliseconds=moment)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_instant(day: date, zone: ZoneInfo) -> int:
    """The day's first moment in the zone; where the clocks jump over midnight, the jump."""
    midnight = datetime.combine(day, time(), zone)
    start = ms(midnight)  # fold 0: where midnight comes twice, the first one
    if local(start, zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    # Python resolves a time that does not exist to a moment behind the jump with fold 0, before it with fold 1.
    return _jump(ms(midnight.replace(fold=1)), start, zone)


def _jump(before: int, after: int, zone: ZoneInfo) -> int:
    """The first moment in (before, after] with another offset than `before`, there being one (on a whole second)."""
    offset = local(before, zone).utcoffset()
    low, high = before // SECOND, -(-after // SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if local(middle * SECOND, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high * SECOND


def _hour_around(moment: int, zone: ZoneInfo) -> tuple[int, int]:
    """[start, end) of the hour on the clock: the moments around this one with the same date, hour and offset.

    So an hour that comes twice is two buckets, and a change of half an hour (Lord Howe) makes one of 30 minutes.
    """
    clock = local(moment, zone)
    past = timedelta(minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)
    start = moment - past // timedelta(milliseconds=1)
    end = start + HOUR
    if local(start, zone).utcoffset() != clock.utcoffset():
        start = _jump(start, moment, zone)
    if local(end - 1, zone).utcoffset() != clock.utcoffset():
        end = _jump(moment, end - 1, zone)
    return start, end


def _first_day(day: date, granularity: Granularity) -> date:
    """Of the day's, week's (Monday) or month's bucket."""
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "month" else day


_FOLLOWING: dict[Granularity, Callable[[date], date]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1),
}


@dataclass(frozen=True)
class Span:
    """Half-open [start, end), start < end, with the zone whose calendar names its buckets, each an `interval`."""

    start: int
    end: int
    zone: ZoneInfo
    interval: Granularity | None = None

    @property
    def granularity(self) -> Granularity:
        return self.interval or ("hour" if self.end - self.start <= 48 * HOUR else "day")

    def buckets(self) -> list[tuple[int, str]]:
        """(start, period) of every bucket touched, in order; each ends where the next starts, the first may be cut.

        `period` is the start in ISO 8601 with the offset in force there.
        """
        starts = self._hours() if self.granularity == "hour" else self._days(_FOLLOWING[self.granularity])
        return [(start, local(start, self.zone).isoformat()) for start in starts]

    def _hours(self) -> Iterator[int]:
        moment = self.start
        while moment < self.end:
            start, moment = _hour_around(moment, self.zone)
            yield start

    def _days(self, following_day: Callable[[date], date]) -> Iterator[int]:
        day = _first_day(local(self.start, self.zone).date(), self.granularity)
        start = first_instant(day, self.zone)
        while start < self.end:
            day = following_day(day)
            following = first_instant(day, self.zone)
            # A day can be skipped whole (Samoa, 2011-12-30), or come to an end twice (St John's before 2011).
            if following > max(start, self.start):
                yield start
            start = following


def last_bucket(span: Span) -> tuple[object, ...]:
    """Names the bucket in which the span ends, as long as that lies in our days."""
    last = local(span.end - 1, span.zone)
    clock = (last.hour, last.utcoffset()) if span.granularity == "hour" else None
    return span.granularity, _first_day(last.date(), span.granularity), clock
