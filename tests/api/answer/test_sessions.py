"""Funnels, depths, data keys and a session's events, case by case."""

import json
from zoneinfo import ZoneInfo

import pytest

from api.answer.custom_event_funnel import custom_event_funnel
from api.answer.engagement_funnel import engagement_funnel
from api.answer.event_data_keys import event_data_keys
from api.answer.ledger import ledger
from api.answer.revision import revision
from api.answer.session_events import session_events
from api.answer.visitor_sessions import visitor_sessions
from api.answer.visitors import visitors
from api.span import FIRST, LAST, Span
from tests.api.answer.conftest import Store
from tests.api.answer.made import acting, at, event, retracted, session, viewing

pytestmark = pytest.mark.services

NOON = at("2025-03-10T12:00:00+00:00")
HOUR = 3_600_000
DAY = 24 * HOUR
EVER = Span(FIRST, LAST, ZoneInfo("UTC"))
SOME = Span(NOON - HOUR, NOON + 40 * DAY, ZoneInfo("UTC"))


def test_a_repeated_step_needs_a_further_event(store: Store) -> None:
    store.write(
        sessions=[
            acting("a", NOON, ["x"]),
            acting("b", NOON, ["x", "y", "x"]),
            acting("c", NOON, ["y", "x", "x", "z", "x"]),
            acting("d", NOON, ["y"]),
        ]
    )
    answer = custom_event_funnel(store.reader, "s1", SOME, ["x", "x", "x"])
    assert [step.sessions for step in answer.steps] == [3, 2, 1]
    assert [step.pct_of_previous for step in answer.steps] == [100.0, 66.67, 50.0]
    assert [step.dropoff for step in answer.steps] == [0, 1, 1]
    assert answer.conversion_pct == 33.33


def test_steps_are_taken_in_order(store: Store) -> None:
    rows = [acting("a", NOON, ["buy", "add"]), acting("b", NOON, ["add", "other", "buy"])]
    store.write(sessions=[*rows, acting("c", NOON, ["add", "buy"]), retracted(acting("c", NOON, ["add", "buy"]))])
    answer = custom_event_funnel(store.reader, "s1", SOME, ["add", "buy"])
    assert [step.sessions for step in answer.steps] == [2, 1]


def test_a_funnel_nobody_entered_is_zeros(store: Store) -> None:
    answer = custom_event_funnel(store.reader, "s1", SOME, ["add", "buy"])
    assert [(step.sessions, step.pct_of_first, step.pct_of_previous) for step in answer.steps] == [
        (0, 0.0, 100.0),
        (0, 0.0, 0.0),
    ]
    assert answer.conversion_pct == 0.0


def test_the_deepest_view_of_a_page_counts_for_the_session(store: Store) -> None:
    store.write(
        sessions=[
            viewing("a", [("/", NOON, 2499), ("/b", NOON + 1, 10_000), ("/", NOON + 2, 5000)]),
            viewing("b", [("/", NOON, -1)]),
            viewing("c", [("/", NOON, 0), ("/", NOON + 1, -1)]),
            session("d", NOON, pageviews=0, pv_page=(), pv_time=(), pv_depth=(), pv_engaged_ms=()),
        ]
    )
    one, any_page = (engagement_funnel(store.reader, "s1", SOME, page) for page in ("/", None))
    assert [step.sessions for step in one.steps] == [3, 1, 1, 0, 0]
    assert [step.pct for step in one.steps] == [100.0, 33.33, 33.33, 0.0, 0.0]
    assert [step.dropoff_pct for step in one.steps] == [0.0, 66.67, 0.0, 100.0, 0.0]
    assert [step.sessions for step in any_page.steps] == [3, 1, 1, 1, 1]


@pytest.mark.parametrize("lasted", [0, 1, 12_345, 29_999, DAY - 1])
def test_a_sessions_duration_is_its_end_less_its_start_to_the_millisecond(store: Store, lasted: int) -> None:
    visitor = "a" * 16
    store.write(sessions=[session(visitor, NOON, end=NOON + lasted)])
    answer = visitor_sessions(store.reader, "s1", visitor, None)
    assert answer is not None
    assert [each.duration for each in answer.sessions] == [lasted / 1000]


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ({"b": 1, "a": None}, ["a", "b"]),
        (
            {"cart": {"items": [{"sku": 1}], "total": {"net": 1, "gross": 2}}},
            ["cart.items", "cart.total.gross", "cart.total.net"],
        ),
        ({"empty": {}, "list": []}, ["list"]),
        ({"text": "{not an object", "a.b": 1, "a": {"b": 2}}, ["a.b", "text"]),
        ({"Ünïcode 😀": {'quo"te': "\\"}}, ['Ünïcode 😀.quo"te']),
        ({"deep": {"a": {"b": {"c": {"d": {"e": 123456789012345678901234567890}}}}}}, ["deep.a.b.c.d.e"]),
        ({"'; DROP TABLE events": True}, ["'; DROP TABLE events"]),
    ],
)
def test_data_keys_are_leaves_joined_by_dots(store: Store, data: object, keys: list[str]) -> None:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    store.write(
        [
            event("a", "signup", NOON, data=text),
            event("a", "signup", NOON, data='{"late":1}', reason="late"),
            event("a", "other", NOON, data='{"other":1}'),
        ]
    )
    assert event_data_keys(store.reader, "s1", EVER, "signup").keys == keys
    assert event_data_keys(store.reader, "s1", Span(NOON + 1, LAST, ZoneInfo("UTC")), "signup").keys == []


