"""A visitor between batches (its state) and within one (windows of its history, of which the state is the last).

A window knows every counted event of its visitor within a stretch of time, and whole sessions only. An event is judged
in a window that reaches KEEP to both sides of it; where none does, what is missing is read back from ClickHouse first.
So a state is a cache: with it or without, an event comes to the same, whatever its distance from the others.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ingest.contract.event import ENGAGEMENT
from rollups.rows import SessionRow
from workers.grown import grown
from workers.memory import DAY, GAP, KEEP, Item, Memory, cut, total
from workers.names import NO_LIMIT, Names
from workers.rows import Limits, session_row

BEGINNING, FOREVER = -(2**62), 2**62  # ms
REACH = KEEP + GAP  # how far behind its newest event a state reaches: what comes half an hour late needs no question
AHEAD = DAY  # how much further than needed is read, so that history that arrives in order is not asked for each event


class Copy(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session row exactly as it lies in ClickHouse, with the id of the session's last event.

    `size`: of how many items it was made, -1 if not of those in the window. A session loses items at its end only, to
    one that begins there; so the same ends and size mean the same items, and the row stays: also one that a rebuild
    wrote with other settings.
    """

    last: str
    size: int
    row: SessionRow


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A visitor between batches: its last window, items in order, copies in the order of their sessions.

    `heard`: its newest receipt or event, whichever is later; `since`, `until`: what the window knows, both inclusive.
    """

    site: str
    visitor: str
    hash: int
    heard: int
    since: int
    until: int
    text: int
    items: list[Item]
    copies: list[Copy]

    @property
    def key(self) -> str:
        return key(self.site, self.visitor)


def unread(site: str, visitor: str, hash_: int, heard: int) -> State:
    """The state of somebody of whom ClickHouse knows more than any state: all is to be read back."""
    return State(site, visitor, hash_, heard, FOREVER, BEGINNING, 0, [], [])


class Span(NamedTuple):
    """A stretch of time, ms, both ends inclusive."""

    begin: int
    end: int

    def meets(self, other: "Span") -> bool:
        return self.begin <= other.end and other.begin <= self.end

    def joined(self, other: "Span") -> "Span":
        return Span(min(self.begin, other.begin), max(self.end, other.end))


class Past(NamedTuple):
    """What was read back of a visitor: everything within `span`, which no session reaches over."""

    span: Span
    items: list[Item]
    rows: list[SessionRow]


class Unclosed(Exception):
    """What changed in a window may reach beyond it: read more of these visitors (by key)."""


def key(site: str, visitor: str) -> str:
    """A visitor's name within its partition."""
    return f"{site}-{visitor}"


def known_of(state: State | None, horizon: int) -> Span:
    """What is known of a visitor by its state: without one there is nothing after `horizon`."""
    return Span(horizon + 1, FOREVER) if state is None else Span(state.since, state.until)


def covers(known: Span, first: int, last: int) -> bool:
    """Whether all is known that may matter to events from `first` to `last`."""
    return known.begin <= first - KEEP and last + KEEP <= known.end


def missing(state: State | None, horizon: int, times: Iterable[int], margin: int = 1) -> list[Span]:
    """What must be read back before events at `times` can be judged; nothing where all around them is known.

    Where no state reaches, there is nothing after `horizon`. `margin`: how many times KEEP to read on after each event.
    """
    known = known_of(state, horizon)
    spans: list[Span] = []
    for time in sorted(times):
        if margin == 1 and covers(known, time, time):
            continue
        span = Span(time - KEEP, time + KEEP * margin + AHEAD)
        if spans and span.meets(spans[-1]):
            span = span.joined(spans.pop())
        spans.append(span)
    if state is not None and (touching := [span for span in spans if span.meets(known)]):
        # ClickHouse has the state's events too: one window of all.
        whole = touching[0].joined(touching[-1]).joined(known)
        spans = [*(span for span in spans if span not in touching), whole]
    reach = horizon if state is None else max(horizon, state.until)
    return [span._replace(end=FOREVER) if span.end >= reach else span for span in spans]


