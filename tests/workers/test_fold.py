"""Laws of the fold, on any stream: against a naive judge, the batch model, and itself in other batches and orders."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ingest.contract.event import Event, Filtered, Rebuild
from ingest.contract.site import SiteSettings
from rollups.rows import SessionRow
from tests.oracle import sessions as oracle
from tests.oracle.sessions import judge
from tests.workers.partition import Partition
from tests.workers.streams import SITE, START, fact, live, streams
from workers import fold, memory
from workers.fold import Entry, Known, visits
from workers.memory import DAY, KEEP, MINUTE
from workers.visitor import FOREVER, REACH, State, unread


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


def run(events: Sequence[Event], cuts: Sequence[int] = (), forget: float = 0.0) -> Partition:
    """The stream in the batches between these places; `forget`: the chance of a state to go after each."""
    made = Partition(lookup, forget, len(events))
    entries = [Entry(n, 0, each) for n, each in enumerate(events)]
    for begin, end in pairwise([0, *sorted(cuts), len(events)]):
        folded = made.count(entries[begin:end], begin + 1)
        assert not folded.errors
    return made


def batches(most: int = 40) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, most), max_size=8)


forgetting = st.sampled_from([0.0, 0.2, 1.0])


@given(streams(), forgetting)
def test_the_rows_add_up_to_the_sessions_of_the_batch_model(events: list[Event], forget: float) -> None:
    made = run(events, range(0, len(events), 3), forget)
    filtered = {each.offset: each.reason for each in made.reasons}
    expected = []
    for visitor in sorted({event.visitor for event in events}):
        own = [(n, event) for n, event in enumerate(events) if event.visitor == visitor]
        judged = judge([fact(event) for _, event in own])
        assert [reason for _, reason in judged.filtered] == [filtered[n] for n, _ in own if n in filtered]
        for session in judged.sessions:
            pages = tuple(view.fact.page for view in session.views)
            depths = tuple(-1 if view.depth is None else int(view.depth * 100) for view in session.views)
            engaged = tuple(view.engaged_ms for view in session.views)
            expected.append((visitor, session.start, session.end, session.first_touch.source, pages, depths, engaged))
    fields = ("visitor", "start", "end", "source", "pv_page", "pv_depth", "pv_engaged_ms")
    places = [SessionRow._fields.index(name) for name in fields]
    assert sorted(tuple(row[place] for place in places) for row in live(made.rows)) == sorted(expected)


@given(streams(visitors=1), forgetting)
def test_a_flood_is_judged_as_the_batch_model_does(events: list[Event], forget: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "FLOOD", 6)
        patch.setattr(oracle, "FLOOD", 6)
        made = run(events, range(0, len(events), 5), forget)
        assert [each.reason for each in made.reasons] == [why for _, why in judge([fact(e) for e in events]).filtered]


@given(streams(), batches(), forgetting)
def test_neither_batches_nor_what_is_remembered_matters(events: list[Event], cuts: list[int], forget: float) -> None:
    whole, pieces = run(events), run(events, [each for each in cuts if each <= len(events)], forget)
    assert whole.reasons == pieces.reasons
    assert live(whole.rows) == live(pieces.rows)


@given(st.data())
def test_order_of_arrival_does_not_matter_at_any_distance(data: st.DataObject) -> None:
    drawn = data.draw(streams(visitors=1))
    events = list({event.id: event for event in drawn}.values())
    shuffled = data.draw(st.permutations(events))
    in_order = sorted(events, key=lambda event: (event.time, event.seq, event.id))
    once = run(in_order, data.draw(batches(0)))
    again = run(shuffled, [n for n in (1, 3, 7) if n < len(events)], data.draw(forgetting))
    assert once.reasons == again.reasons == []
    assert live(once.rows) == live(again.rows)


@given(streams(), batches())
def test_a_state_holds_what_its_window_says_and_its_copies_lie_in_the_tables(
    events: list[Event], cuts: list[int]
) -> None:
    made = run(events, [each for each in cuts if each <= len(events)])
    left = [row._replace(sign=1) for row in made.rows if row.sign > 0]
    for row in made.rows:
        if row.sign < 0:
            left.remove(row._replace(sign=1))
    counted = [row for row in made.tables.event_rows() if not row.reason]
    for state in made.states.values():
        assert {copy.row for copy in state.copies} <= set(left)
        inside = [row for row in counted if row.visitor == state.visitor and state.since < row.time <= state.until]
        held = {(item.time, item.seq, item.id) for item in state.items}
        assert {(row.time, row.seq, row.id) for row in inside} <= held
        assert state.items[0].time >= state.items[-1].time - REACH - DAY or state.items[0].time >= state.since
        assert state.text == sum(map(memory.text, state.items))
        assert state.items == sorted(state.items)


@given(streams(), batches(), forgetting)
def test_a_rebuild_judges_every_session_by_its_revision_and_another_one_changes_nothing(
    events: list[Event], cuts: list[int], forget: float
) -> None:
    made = run(events, [each for each in cuts if each <= len(events)], forget)
    again = Rebuild(SITE, sorted({event.visitor for event in events}), 7, START)
    made.count([Entry(900, 0, again)], 900)
    judged = run([replace(event, settings=7) for event in events])
    bucket_at = SessionRow._fields.index("bucket")
    assert [row[: bucket_at + 1] for row in live(made.rows)] == [row[: bucket_at + 1] for row in live(judged.rows)]
    assert made.count([Entry(901, 0, again)], 901).rows == []


def page(id_: str, time: int, received: int | None = None, visitor: int = 1) -> Event:
    return Event(SITE, f"{visitor:016x}", id_, "pageview", time, received or time)


def entry(n: int, event: Event) -> Entry:
    return Entry(n, 0, event)


def test_a_visitor_never_seen_is_not_asked_for_and_one_who_may_have_been_is() -> None:
    made = Partition(lookup)
    made.horizon = START
    made.count([entry(1, page("a", START + KEEP + 1))], 1)
    assert made.asked == 0
    made.count([entry(2, page("b", START + KEEP, visitor=2))], 2)
    assert made.asked == 1


def test_somebody_to_be_read_back_is_asked_for_whatever_the_horizon() -> None:
    made = run([page("a", START), page("b", START + MINUTE)], [1])
    made.states = {name: unread(SITE, state.visitor, state.hash, START) for name, state in made.states.items()}
    made.count([entry(3, page("b", START + MINUTE)), entry(4, page("c", START + 2 * MINUTE))], 9)
    assert made.asked == 1
    assert [row[3:5] for row in live(made.rows)] == [(START, START + 2 * MINUTE)]
    [state] = made.states.values()
    assert state.until == FOREVER


def test_a_regular_visitor_is_never_asked_for() -> None:
    made = run([page(f"{n}", START + n * 5 * 3_600_000) for n in range(40)], range(40))
    assert made.asked == 0
    [state] = made.states.values()
    assert len(state.items) == 6  # of the last 25 h
    assert state.until == FOREVER


def test_an_event_half_an_hour_late_needs_no_question_and_one_far_behind_does() -> None:
    made = run([page(f"{n}", START + n * 5 * 3_600_000) for n in range(10)])
    newest = START + 9 * 5 * 3_600_000
    made.count([entry(20, page("late", newest - 30 * MINUTE))], 20)
    assert made.asked == 0
    made.count([entry(21, page("later", newest - 31 * MINUTE))], 21)
    assert made.asked == 1


def test_history_in_order_is_asked_for_once_a_day_of_its_own() -> None:
    made = Partition(lookup)
    made.horizon = START + 400 * DAY
    for n in range(48 * 4):
        made.count([entry(n, page(f"{n}", START + n * 30 * MINUTE))], n + 1)
    assert made.asked <= 5
    assert live(made.rows) == live(run([page(f"{n}", START + n * 30 * MINUTE) for n in range(48 * 4)]).rows)


def test_what_changed_is_followed_for_as_long_as_there_is_no_gap() -> None:
    """Days of visits every half hour: one more before the first moves the cut of every session after it."""
    chain = [page(f"a{n}", START + n * 30 * MINUTE) for n in range(48 * 9)]
    first = page("first", START - 10 * MINUTE)
    asked = run([*chain, first], [len(chain)], forget=1.0)
    assert live(asked.rows) == live(run([first, *chain]).rows)
    assert len(live(asked.rows)) == 9


def test_a_session_that_changed_and_one_that_did_not() -> None:
    made = run([page("a", START), page("x", START + 2 * DAY)], [1])
    folded = made.count([entry(5, page("b", START + MINUTE)), entry(6, page("c", START + 5 * DAY))], 9)
    assert [(row.sign, row.start, row.end) for row in folded.rows] == [
        (-1, START, START),
        (1, START, START + MINUTE),
        (1, START + 5 * DAY, START + 5 * DAY),
    ]


def test_a_session_that_loses_its_end_and_grows_by_as_much_is_written_again() -> None:
    chain = [page(f"a{n}", START + n * 30 * MINUTE) for n in range(49)]  # 24 h, to its last reach
    tail = Event(SITE, f"{1:016x}", "p", "engagement", START + DAY + 5 * MINUTE, START + DAY + 5 * MINUTE)
    late = [page("opener", START + DAY + 2 * MINUTE), page("middle", START + DAY - MINUTE)]
    for forget in (0.0, 1.0):
        rows = live(run([*chain, tail, *late], [50], forget).rows)
        assert [(row[3], row[4], row[13]) for row in rows] == [
            (START, START + DAY, 50),
            (START + DAY + 2 * MINUTE, START + DAY + 5 * MINUTE, 1),
        ]


def test_nothing_is_written_when_nothing_changes() -> None:
    for forget in (0.0, 1.0):
        made = run([page("a", START)], forget=forget)
        loose = Event(SITE, f"{1:016x}", "p", "engagement", START - 1, START)
        assert made.count([entry(1, loose), entry(2, page("a", START))], 9).rows == []


def test_a_visitor_on_whom_the_rule_throws_is_dead_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made = run([page("a", START)])
    judge_ = memory.Memory.judge

    def broken(self: memory.Memory, event: Event) -> str:
        if event.id == "bad":
            raise RecursionError("deep")
        return judge_(self, event)

    monkeypatch.setattr(memory.Memory, "judge", broken)
    entries = [
        Entry(1, 0, page("b", START + 1)),
        Entry(1, 1, page("bad", START + 2)),
        Entry(2, 0, page("c", START + 3, visitor=2)),
    ]
    folded = made.count(entries, 9)
    assert folded.errors == {f"{SITE}-{1:016x}": "RecursionError: deep"}
    assert folded.reasons == [(1, 0, "dead"), (1, 1, "dead")]
    assert [row.visitor for row in folded.rows] == [f"{2:016x}"]
    assert list(folded.states) == [f"{SITE}-{2:016x}"]


def test_settings_that_cannot_be_had_are_no_fault_of_the_visitor() -> None:
    def away(_: str, __: int) -> SiteSettings:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        fold.fold(Known({}, {}, 0), 0, visits([Entry(1, 0, page("a", START))]), 1, away)


def test_what_was_not_asked_for_is_no_fault_of_the_visitor() -> None:
    with pytest.raises(fold.Uncovered):
        fold.fold(Known({}, {}, START + DAY), 0, visits([Entry(1, 0, page("a", START))]), 1, lookup)


def test_what_admission_filtered_moves_only_the_clock() -> None:
    folded = fold.fold(Known({}, {}, 0), 5, visits([Entry(1, 0, Filtered(SITE, "bot", 9))]), 1, lookup)
    assert (folded.states, folded.rows, folded.reasons, folded.clock) == ({}, [], [], 9)


def test_a_state_is_what_a_batch_left_whatever_it_is_made_of() -> None:
    [state] = run([page("a", START)]).states.values()
    assert state == State(SITE, f"{1:016x}", state.hash, START, 1, FOREVER, state.text, state.items, state.copies)


settings.register_profile("workers", deadline=None)
settings.load_profile("workers")