def test_the_events_of_a_session_with_its_depths(store: Store) -> None:
    """The row may name a page `(other)`: its events keep their own."""
    visitor = "a" * 16
    mine = viewing(visitor, [("/", NOON, -1), ("(other)", NOON + 2_000, 7550)], session="mine")
    mine = mine._replace(ev_type=("signup",), ev_time=(NOON + 1_000,), ev_seq=(3,), events=3)
    next_one = viewing(visitor, [("/other", NOON + HOUR, 100)], session="next")
    store.write(
        [
            event(visitor, "pageview", NOON, id="1"),
            event(
                visitor, "signup", NOON + 1_000, id="2", seq=3, data='{"plan":"pro"}', amount=199_000, transaction="t"
            ),
            event(visitor, "pageview", NOON + HOUR, id="not mine", page="/other"),
            event(visitor, "engagement", NOON + 1_500, id="passive"),
            event(visitor, "pageview", NOON + 2_000, id="3", page="/b"),
            event(visitor, "pageview", NOON + 2_000, id="late", page="/b", reason="late"),
        ],
        [mine, next_one],
    )
    answer = session_events(store.reader, "s1", visitor, "mine")
    assert answer is not None
    assert [(each.id, each.page, each.scroll) for each in answer.events] == [
        ("1", "/", None),
        ("2", "/", None),
        ("3", "/b", 75.5),
    ]
    assert [each.data for each in answer.events] == [None, {"plan": "pro"}, None]
    assert answer.events[1].revenue is not None
    assert answer.events[1].revenue.model_dump() == {"amount": 19.9, "currency": "", "transaction": "t"}
    assert answer.events[2].timestamp == "2025-03-10T12:00:02.000Z"


def test_visitors_come_most_recently_seen_first_fifty_a_page(store: Store) -> None:
    rows = [session(f"{number:016x}", NOON, end=NOON + number % 3) for number in range(60)]
    store.write(sessions=[*rows, session("0" * 16, NOON + HOUR, source="bing")])
    first, second = (visitors(store.reader, "s1", page) for page in (1, 2))
    assert [first.total, second.total, len(first.visitors), len(second.visitors)] == [60, 60, 50, 10]
    ids = [visitor.id for visitor in (*first.visitors, *second.visitors)]
    by_last_seen = [*range(2, 60, 3), *range(1, 60, 3), *range(3, 60, 3)]
    assert ids == [f"s1-{number:016x}" for number in (0, *by_last_seen)]
    assert (first.visitors[0].sessions_count, first.visitors[0].source) == (2, "direct")


def test_a_visitors_attributes_are_those_of_the_first_session_as_it_stands(store: Store) -> None:
    row = session("a" * 16, NOON, source="bing")
    store.write(sessions=[row])
    store.write(sessions=[retracted(row), row._replace(source="google", version=2, country="FR", device="Phone")])
    (visitor,) = visitors(store.reader, "s1", 1).visitors
    assert (visitor.source, visitor.country, visitor.device, visitor.sessions_count) == ("google", "FR", "Phone", 1)


def test_the_ledger_widens_to_quarters_of_receipt(store: Store) -> None:
    quarter = 15 * 60_000
    times = [NOON - 1, NOON, NOON + quarter - 1, NOON + quarter]
    store.write(
        [event("a", "pageview", NOON - HOUR, id=str(time), received=time) for time in times]
        + [event("a", "engagement", NOON, received=NOON, reason=reason) for reason in ("", "bot", "bot", "flood")]
    )
    answer = ledger(store.reader, "s1", Span(NOON + 1, NOON + 2, ZoneInfo("Asia/Kathmandu")))
    assert answer.model_dump() == {
        "received": 6,
        "counted": 3,
        "filtered": {"bot": 2, "flood": 1},
        "from": "2025-03-10T12:00:00.000Z",
        "to": "2025-03-10T12:15:00.000Z",
    }


def test_the_revision_changes_with_every_batch(store: Store) -> None:
    seen = {revision(store.reader)}
    for number in range(3):
        store.write(sessions=[session("a", NOON + number)])
        seen.add(revision(store.reader))
    assert len(seen) == 4
    assert revision(store.reader) in seen