class Window:
    """A stretch of a visitor's history while a batch is folded."""

    __slots__ = ("copies", "known", "memory")

    def __init__(self, known: Span, memory: Memory, copies: dict[int, Copy]) -> None:
        self.known = known
        self.memory = memory
        self.copies = copies  # by the session's start, which is one session's alone

    @classmethod
    def of_past(cls, past: Past) -> "Window":
        items = sorted(past.items)
        rows = {row.start: row for row in past.rows}
        copies = {start: Copy("", -1, row) for start, row in rows.items()}
        for begin, end in cut(items):
            first, last = items[begin], items[end - 1]
            row = rows.get(first.time)
            interactive = sum(item.type != ENGAGEMENT for item in items[begin:end])
            if row is not None and (row.end, row.events) == (last.time, interactive):
                copies[first.time] = Copy(last.id, end - begin, row)
        return cls(past.span, Memory(items, total(items)), copies)

    @classmethod
    def of_state(cls, state: State) -> "Window":
        copies = {copy.row.start: copy for copy in state.copies}
        return cls(Span(state.since, state.until), Memory(list(state.items), state.text), copies)

    @classmethod
    def empty(cls, horizon: int) -> "Window":
        return cls(Span(horizon + 1, FOREVER), Memory([], 0), {})


def windows(state: State | None, pasts: Sequence[Past], horizon: int) -> list[Window]:
    """What is known of a visitor, oldest first: what was read back, and the state unless that includes it."""
    found = [Window.of_past(past) for past in pasts]
    if state is not None:
        own = Span(state.since, state.until)
        if not any(past.span.meets(own) for past in pasts):
            found.append(Window.of_state(state))
    elif not any(past.span.end == FOREVER for past in pasts):
        found.append(Window.empty(horizon))
    return sorted(found, key=lambda window: window.known)


class Settled(NamedTuple):
    """A window after a batch: its sessions, and their rows as they lie in ClickHouse afterwards."""

    spans: list[tuple[int, int]]
    copies: list[Copy]


def settle(
    site: str,
    visitor: str,
    hash_: int,
    window: Window,
    limits: Limits,
    version: int,
    rows: list[SessionRow],
    revision: int | None = None,
    names: Names = NO_LIMIT,
) -> Settled:
    """Add to `rows` how the window's sessions differ from their written copies. Raises Unclosed.

    With a settings `revision` all of them are judged by it; it stands in the row only if its bucket is another one.
    """
    items, left = window.memory.items, window.copies
    kept: list[Copy] = []
    spans = cut(items)
    changed = False  # whether the last session is another than before
    for begin, end in spans:
        first, last = items[begin], items[end - 1]
        old = left.pop(first.time, None)
        same = old is not None and (old.size, old.last, old.row.end) == (end - begin, last.id, last.time)
        if old is not None and same and revision is None:
            kept.append(old)
            changed = False
            continue
        row = None if old is None or revision is not None else _grown(old, items[begin:end], limits, version, names)
        row = row or session_row(site, visitor, hash_, items[begin:end], limits, version, None, names)
        if revision is not None:
            anew = session_row(site, visitor, hash_, items[begin:end], limits, version, revision, names)
            row = anew if anew.bucket != row.bucket else row
        changed = old is None or row.end != old.row.end
        if old is None:
            rows.append(row)
        elif row._replace(version=old.row.version) == old.row:
            row = old.row
        else:
            rows += (old.row._replace(sign=-1), row)
        kept.append(Copy(last.id, end - begin, row))
    rows += [copy.row._replace(sign=-1) for copy in left.values()]
    # What another end could join, or no longer keeps out, may lie just beyond the window.
    if changed and items[-1].time + GAP > window.known.end:
        raise Unclosed(key(site, visitor))
    return Settled(spans, kept)


def _grown(old: Copy, items: Sequence[Item], limits: Limits, version: int, names: Names) -> SessionRow | None:
    """The row if the session's items are those of its copy and then others; None if they are not."""
    if not 0 < old.size < len(items):
        return None
    last = items[old.size - 1]  # another one if anything came before it
    if (last.id, last.time) != (old.last, old.row.end):
        return None
    return grown(old.row, items[: old.size], items[old.size :], limits, version, names)


def remembered(site: str, visitor: str, hash_: int, heard: int, window: Window, settled: Settled) -> State:
    """The state after a batch: of the last window, the sessions and loose events that reach its newest REACH."""
    items, known = window.memory.items, window.known
    horizon = items[-1].time - REACH
    dead, gone = 0, 0  # events and sessions that go
    kept = len(items)
    for begin, end in settled.spans:
        if items[end - 1].time >= horizon:
            kept = begin
            break
        dead, gone = end, gone + 1
    while dead < kept and items[dead].time < horizon:
        dead += 1
    since = max(known.begin, min(horizon, items[dead].time)) if dead else known.begin
    held = items[dead:]
    size = window.memory.text - total(items[:dead])
    return State(site, visitor, hash_, heard, since, known.end, size, held, settled.copies[gone:])
