"""Laws of the fold, on any stream: against a naive memory, the batch model, and itself in other batches."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contract.event import Event, Filtered
from ingest.contract.site import SiteSettings
from rollups.rows import SessionRow
from tests.oracle.sessions import judge
from tests.workers.streams import SITE, START, fact, live, streams
from workers import blob, fold, memory
from workers.fold import Entry, Misjudged, State
from workers.memory import DAY, FORGET, KEEP, MINUTE, Item, cut


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


Run = tuple[dict[str, State], list[Misjudged], list[SessionRow]]


def run(events: Sequence[Event], cuts: Sequence[int] = ()) -> Run:
    """The stream in the batches between these places."""
    states: dict[str, State] = {}
    clock = 0
    reasons: list[Misjudged] = []
    rows: list[SessionRow] = []
    entries = [Entry(n, 0, each) for n, each in enumerate(events)]
    for begin, end in pairwise([0, *sorted(cuts), len(events)]):
        folded = fold.fold(states, clock, entries[begin:end], begin + 1, lookup)
        assert not folded.errors
        states |= folded.states
        clock = folded.clock
        reasons += folded.reasons
        rows += folded.rows
    return states, reasons, rows


def unversioned(states: dict[str, State]) -> object:
    return {
        name: (state.received, state.text, state.items, [(copy.first, copy.row[:-1]) for copy in state.copies])
        for name, state in states.items()
    }


def batches(most: int = 40) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, most), max_size=8)


class Naive:
    """The memory by the letter: everything is worked out again after every event."""

    def __init__(self, flood: int) -> None:
        self.items: list[Item] = []
        self.received = 0
        self.flood = flood

    def judge(self, event: Event) -> str:
        if event.received - self.received > FORGET:
            self.items = []
        self.received = max(self.received, event.received)
        times = [item.time for item in self.items]
        newest = max(times, default=event.time)
        if event.id in [item.id for item in self.items]:
            return "duplicate"
        if event.time < newest - DAY:
            return "late"
        if sum(time >= max(newest, event.time) - DAY for time in times) >= self.flood:
            return "flood"
        self.items = sorted([*self.items, Item.of(event)])
        horizon = self.items[-1].time - KEEP
        dead: set[str] = set()
        inside: set[str] = set()
        for begin, end in cut(self.items):
            ids = {item.id for item in self.items[begin:end]}
            inside |= ids
            if self.items[end - 1].time < horizon:
                dead |= ids
        dead |= {item.id for item in self.items if item.id not in inside and item.time < horizon}
        self.items = [item for item in self.items if item.id not in dead]
        return ""


@given(streams(visitors=1))
def test_the_memory_equals_a_naive_one_after_every_event(events: list[Event]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "FLOOD", 8)
        quick, naive = memory.Memory([], events[0].received, 0), Naive(8)
        for event in events:
            assert quick.judge(event) == naive.judge(event)
            assert quick.items == naive.items
            assert quick.text == sum(map(memory.text, naive.items))


@given(streams())
def test_the_rows_add_up_to_the_sessions_of_the_batch_model(events: list[Event]) -> None:
    _, reasons, rows = run(events, range(0, len(events), 3))
    filtered = {each.offset: each.reason for each in reasons}
    written = live(rows)
    expected = []
    for visitor in sorted({event.visitor for event in events}):
        own = [(n, event) for n, event in enumerate(events) if event.visitor == visitor]
        judged = judge([fact(event) for _, event in own])
        assert sorted(reason for _, reason in judged.filtered) == sorted(filtered[n] for n, _ in own if n in filtered)
        for session in judged.sessions:
            pages = tuple(view.fact.page for view in session.views)
            depths = tuple(-1 if view.depth is None else int(view.depth * 100) for view in session.views)
            engaged = tuple(view.engaged_ms for view in session.views)
            expected.append((visitor, session.start, session.end, session.first_touch.source, pages, depths, engaged))
    fields = ("visitor", "start", "end", "source", "pv_page", "pv_depth", "pv_engaged_ms")
    places = [SessionRow._fields.index(name) for name in fields]
    assert sorted(tuple(row[place] for place in places) for row in written) == sorted(expected)


@given(streams(), batches())
def test_batching_does_not_matter(events: list[Event], cuts: list[int]) -> None:
    cuts = [each for each in cuts if each <= len(events)]
    whole, pieces = run(events), run(events, cuts)
    assert unversioned(whole[0]) == unversioned(pieces[0])
    assert whole[1] == pieces[1]
    assert live(whole[2]) == live(pieces[2])


@given(st.data())
def test_order_of_arrival_does_not_matter_within_a_day(data: st.DataObject) -> None:
    drawn = data.draw(streams(visitors=1, silence=False))
    first = min(event.time for event in drawn)
    events = list({event.id: event for event in drawn if event.time <= first + DAY}.values())
    shuffled = data.draw(st.permutations(events))
    in_order = sorted(events, key=lambda event: (event.time, event.seq, event.id))
    once, again = run(in_order, data.draw(batches(0))), run(shuffled, [n for n in (1, 3, 7) if n < len(events)])
    assert once[1] == again[1] == []
    assert live(once[2]) == live(again[2])
    assert unversioned(once[0]) == unversioned(again[0])


@given(streams(), batches())
def test_the_written_copies_are_what_the_sum_of_rows_leaves_alive(events: list[Event], cuts: list[int]) -> None:
    states, _, rows = run(events, [each for each in cuts if each <= len(events)])
    left = [row._replace(sign=1) for row in rows if row.sign > 0]
    for row in rows:
        if row.sign < 0:
            left.remove(row._replace(sign=1))
    assert {copy.row for state in states.values() for copy in state.copies} <= set(left)


@given(streams(), st.integers(0, 40))
def test_applying_a_decided_batch_gives_the_states_of_folding_it_also_twice(events: list[Event], middle: int) -> None:
    middle = min(middle, len(events))
    states, _, _ = run(events[:middle], [2] if middle > 2 else [])
    entries = [Entry(n, 0, event) for n, event in enumerate(events) if n >= middle]
    folded = fold.fold(states, 0, entries, 99, lookup)
    decision = blob.decode(blob.encode(blob.blob(folded.reasons, [], folded.rows, folded.clock)))
    applied, clock = fold.apply(states, 0, entries, decision.reasons, decision.rows)
    assert clock == folded.clock
    assert applied == folded.states
    # A rebuild may have met rows of the batch already.
    mixed = {
        name: msgspec.structs.replace(state, copies=folded.states[name].copies)
        for name, state in states.items()
        if name in folded.states
    }
    again, _ = fold.apply(mixed, 0, entries, decision.reasons, decision.rows)
    assert again == folded.states


def page(id_: str, time: int, received: int | None = None, visitor: int = 1) -> Event:
    return Event(SITE, f"{visitor:016x}", id_, "pageview", time, received or time)


def test_a_session_trimmed_in_the_batch_that_changed_it_is_written_as_it_ended() -> None:
    states, _, rows = run([page("a", START)])
    folded = fold.fold(
        states,
        0,
        [Entry(1, 0, page("b", START + MINUTE)), Entry(2, 0, page("c", START + 5 * DAY, START + MINUTE))],
        9,
        lookup,
    )
    [first] = rows
    assert [(row.sign, row.start, row.end) for row in folded.rows] == [
        (-1, START, START),
        (1, START, START + MINUTE),
        (1, START + 5 * DAY, START + 5 * DAY),
    ]
    assert folded.rows[0] == first._replace(sign=-1)
    assert [copy.first for copy in folded.states[f"{SITE}-{1:016x}"].copies] == ["c"]


def test_a_session_that_loses_its_end_and_grows_by_as_much_is_written_again() -> None:
    chain = [page(f"a{n}", START + n * 30 * MINUTE) for n in range(49)]  # 24 h, to its last reach
    tail = Event(SITE, f"{1:016x}", "p", "engagement", START + DAY + 5 * MINUTE, START + DAY + 5 * MINUTE)
    late = [page("opener", START + DAY + 2 * MINUTE), page("middle", START + DAY - MINUTE)]
    _, _, rows = run([*chain, tail, *late], [50])
    left = Counter[SessionRow]()
    for row in rows:
        left[row._replace(sign=1)] += row.sign
    assert [(row.start, row.end, row.pageviews) for row, sign in left.items() if sign] == [
        (START, START + DAY, 50),
        (START + DAY + 2 * MINUTE, START + DAY + 5 * MINUTE, 1),
    ]


def test_a_session_that_lost_its_end_is_trimmed_by_the_end_it_has() -> None:
    chain = [page(f"a{n}", START + n * 30 * MINUTE, START) for n in range(49)]
    tail = Event(SITE, f"{1:016x}", "p", "engagement", START + DAY + 20 * MINUTE, START)
    opener = page("opener", START + DAY + 10 * MINUTE, START)
    later = page("later", START + KEEP + 1, START)  # after which the first end that matters is the tail's
    far = page("far", START + DAY + KEEP + 1, START)
    states, _, _ = run([*chain, tail, later, opener, far])
    [state] = states.values()
    assert [item.id for item in state.items] == ["opener", "p", "later", "far"]


def test_nothing_is_written_when_nothing_changes() -> None:
    states, _, _ = run([page("a", START)])
    loose = Event(SITE, f"{1:016x}", "p", "engagement", START - 1, START)
    assert fold.fold(states, 0, [Entry(1, 0, loose), Entry(2, 0, page("a", START))], 9, lookup).rows == []


def test_a_visitor_on_whom_the_rule_throws_is_dead_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    states, _, _ = run([page("a", START)])
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
    folded = fold.fold(states, 0, entries, 9, lookup)
    assert folded.errors == {f"{SITE}-{1:016x}": "RecursionError: deep"}
    assert folded.reasons == [(1, 0, "dead"), (1, 1, "dead")]
    assert [row.visitor for row in folded.rows] == [f"{2:016x}"]
    assert list(folded.states) == [f"{SITE}-{2:016x}"]


def test_settings_that_cannot_be_had_are_no_fault_of_the_visitor() -> None:
    def away(_: str, __: int) -> SiteSettings:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError):
        fold.fold({}, 0, [Entry(1, 0, page("a", START))], 1, away)


def test_what_admission_filtered_moves_only_the_clock() -> None:
    folded = fold.fold({}, 5, [Entry(1, 0, Filtered(SITE, "bot", 9))], 1, lookup)
    assert (folded.states, folded.rows, folded.reasons, folded.clock) == ({}, [], [], 9)


def test_a_state_behind_the_partitions_clock_is_as_good_as_deleted() -> None:
    states, _, _ = run([page("a", START)])
    again = Entry(1, 0, page("a", START))
    ten = 10 * MINUTE
    assert fold.fold(states, START + FORGET + ten, [again], 9, lookup).reasons == [(1, 0, "duplicate")]
    assert fold.fold(states, START + FORGET + ten + 1, [again], 9, lookup).reasons == []


settings.register_profile("workers", deadline=None)
settings.load_profile("workers")
