"""The session rule at its boundaries, by literal times."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from ingest.contract.event import Event, Revenue
from ingest.contract.site import SiteSettings
from rollups.rows import SessionRow
from workers.fold import Entry, Folded, Known, fold, visits

SITE, VISITOR = "abcdef", "00000000000000aa"


def at(text: str) -> int:
    """ "09:00", "09:00:00.001" or with "2026-03-02 " before it → ms."""
    full = text if " " in text else f"2026-03-01 {text}"
    return round(datetime.fromisoformat(full).replace(tzinfo=UTC).timestamp() * 1000)


def event(time: str, id_: str = "", type_: str = "pageview", received: str = "", **more: object) -> Event:
    fields = {"site": SITE, "visitor": VISITOR, "id": id_ or time, "type": type_, "time": at(time)}
    return Event(**fields, received=at(received or time), **more)  # type: ignore[arg-type]


def passive(time: str, id_: str = "", **more: object) -> Event:
    return event(time, id_, "engagement", **more)  # type: ignore[arg-type]


def folded_once(events: Sequence[Event]) -> Folded:
    entries = [Entry(n, 0, each) for n, each in enumerate(events)]
    folded = fold(Known({}, {}, 0), 0, visits(entries), 7, lambda *_: SiteSettings())
    assert not folded.errors
    return folded


def sessions(*events: Event) -> list[SessionRow]:
    """What is live after one batch."""
    folded = folded_once(events)
    return sorted((row for row in folded.rows if row.sign > 0), key=lambda row: row.start)


def reasons(*events: Event) -> list[str]:
    folded = folded_once(events)
    found = {each.offset: each.reason for each in folded.reasons}
    return [found.get(n, "") for n in range(len(events))]


def spans(*events: Event) -> list[tuple[int, int]]:
    return [(row.start, row.end) for row in sessions(*events)]


def test_a_gap_of_exactly_thirty_minutes_belongs() -> None:
    assert spans(event("09:00"), event("09:30:00.000")) == [(at("09:00"), at("09:30"))]


def test_a_gap_of_a_millisecond_more_does_not() -> None:
    assert spans(event("09:00"), event("09:30:00.001")) == [(at("09:00"),) * 2, (at("09:30:00.001"),) * 2]


def test_an_interactive_event_exactly_a_day_after_the_first_still_belongs() -> None:
    chain = [event(f"2026-03-0{1 + h // 48} {h % 48 // 2:02}:{h % 2 * 30:02}") for h in range(49)]
    assert spans(*chain) == [(at("00:00"), at("2026-03-02 00:00"))]


def test_an_interactive_event_later_than_a_day_after_the_first_starts_the_next() -> None:
    chain = [event(f"{h // 2:02}:{h % 2 * 30:02}") for h in range(48)]
    after = event("2026-03-02 00:00:00.001")
    assert spans(*chain, event("23:45"), after) == [(at("00:00"), at("23:45")), (after.time, after.time)]


def test_a_passive_event_later_than_a_day_after_the_first_stays_with_the_event_before_it() -> None:
    chain = [event(f"{h // 2:02}:{h % 2 * 30:02}") for h in range(48)]
    assert spans(*chain, passive("2026-03-02 00:00"), passive("2026-03-02 00:30")) == [
        (at("00:00"), at("2026-03-02 00:30"))
    ]


def test_a_passive_event_extends_the_session_for_the_next_interactive_one() -> None:
    assert spans(event("09:00"), passive("09:20"), event("09:50")) == [(at("09:00"), at("09:50"))]


def test_a_passive_event_opens_nothing_and_out_of_reach_changes_nothing() -> None:
    assert spans(passive("08:50"), event("09:00"), passive("09:30:00.001")) == [(at("09:00"), at("09:00"))]


def test_a_loose_passive_event_joins_when_an_opener_arrives_before_it() -> None:
    assert spans(passive("09:10"), event("09:00")) == [(at("09:00"), at("09:10"))]


def test_a_late_arrival_bridges_two_sessions_into_one() -> None:
    assert spans(event("09:00"), event("09:50"), event("09:25")) == [(at("09:00"), at("09:50"))]


def test_midnight_and_a_new_campaign_cut_nothing() -> None:
    first, second = event("23:50", campaign="a"), event("2026-03-02 00:10", campaign="b")
    [session] = sessions(first, second)
    assert (session.campaign, session.end) == ("a", at("2026-03-02 00:10"))


def test_an_event_joins_its_session_however_far_behind_the_newest() -> None:
    newest = event("2026-03-20 09:00")
    assert reasons(event("09:00"), newest, event("09:20"), event("08:40")) == [""] * 4
    assert spans(event("09:00"), newest, event("09:20"), event("08:40")) == [
        (at("08:40"), at("09:20")),
        (at("2026-03-20 09:00"),) * 2,
    ]


def test_the_copy_received_first_stands() -> None:
    [session] = sessions(event("09:00", "x", page="/first"), event("09:00", "x", page="/second"))
    assert session.pv_page == ("/first",)


def test_flood_begins_after_five_thousand_events_within_a_day() -> None:
    full = [event("09:00", f"{n:05}", "engagement" if n % 2 else "pageview") for n in range(5_000)]
    again = event("09:00", "00000")
    assert reasons(*full, event("09:01"), again) == [""] * 5_000 + ["flood", "duplicate"]
    assert reasons(*full, event("2026-03-02 09:00:00.000")) == [""] * 5_000 + ["flood"]
    assert reasons(*full, event("2026-03-02 09:00:00.001")) == [""] * 5_001


def test_a_visitor_cannot_fill_the_memory_with_long_texts() -> None:
    big = [event("09:00", f"{n:05}", page="/" + "x" * 1_999) for n in range(4_000)]
    judged = reasons(*big)
    counted = judged.count("")
    assert judged == [""] * counted + ["flood"] * (4_000 - counted)
    assert 1_500 < counted < 2_200


def test_a_visitor_that_filled_its_memory_is_heard_again_as_soon_as_there_is_room() -> None:
    full = [event("09:00", f"{n:05}", page="/" + "x" * 1_999) for n in range(2_500)]
    assert reasons(*full)[-1] == "flood"
    after = [
        event("2026-03-02 09:00:00.000", "still full", page="/" + "x" * 1_999),
        event("2026-03-02 09:00:00.001", "heard"),
    ]
    daily = [event(f"2026-03-{day:02} 12:00", f"d{day}") for day in range(3, 20)]
    assert reasons(*full, *after, *daily)[2_500:] == ["flood", ""] + [""] * 17


def test_an_id_is_a_duplicate_within_a_day_and_a_gap_to_both_sides() -> None:
    first = event("2026-03-05 09:00", "x")
    assert reasons(first, event("2026-03-06 09:30:00.000", "x")) == ["", "duplicate"]
    assert reasons(first, event("2026-03-06 09:30:00.001", "x")) == ["", ""]
    assert reasons(first, event("2026-03-04 08:30:00.000", "x")) == ["", "duplicate"]
    assert reasons(first, event("2026-03-04 08:29:59.999", "x")) == ["", ""]


def test_what_does_not_count_is_no_copy() -> None:
    day = [event(f"2026-03-0{day} 09:00", "x") for day in (5, 6, 7)]
    assert reasons(*day) == ["", "duplicate", ""]


def test_a_silence_of_receipts_means_nothing() -> None:
    first = event("09:00", "x")
    again = event("09:00", "x", received="2026-05-02 10:00")
    later = event("09:10", "y", received="2026-06-02 10:00")
    assert reasons(first, again, later) == ["", "duplicate", ""]
    assert spans(first, again, later) == [(at("09:00"), at("09:10"))]


def test_sessions_that_begin_with_the_same_id_have_ids_of_their_own() -> None:
    one, two = sessions(event("09:00", "1"), event("2026-03-09 09:00", "1"))
    assert one.session != two.session


def test_engagement_credits_the_pageview_of_its_view_wherever_it_lies() -> None:
    [session] = sessions(
        event("09:00", view="a", page="/one"),
        event("09:01", view="b", page="/two"),
        passive("09:02", view="a", page="/two", scroll=4_000, engaged_ms=5_000),
        passive("09:03", view="c", page="/three", scroll=9_000, engaged_ms=1_000),
        event("09:04", view="c", page="/other"),
    )
    assert session.pv_depth == (4_000, -1, 9_000)
    assert session.pv_engaged_ms == (5_000, 0, 1_000)


def test_engagement_without_its_view_credits_the_latest_earlier_pageview_of_the_page_else_the_session() -> None:
    [session] = sessions(
        event("09:00", page="/one"),
        event("09:01", page="/one"),
        passive("09:02", page="/one", scroll=2_500, engaged_ms=5_000),
        passive("09:03", page="/three", scroll=9_000, engaged_ms=1_000),
        event("09:04", page="/three"),
    )
    assert session.pv_depth == (-1, 2_500, -1)
    assert session.pv_engaged_ms == (0, 5_000, 0)
    assert session.engaged_ms == 6_000


def test_depth_is_the_deepest_of_all_reports_and_of_the_pageview_itself() -> None:
    [session] = sessions(event("09:00", scroll=5_000), passive("09:01", page="/", scroll=2_000))
    assert session.pv_depth == (5_000,)


def test_first_touch_is_the_earliest_pageviews_else_the_earliest_events() -> None:
    signup = event("09:00", type_="signup", source="mail")
    [session] = sessions(signup, event("09:01", source="google"))
    assert session.source == "google"
    [session] = sessions(signup)
    assert (session.source, session.entry_page, session.exit_page) == ("mail", None, None)


def test_duration_includes_passive_events_and_counts_leave_them_out() -> None:
    [session] = sessions(event("09:00"), passive("09:10"))
    assert (session.end - session.start, session.events, session.engaged_ms) == (600_000, 1, None)


def test_equal_times_are_ordered_by_seq_then_id() -> None:
    events = [
        event("09:00", "b", page="/3", seq=1),
        event("09:00", "z", page="/1"),
        event("09:00", "a", page="/2", seq=1),
    ]
    [session] = sessions(*events)
    assert session.pv_page == ("/1", "/2", "/3")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event("09:00", revenue=Revenue(1, "", "t")), event("09:01", type_="form_start")], "engaged"),
        ([event("09:00"), event("09:01", type_="form_start")], "hesitator"),
        ([event("09:00", type_="form_submit"), event("09:01", type_="form_start")], "engaged"),
        ([event("09:00"), event("09:00:10"), event("09:00:30")], "engaged"),
        ([event("09:00"), event("09:00:10"), event("09:00:29.999")], "skimmer"),
        ([event("09:00"), passive("09:01", page="/", scroll=5_000)], "engaged"),
        ([event("09:00"), passive("09:01", page="/", scroll=4_999)], "hesitator"),
        ([event("09:00"), passive("09:00:59.999", page="/", scroll=5_000)], "hesitator"),
        ([event("09:00"), passive("09:00:09.999")], "bouncer"),
        ([event("09:00"), passive("09:00:10")], "skimmer"),
        ([event("09:00"), passive("09:00:15")], "hesitator"),
        ([event("09:00"), passive("09:20", engaged_ms=9_999)], "bouncer"),
        ([event("09:00"), event("09:00:29.999")], "skimmer"),
        ([event("09:00"), event("09:00:30")], "hesitator"),
    ],
)
def test_bucket(events: list[Event], expected: str) -> None:
    assert sessions(*events)[0].bucket == expected


PAIRS = [["trial", "order"], ["trial", "call", "cancel"], ["order", "pay"]]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["trial"], "hesitator"),
        (["trial", "call"], "engaged"),
        (["cancel", "trial"], "engaged"),
        (["trial", "order"], "hesitator"),
        (["trial", "order", "pay"], "engaged"),
        (["trial", "pay"], "hesitator"),
    ],
)
def test_any_finishing_event_of_any_of_its_pairs_finishes_what_was_started(types: list[str], expected: str) -> None:
    found = [Entry(n, 0, event(f"09:0{n}", type_=type_)) for n, type_ in enumerate(types)]
    settings = SiteSettings.model_validate({"pairs": PAIRS})
    [row] = fold(Known({}, {}, 0), 0, visits(found), 7, lambda *_: settings).rows
    assert row.bucket == expected


def test_the_newest_revision_among_the_events_decides_the_bucket() -> None:
    def lookup(_: str, revision: int) -> SiteSettings:
        return SiteSettings.model_validate({"friction": {"bouncer_seconds": 10 if revision == 1 else 0.5}})

    events = [event("09:00", settings=2), passive("09:00:00.500", settings=1)]
    [row] = fold(Known({}, {}, 0), 0, visits([Entry(n, 0, each) for n, each in enumerate(events)]), 7, lookup).rows
    assert (row.settings, row.bucket) == (2, "skimmer")
