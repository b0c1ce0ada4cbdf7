"""The time of a line, however its server writes it, as ms since the epoch; a time without a zone is UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache

from ingest.access_log.hit import Malformed

_OF_CLF = re.compile(
    r"(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))? ?(?:([+-])(\d{2}):?(\d{2})|Z)?",
    re.ASCII,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"[0-9]{9,20}(?:\.[0-9]{1,12})?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?"
    r" ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?(?: UTC)?",
    re.ASCII | re.IGNORECASE,
)
_MAX = 64  # characters
_START = datetime(1970, 1, 1, tzinfo=UTC)


def read_value(value: object) -> int:
    """Of a JSON value: seconds, ms, µs or ns by their size, or a text. Raises Malformed."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _number(Decimal(value))
    if isinstance(value, str):
        return read(value)
    raise Malformed("it has no time")


def read(text: str) -> int:
    """Raises Malformed."""
    if len(text) > _MAX:
        raise Malformed("its time is no time")
    text = text.strip().removeprefix("[").removesuffix("]")
    if _NUMBER.fullmatch(text):
        return _number(Decimal(text))
    if match := _ISO.fullmatch(text):
        year, month, day, clock, fraction, zone = match.groups()
        zone = "Z" if not zone or zone.upper() in ("Z", "UTC", "GMT") else zone
        try:
            moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{zone}")
        except ValueError:
            raise Malformed("its time is no time") from None
        return _ms(moment) + int(((fraction or "") + "000")[:3])
    if _OF_CLF.fullmatch(text):
        return _clf(text)
    try:
        moment = parsedate_to_datetime(text)
        return _ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise Malformed("its time is no time") from None


def clf(text: str) -> int:
    """`10/Nov/2026:10:01:00 +0000`, mostly. Raises Malformed."""
    if len(text) != 26 or not (text[2] == text[6] == "/" and text[11] == ":" and text.isascii()):
        return read(text)
    hour, minute, second = text[12:14], text[15:17], text[18:20]
    if not (hour < "24" and minute < "60" and second < "60" and (hour + minute + second).isdecimal()):
        return read(text)
    # The clock is arithmetic; the day, which most lines share, is looked up.
    midnight = _midnight(f"{text[:12]}00{text[14]}00{text[17]}00{text[20:]}")
    return midnight + (int(hour) * 3_600 + int(minute) * 60 + int(second)) * 1_000


def _clf(text: str) -> int:
    match = _OF_CLF.fullmatch(text)
    if match is None:
        raise Malformed("its time is no time")
    day, month, year, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        number = _MONTHS.index(month.lower()) + 1
        leap = int(second == "60")  # the clocks call it the second after it
        moment = datetime(int(year), number, int(day), int(hour), int(minute), int(second) - leap, tzinfo=zone)
        return _ms(moment) + int(((fraction or "") + "000")[:3]) + 1_000 * leap
    except (ValueError, OverflowError):
        raise Malformed("its time is no time") from None


_midnight = lru_cache(512)(read)


def _number(value: Decimal) -> int:
    if not value.is_finite() or not 0 <= value < 10**20:
        raise Malformed("its time is no time")
    for unit in (Decimal(1000), Decimal(1), Decimal("0.001"), Decimal("0.000001")):  # ms in a s, ms, µs, ns
        # The first unit in which the number is a moment before the year 5138.
        if value < Decimal(10**11) * 1000 / unit:
            return int(value * unit)
    raise Malformed("its time is no time")


def _ms(moment: datetime) -> int:
    ms = (moment - _START) // timedelta(milliseconds=1)
    if ms < 0:
        raise Malformed("its time is before 1970")
    return ms
