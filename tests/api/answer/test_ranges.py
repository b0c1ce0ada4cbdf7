"""Where ranges begin and end, and in which bucket a session falls."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from api.answer.breakdown import breakdown
from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.engagement_funnel import engagement_funnel
from api.answer.friction import friction
from api.answer.reach import reach
from api.answer.scroll_depth import scroll_depth
from api.filter import parse
from api.span import Span
from ingest.contract.site import Friction
from rollups.read import Reader
from rollups.selection import select
from tests.api.answer.conftest import Store
from tests.api.answer.made import at, event, retracted, session, viewing

pytestmark = pytest.mark.services

UTC = ZoneInfo("UTC")
NOON = at("2025-03-10T12:00:00+00:00")
DAY = 24 * 3_600_000


@pytest.mark.parametrize("edge", [NOON, NOON + 1, NOON + 12 * 3_600_000])  # a quarter, a moment, a day
def test_a_range_holds_its_first_millisecond_and_not_its_last(store: Store, edge: int) -> None:
    store.write(
        [event("a", "pageview", time) for time in (edge - 1, edge, edge + 1)],
        [session("a", edge - 1), session("b", edge), session("c", edge + 1)],
    )
    for start, end, count in [
        (edge, edge + 1, 1),
        (edge - 1, edge, 1),
        (edge, edge + 2, 2),
        (edge - DAY, edge, 1),
        (edge, edge + DAY, 2),
        (edge - 3 * DAY, edge + 3 * DAY, 3),
    ]:
        answer = dashboard(store.reader, "s1", Span(start, end, UTC), None)
        counts = [
            answer.total_sessions,
            answer.visitors,
            answer.pageviews,
            sum(each.count for each in answer.countries),
        ]
        assert counts == [count] * 4, (start, end)


def test_a_pageview_after_midnight_of_a_session_before_it_is_filed_at_its_own_time(store: Store) -> None:
    midnight = at("2025-04-01T00:00:00+00:00")  # a month's edge too: the facts lie in another partition than the row
    late = midnight + 23 * 3_600_000
    row = viewing("a", [("/", midnight - 1_000, 2500), ("/b", midnight, 5000), ("/b", late, -1)])
    store.write(sessions=[row])
    for start, end, views in [
        (midnight, midnight + 1, {"/b": 1}),
        (midnight - DAY, midnight, {"/": 1}),
        (late, late + 1, {"/b": 1}),
        (midnight, midnight + DAY, {"/b": 2}),
        (midnight - 1, late, {"/b": 1}),
    ]:
        pages = scroll_depth(store.reader, "s1", Span(start, end, UTC), None, 20).pages
        assert {page.page: page.views for page in pages} == views


@pytest.mark.parametrize(
    ("zone", "start", "end", "counts"),
    [
        # 30 March begins at 23:00 UTC, ends at 22:00 UTC
        ("Europe/Berlin", "2025-03-29T00:00:00+01:00", "2025-04-01T00:00:00+02:00", [1, 23, 0]),
        # Beirut skips midnight: 30 March begins at 01:00 there, 22:00 UTC, and ends at 21:00 UTC
        ("Asia/Beirut", "2025-03-29T00:00:00+02:00", "2025-04-01T00:00:00+03:00", [0, 23, 1]),
        ("Asia/Kathmandu", "2025-03-30T00:00:00+05:45", "2025-04-02T00:00:00+05:45", [20, 4, 0]),
    ],
)
def test_days_begin_at_their_first_instant_in_the_zone(
    store: Store, zone: str, start: str, end: str, counts: list[int]
) -> None:
    first = at("2025-03-29T22:30:00+00:00")
    store.write(sessions=[session(f"v{hour}", first + hour * 3_600_000) for hour in range(24)])
    answer = dashboard(store.reader, "s1", Span(at(start), at(end), ZoneInfo(zone)), None)
    assert answer.granularity == "day"
    assert [each.count for each in answer.sessions_over_time] == counts


def test_the_hour_that_comes_twice_is_two_buckets(store: Store) -> None:
    first = at("2025-10-26T02:00:00+02:00")
    store.write(sessions=[session("a", first), session("b", first + 3_600_000 - 1), session("c", first + 3_600_000)])
    span = Span(first, first + 3 * 3_600_000, ZoneInfo("Europe/Berlin"))
    answer = dashboard(store.reader, "s1", span, None)
    assert [(each.period, each.count) for each in answer.sessions_over_time] == [
        ("2025-10-26T02:00:00+02:00", 2),
        ("2025-10-26T02:00:00+01:00", 1),
        ("2025-10-26T03:00:00+01:00", 0),
    ]


def test_a_retracted_session_is_in_no_number(store: Store) -> None:
    row = session("a", NOON, source="google", country="FR", device="Phone", end=NOON + 5_000)
    store.write(sessions=[row])
    store.write(sessions=[retracted(row)])
    answer = dashboard(store.reader, "s1", Span(NOON - DAY, NOON + 3 * DAY, UTC), None)
    assert (answer.total_sessions, answer.visitors, answer.avg_session_duration) == (0, 0, 0.0)
    assert (answer.referrers, answer.countries) == ([], [])
    assert [(each.device, each.count) for each in answer.devices] == [("Desktop", 0), ("Phone", 0), ("Tablet", 0)]


def test_a_breakdown_counts_visitors_who_still_have_a_session(store: Store) -> None:
    """Of "a" nothing is left at x, of "b" one of two sessions; "c" was taken away before it came."""
    gone = viewing("a", [("/x", NOON, -1), ("/x", NOON + 1, -1)], source="x")
    left = viewing("b", [("/x", NOON, -1)], source="x", session="first")
    again = left._replace(session="second", start=NOON + 9, end=NOON + 9)
    never = viewing("c", [("/z", NOON, -1)], source="z")
    store.write(sessions=[gone, left, again, retracted(never)])
    store.write(sessions=[retracted(gone), viewing("a", [("/y", NOON, -1)], source="y", version=2), retracted(again)])
    span = Span(NOON - 1, NOON + DAY, UTC)
    for dimension, values in (("source", ["x", "y"]), ("page", ["/x", "/y"])):
        answer = breakdown(store.reader, "s1", span, dimension, None, 10, 1)
        assert [(each.value, each.sessions, each.visitors) for each in answer.rows] == [(each, 1, 1) for each in values]
        assert (answer.totals.sessions, answer.totals.visitors, answer.total_rows) == (1, 2, 2)
    store.write(sessions=[never])
    answer = breakdown(store.reader, "s1", span, "source", None, 10, 1)
    assert (answer.totals.sessions, answer.totals.visitors, answer.total_rows) == (2, 2, 2)


def test_a_visitor_of_two_days_is_one_visitor(store: Store) -> None:
    store.write(sessions=[session("a", NOON), session("a", NOON + DAY), session("b", NOON + DAY)])
    answer = dashboard(store.reader, "s1", Span(NOON, NOON + 2 * DAY, UTC), None)
    assert (answer.total_sessions, answer.visitors) == (3, 2)


def test_another_site_is_in_no_number(store: Store) -> None:
    store.write([event("a", "pageview", NOON, site="s2")], [session("a", NOON, site="s2")])
    answer = dashboard(store.reader, "s1", Span(NOON - 1, NOON + 3 * DAY, UTC), None)
    assert (answer.total_sessions, answer.visitors, answer.pageviews, answer.countries) == (0, 0, 0, [])


def test_the_average_duration_is_rounded_half_up_from_exact_milliseconds(store: Store) -> None:
    store.write(sessions=[session("a", NOON, end=NOON + 10), session("b", NOON, end=NOON + 15)])
    answer = dashboard(store.reader, "s1", Span(NOON, NOON + 1, UTC), None)
    assert answer.avg_session_duration == 0.01  # 0.0125 s
    store.write(sessions=[session("c", NOON, end=NOON + 20)])
    assert dashboard(store.reader, "s1", Span(NOON, NOON + 1, UTC), None).avg_session_duration == 0.02  # 0.015 s


ANSWERS: list[Callable[[Reader, str, Span], BaseModel]] = [
    lambda reader, site, span: dashboard(reader, site, span, None),
    lambda reader, site, span: friction(reader, site, span, Friction()),
    lambda reader, site, span: scroll_depth(reader, site, span, None, 20),
    lambda reader, site, span: engagement_funnel(reader, site, span, None),
    lambda reader, site, span: engagement_funnel(reader, site, span, "/x"),
    lambda reader, site, span: reach(reader, site, span, "page", "/x"),
    lambda reader, site, span: reach(reader, site, span, "event", "signup"),
    custom_event_types,
]


def test_a_filter_holds_where_sessions_reach_over_an_end(store: Store) -> None:
    """Sessions begin before a range, end after it, do both, as long as can be. A second site has the selected ones."""
    hour = DAY // 24
    rows = []
    for visitor, start in (("a", NOON - DAY), ("b", NOON), ("c", NOON + 6 * hour), ("x", NOON), ("x", NOON + 2 * DAY)):
        views = [(f"/{index % 2}", start + index * 12 * hour, 2_500 * index) for index in range(3)]
        acts = {"ev_type": ("signup",) * 2, "ev_time": (start, start + DAY), "ev_seq": (0, 1)}
        rows.append(viewing(visitor, views, end=start + DAY, source=visitor, **acts))
    store.write(sessions=[*rows, *(row._replace(site="s2") for row in rows if row.source == "x")])
    filters = [["source=~x*", "page=~/*"], ["source==x|y", "campaign!=never"]]  # of sessions, and of the rollups' own
    readers = [store.reader.selecting(select([parse(each) for each in texts])) for texts in filters]
    for begin, length in ((NOON, 1), (NOON + 12 * hour, DAY), (NOON - 12 * hour, DAY + 1), (NOON + 1, 3 * DAY)):
        span = Span(begin, begin + length, UTC)
        for answer in ANSWERS:
            expected = answer(store.reader, "s2", span)
            assert all(answer(reader, "s1", span) == expected for reader in readers)


def test_a_retracted_session_leaves_nothing_at_a_ragged_end(store: Store) -> None:
    signup = {"ev_type": ("signup",), "ev_time": (NOON + 2,), "ev_seq": (0,), "end": NOON + 2, "source": "x"}
    row = viewing("a", [("/x", NOON, 5_000), ("/y", NOON + 1, -1)], **signup)
    spans = [
        Span(NOON - before, NOON + after, UTC) for before in (1, 3 * DAY + 1, NOON % DAY) for after in (9, 3 * DAY + 1)
    ]
    store.write(sessions=[row])
    held = [[answer(store.reader, "s1", span) for answer in ANSWERS] for span in spans]
    store.write(sessions=[retracted(row)])
    for span, before in zip(spans, held, strict=True):
        for answer, was in zip(ANSWERS, before, strict=True):
            nothing = answer(store.reader, "s2", span)
            assert was != nothing
            assert answer(store.reader, "s1", span) == nothing
