"""Every spelling of a range, its defaults, and what is refused by name."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problem import Problem
from api.range import span, zone
from api.span import FIRST, iso, ms

NOW = ms(datetime(2025, 6, 15, 12, 30, tzinfo=UTC))
BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400_000


def start(text: str, zone: ZoneInfo = BERLIN) -> str:
    return iso(span(text, None, zone, NOW).start)


def end(text: str, zone: ZoneInfo = BERLIN) -> str:
    return iso(span(None, text, zone, NOW).end)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-06-01", "2025-05-31T22:00:00.000Z"),
        ("2025-06-01T10:00", "2025-06-01T08:00:00.000Z"),
        ("2025-06-01T10:00:30", "2025-06-01T08:00:30.000Z"),
        ("2025-06-01t10:00:30z", "2025-06-01T10:00:30.000Z"),
        ("2025-06-01T10:00:30.5Z", "2025-06-01T10:00:30.500Z"),
        ("2025-06-01T10:00:30,25Z", "2025-06-01T10:00:30.250Z"),
        ("2025-06-01T10:00:30.0001Z", "2025-06-01T10:00:30.001Z"),
        ("2025-06-01T10:00:30.000000000001Z", "2025-06-01T10:00:30.001Z"),
        ("2025-06-01T10:00+05:45", "2025-06-01T04:15:00.000Z"),
        ("2025-06-01T10:00 05:45", "2025-06-01T04:15:00.000Z"),
        ("2025-06-01 10:00+05:45", "2025-06-01T04:15:00.000Z"),
        ("2025-06-01 10:00 05:45", "2025-06-01T04:15:00.000Z"),
        ("2025-06-01 10:00:00.123456-04:00", "2025-06-01T14:00:00.124Z"),
        ("2025-06-01 10:00:00 +0200", "2025-06-01T08:00:00.000Z"),  # as %z writes it
        ("2025-06-01 10:00:00  0200", "2025-06-01T08:00:00.000Z"),
        ("2025-06-01 10:00:00", "2025-06-01T08:00:00.000Z"),
        ("2025-06-01T10:00-0330", "2025-06-01T13:30:00.000Z"),
        ("2025-06-01T10:00+02", "2025-06-01T08:00:00.000Z"),
        ("2025-06-01T24:00:00Z", "2025-06-02T00:00:00.000Z"),
        ("2025-03-30T02:30:00", "2025-03-30T01:30:00.000Z"),  # does not exist: read with the offset before the jump
        ("2024-10-27T02:30:00", "2024-10-27T00:30:00.000Z"),  # comes twice: the first
    ],
)
def test_spellings(text: str, expected: str) -> None:
    assert start(text) == expected
    if len(text) > 10:
        assert end(text) == expected


def test_a_date_alone_as_to_includes_the_day() -> None:
    assert end("2025-06-01") == "2025-06-01T22:00:00.000Z"
    assert end("2025-03-30") == "2025-03-30T22:00:00.000Z"
    assert end("2018-11-03", ZoneInfo("America/Sao_Paulo")) == "2018-11-04T03:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "now", "2025", "2025-06", "20250601", "2025-W22-1", "2025-152", "2025-6-1", "2025-06-31", "2025-13-01",
        "2025-06-01T24:00:01Z", "2025-06-01T10:00:60Z", "2025-06-01T10:00:00.", "2025-06-01T10:00+24:00",
        "2025-06-01T10:00+02:60", "2025-06-01T10:00 Z", "2025-06-01Z", "2025-06-01+02:00", "0000-01-01", "0001-01-01",
        "1899-12-31", "2200-01-01", "9999-12-31", "9999-12-31T23:59:59-12:00", "\u0662\u0660\u0662\u0665-06-01",
        "2025-06-01\n", "2025-06-01\x00", "1764000000000", "'; DROP",
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_name(text: str) -> None:
    for name, values in (("from", (text, None)), ("to", (None, text))):
        from_, to = values
        with pytest.raises(Problem) as refused:
            span(from_, to, BERLIN, NOW)
        assert (refused.value.status, refused.value.detail.param) == (400, name)


def test_defaults() -> None:
    month = span(None, None, BERLIN, NOW)
    assert (month.start, month.end) == (NOW - 30 * DAY, NOW)
    assert span(None, None, BERLIN, NOW, all_time=True).start == FIRST
    early = span(None, "2015-05-21T00:00:00Z", BERLIN, NOW)
    assert iso(early.start) == "2015-04-21T00:00:00.000Z"
    assert span("2025-06-15", None, BERLIN, NOW).end == NOW


@pytest.mark.parametrize(
    ("from_", "to", "param"),
    [
        ("2025-06-02T00:00Z", "2025-06-02T00:00Z", "from"),
        ("2025-06-02", "2025-06-01", "from"),
        ("2025-06-16", None, "from"),  # after now
        ("2014-12-31", "2024-12-31T00:00:00.001", "from"),
        ("1900-01-02", None, "from"),
        (None, "1900-01-01T00:00Z", "to"),
    ],
)
def test_empty_and_absurd_ranges(from_: str | None, to: str | None, param: str) -> None:
    with pytest.raises(Problem) as refused:
        span(from_, to, BERLIN, NOW)
    assert (refused.value.status, refused.value.detail.param) == (400, param)


def test_ten_years_are_allowed_to_the_millisecond() -> None:
    assert span("2015-01-01", "2024-12-31", BERLIN, NOW)
    assert span("2012-02-29", "2022-02-28", BERLIN, NOW)
    assert span("2014-12-31", "2024-12-31T00:00:00", BERLIN, NOW)


def test_zones() -> None:
    assert zone("Asia/Kathmandu").key == "Asia/Kathmandu"
    for name in ("", "europe/berlin", "Mars/Base", "../etc/passwd", "+02:00", "Europe/Berlin\x00"):
        with pytest.raises(Problem) as refused:
            zone(name)
        assert refused.value.detail.param == "tz"


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        span(text, None, BERLIN, NOW)
    except Problem as refused:
        assert refused.detail.param == "from"


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2025, 1, 1)),  # noqa: DTZ001 - the zone is drawn beside it
    st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_what_isoformat_writes_is_read_back(naive: datetime, name: str) -> None:
    moment = naive.replace(tzinfo=ZoneInfo(name))
    if moment.astimezone(UTC).astimezone(ZoneInfo(name)).replace(tzinfo=None) != naive:
        return  # does not exist
    found = span(moment.isoformat(), (moment + timedelta(days=1)).isoformat(), ZoneInfo("UTC"), NOW)
    assert found.start == ms(moment)
