"""The parameters `from`, `to` and `tz` → a Span."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from api.problem import invalid
from api.span import FIRST, HOUR, LAST, Granularity, Span, first_instant, ms

DEFAULT = timedelta(days=30)
LONGEST_YEARS = 10
MOST_BUCKETS = 1_000  # where their length is asked for

# Extended ISO 8601, and with a space for the T and before the offset, as `str` of a datetime and `%z` write it; a space
# in the place of the sign is a `+` that was decoded on its way in a query.
_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,18}))?)?"
    r"(?P<offset>[Zz]| ?[+\- ][0-9]{2}(?::?[0-9]{2})?)?)?"
)


def span(
    from_: str | None,
    to: str | None,
    zone: ZoneInfo,
    now: int,
    *,
    all_time: bool = False,
    interval: Granularity | None = None,
) -> Span:
    """The range that the parameters name; `to` defaults to `now`, `from` to 30 days before `to`, or to all time.

    Naive times and dates are the zone's. Raises Problem (400) naming the parameter.
    """
    end = now if to is None else _moment("to", to, zone, last=True)
    if from_ is not None:
        start = _moment("from", from_, zone)
    else:
        start = FIRST if all_time else max(FIRST, end - DEFAULT // timedelta(milliseconds=1))
    if start >= end:
        raise invalid("from" if from_ is not None else "to", "the range is empty: `from` must lie before `to`")
    if from_ is not None and end > _years_later(start, zone):
        raise invalid("from", f"the range is longer than {LONGEST_YEARS} years")
    found = Span(start, end, zone, interval)
    hours = (end - start) // HOUR if interval == "hour" else 0  # not listed where ten years of them are asked for
    if interval is not None and (hours > 2 * MOST_BUCKETS or len(found.buckets()) > MOST_BUCKETS):
        raise invalid("interval", f"more than {MOST_BUCKETS:,} buckets: take a longer interval or a shorter range")
    return found


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of this name. Raises Problem (400) naming `tz`."""
    if name not in _zones():
        raise invalid("tz", "not an IANA time zone")
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks a folder of 600 files


def _years_later(start: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(start / 1000, UTC).astimezone(zone)
    try:
        return ms(local.replace(year=local.year + LONGEST_YEARS))
    except ValueError:  # 29 February
        return ms(local.replace(year=local.year + LONGEST_YEARS, month=3, day=1))


def _moment(param: str, text: str, zone: ZoneInfo, *, last: bool = False) -> int:
    """The moment, ms; of a date alone its first instant, with `last` the instant after it."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise invalid(param, "not an ISO 8601 date or time such as 2025-03-30 or 2025-03-30T12:00:00+02:00")
    try:
        moment = _read(match, zone, last)
    except (ValueError, OverflowError) as error:
        raise invalid(param, f"not a date or time: {error}") from None
    if not FIRST <= moment <= LAST:
        raise invalid(param, "before the year 1900 or after 2199")
    return moment


def _read(match: re.Match[str], zone: ZoneInfo, last: bool) -> int:
    day = date.fromisoformat(match["date"])
    if match["hour"] is None:
        return first_instant(day + timedelta(days=1) if last else day, zone)
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    # Nanoseconds and finer are rounded up to what a datetime holds, and `ms` rounds up again.
    fraction = -(-int((match["fraction"] or "0").ljust(18, "0")) // 10**12)
    following = hour == 24 and minute == second == fraction == 0  # ISO 8601's other name of the next day's midnight
    local = datetime(day.year, day.month, day.day, 0 if following else hour, minute, second, tzinfo=zone)
    if match["offset"]:
        local = local.replace(tzinfo=_offset(match["offset"]))
    return ms(local + timedelta(days=following)) + -(-fraction // 1000)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    digits = text.lstrip("+- ").replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError("the offset is out of range")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if "-" in text else offset)
