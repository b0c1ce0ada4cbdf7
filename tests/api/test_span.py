"""Buckets tile every range in every zone, and carry the names a calendar of the zone would give them."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.span import HOUR, Span, first_instant, iso, local, ms

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",  # +05:45
    "America/Sao_Paulo",  # no midnight on the first day of summer time until 2018
    "Africa/Cairo",  # midnight skipped in spring, 23:00 twice in autumn
    "Asia/Beirut",
    "America/Havana",  # midnight twice
    "Australia/Lord_Howe",  # half an hour of summer time
    "Antarctica/Troll",  # two hours of it
    "Pacific/Apia",  # 2011-12-30 does not exist
    "America/St_Johns",  # changed at 00:01 until 2011
    "Pacific/Chatham",  # +12:45, changes at 02:45
]
SECONDS_2005, SECONDS_2030 = 1_104_537_600, 1_893_456_000


def at(text: str, zone: str = "UTC") -> int:
    return ms(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def span(start: str, end: str, zone: str) -> Span:
    return Span(at(start, zone), at(end, zone), ZoneInfo(zone))


def periods(start: str, end: str, zone: str) -> list[str]:
    return [period for _, period in span(start, end, zone).buckets()]


spans = st.builds(
    lambda start, length, zone: Span(start, start + length, ZoneInfo(zone)),
    st.integers(SECONDS_2005 * 1000, SECONDS_2030 * 1000),
    st.one_of(st.integers(1, 48 * HOUR), st.integers(48 * HOUR + 1, 500 * 24 * HOUR)),
    st.sampled_from(ZONES),
)


@given(spans)
def test_buckets_tile_the_range(span: Span) -> None:
    starts = [start for start, _ in span.buckets()]
    assert starts[0] <= span.start
    assert all(earlier < later for earlier, later in pairwise(starts))
    assert all(span.start < start < span.end for start in starts[1:])
    assert all(datetime.fromisoformat(period) == local(start, UTC) for start, period in span.buckets())  # type: ignore[arg-type]


@given(spans)
def test_no_moment_of_an_hour_bucket_has_another_date_hour_or_offset(span: Span) -> None:
    if span.granularity == "day":
        return
    starts = [start for start, _ in span.buckets()]
    for start, following in pairwise([*starts, span.end]):
        assert 0 < following - start <= HOUR
        first, last = local(start, span.zone), local(following - 1, span.zone)
        assert (first.date(), first.hour, first.utcoffset()) == (last.date(), last.hour, last.utcoffset())
        assert first.minute == 0 or local(start - 1, span.zone).utcoffset() != first.utcoffset()


@given(st.integers(SECONDS_2005, SECONDS_2030), st.sampled_from(ZONES))
def test_a_day_begins_where_its_date_is_first_shown(second: int, name: str) -> None:
    zone = ZoneInfo(name)
    day = local(second * 1000, zone).date()
    start = first_instant(day, zone)
    assert start <= second * 1000
    assert local(start, zone).date() == day
    assert local(start - 1, zone).date() < day


@given(spans, st.integers(0, 10**6))
def test_a_range_split_anywhere_has_the_same_buckets(span: Span, share: int) -> None:
    middle = span.start + (span.end - span.start) * share // 10**6
    if middle in (span.start, span.end) or len({span.granularity, *_granularities(span, middle)}) > 1:
        return
    parts = Span(span.start, middle, span.zone).buckets() + Span(middle, span.end, span.zone).buckets()
    assert list(dict.fromkeys(parts)) == span.buckets()


def _granularities(span: Span, middle: int) -> set[str]:
    return {Span(span.start, middle, span.zone).granularity, Span(middle, span.end, span.zone).granularity}


def test_granularity_turns_to_days_above_48_hours() -> None:
    assert span("2025-01-01T00:00:00", "2025-01-03T00:00:00", "UTC").granularity == "hour"
    assert span("2025-01-01T00:00:00", "2025-01-03T00:00:00.001", "UTC").granularity == "day"


def test_ragged_ends_keep_calendar_names() -> None:
    assert periods("2025-01-01T10:59:59.999", "2025-01-01T12:00:00.001", "Asia/Kathmandu") == [
        "2025-01-01T10:00:00+05:45",
        "2025-01-01T11:00:00+05:45",
        "2025-01-01T12:00:00+05:45",
    ]
    assert periods("2025-01-01T23:59:59.999", "2025-01-04T00:00:00", "UTC") == [
        "2025-01-01T00:00:00+00:00",
        "2025-01-02T00:00:00+00:00",
        "2025-01-03T00:00:00+00:00",
    ]


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)])
def test_days_of_23_and_25_hours_in_berlin(day: str, hours: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = first_instant(date.fromisoformat(day), berlin)
    end = first_instant(date.fromordinal(date.fromisoformat(day).toordinal() + 1), berlin)
    assert (end - start) // HOUR == hours
    assert len(Span(start, end, berlin).buckets()) == hours


def test_the_hour_that_comes_twice_is_two_buckets() -> None:
    assert periods("2025-10-26T01:00:00", "2025-10-26T04:00:00", "Europe/Berlin") == [
        "2025-10-26T01:00:00+02:00",
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:00:00+01:00",
        "2025-10-26T03:00:00+01:00",
    ]


def test_half_an_hour_of_summer_time_makes_half_hours() -> None:
    assert periods("2024-04-07T00:00:00", "2024-04-07T03:00:00", "Australia/Lord_Howe") == [
        "2024-04-07T00:00:00+11:00",
        "2024-04-07T01:00:00+11:00",
        "2024-04-07T01:30:00+10:30",
        "2024-04-07T02:00:00+10:30",
    ]
    assert periods("2024-10-06T01:00:00", "2024-10-06T04:00:00", "Australia/Lord_Howe") == [
        "2024-10-06T01:00:00+10:30",
        "2024-10-06T02:30:00+11:00",
        "2024-10-06T03:00:00+11:00",
    ]


@pytest.mark.parametrize(
    ("zone", "day", "period"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"),
        ("Asia/Beirut", "2025-03-30", "2025-03-30T01:00:00+03:00"),
        ("Africa/Cairo", "2025-04-25", "2025-04-25T01:00:00+03:00"),
        ("America/Havana", "2025-11-02", "2025-11-02T00:00:00-04:00"),
        ("America/St_Johns", "2010-11-07", "2010-11-07T00:00:00-02:30"),
    ],
)
def test_a_day_starts_at_its_first_instant(zone: str, day: str, period: str) -> None:
    start = first_instant(date.fromisoformat(day), ZoneInfo(zone))
    assert local(start, ZoneInfo(zone)).isoformat() == period


def test_a_day_that_was_skipped_has_no_bucket() -> None:
    assert periods("2011-12-28T00:00:00", "2012-01-01T00:00:00", "Pacific/Apia") == [
        "2011-12-28T00:00:00-10:00",
        "2011-12-29T00:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
    ]


def test_milliseconds_are_rounded_up_so_that_a_half_open_range_of_whole_milliseconds_stays_exact() -> None:
    assert ms(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)) == 1001
    assert ms(datetime(1969, 12, 31, 23, 59, 59, 999_001, tzinfo=UTC)) == 0
    assert iso(1_764_000_000_120) == "2025-11-24T16:00:00.120Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
