"""fold: the states of a partition and the lines of a batch → the states after it, and what it writes. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ingest.contract.event import ENGAGEMENT, Event, Filtered
from ingest.contract.site import SiteSettings
from ingest.log.partition import hash31
from rollups.rows import SessionRow
from workers.bucket import Thresholds, thresholds
from workers.memory import FORGET, KEEP, MINUTE, Item, Memory, cut, text
from workers.rows import Limits, session_id, session_row

DEAD = "dead"  # a reason of ours, beside those of the ledger: the rule threw on this visitor
SLACK = 10 * MINUTE  # how far receipts in the log may be out of order

Lookup = Callable[[str, int], SiteSettings]  # (site, revision) → settings; revisions never change


class Entry(NamedTuple):
    """One readable line of the log: line `place` of the record at `offset`."""

    offset: int
    place: int
    line: Event | Filtered


class Copy(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A session row exactly as it lies in ClickHouse, with the ids of the session's first and last event.

    `size`: of how many items it was made, -1 if not of those in the memory. A session loses items at its end only, to
    one that begins there; so the same ends and size mean the same items, and the row stays: also one that a rebuild
    wrote with other settings.
    """

    first: str
    last: str
    size: int
    row: SessionRow


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A visitor between batches: the items of its memory in order, the written copies of its live sessions in order."""

    site: str
    visitor: str
    hash: int
    received: int  # the newest receipt of any kind
    text: int
    items: list[Item]
    copies: list[Copy]

    @property
    def key(self) -> str:
        return key(self.site, self.visitor)


class Misjudged(NamedTuple):
    """A line that does not count, and why."""

    offset: int
    place: int
    reason: str


class Folded(NamedTuple):
    """`states`: of the visitors that the batch touched; `clock`: the newest receipt of the partition."""

    states: dict[str, State]
    clock: int
    reasons: list[Misjudged]
    rows: list[SessionRow]
    errors: dict[str, str]  # visitor key → what the rule threw on it


def key(site: str, visitor: str) -> str:
    """A visitor's name within its partition."""
    return f"{site}-{visitor}"


def keys(entries: Iterable[Entry]) -> set[str]:
    """The visitors of the lines."""
    return {key(line.site, line.visitor) for _, _, line in entries if isinstance(line, Event)}


def alive(state: State | None, clock: int) -> State | None:
    """The state, unless the partition's clock has passed its memory: then it is as if it had been deleted already."""
    return None if state is None or state.received < clock - FORGET - SLACK else state


def fold(states: Mapping[str, State], clock: int, entries: Sequence[Entry], version: int, lookup: Lookup) -> Folded:
    """Judge the lines in log order and settle their visitors' sessions.

    `states`: of the touched visitors at least; `version` goes on every row that is written. Raises what `lookup`
    raises, but nothing for what a visitor's events do to the rule: its lines are `dead` then, its state stays.
    """
    limits = _Limits(lookup)
    after: dict[str, State] = {}
    reasons: list[Misjudged] = []
    rows: list[SessionRow] = []
    errors: dict[str, str] = {}
    newest = clock
    by_visitor: dict[str, list[tuple[int, int, Event]]] = {}
    for offset, place, line in entries:
        if isinstance(line, Event):
            by_visitor.setdefault(f"{line.site}-{line.visitor}", []).append((offset, place, line))
        elif line.received > newest:
            newest = line.received
    for name, own in by_visitor.items():
        before = alive(states.get(name), clock)
        try:
            state, judged, written = _visit(before, own, version, limits)
        except Exception as error:
            if limits.failed:
                raise  # the settings could not be had: that is no fault of the visitor's
            errors[name] = f"{type(error).__name__}: {error}"
            reasons += [Misjudged(offset, place, DEAD) for offset, place, _ in own]
            continue
        after[name] = state
        reasons += judged
        rows += written
        if state.received > newest:
            newest = state.received
    reasons.sort()
    return Folded(after, newest, reasons, rows, errors)


def apply(
    states: Mapping[str, State],
    clock: int,
    entries: Sequence[Entry],
    reasons: Iterable[Misjudged],
    rows: Iterable[SessionRow],
) -> tuple[dict[str, State], int]:
    """The states after a batch that was decided before: its judgements and rows are taken as they are.

    Applying it to states that already show some of its rows gives the same.
    """
    judged = {(offset, place): reason for offset, place, reason in reasons}
    changed: dict[str, list[SessionRow]] = {}
    for row in rows:
        changed.setdefault(key(row.site, row.visitor), []).append(row)
    after: dict[str, State] = {}
    newest = clock
    memories: dict[str, tuple[Memory, State]] = {}
    for offset, place, line in entries:
        reason = judged.get((offset, place), "")
        if reason == DEAD:
            continue
        newest = max(newest, line.received)
        if not isinstance(line, Event):
            continue
        name = key(line.site, line.visitor)
        if name not in memories:
            before = alive(states.get(name), clock) or _empty(line)
            memories[name] = Memory(list(before.items), before.received, before.text), before
        memory, _ = memories[name]
        memory.hear(line.received)
        if not reason:
            memory.insert(line)
    for name, (memory, before) in memories.items():
        written = [copy.row for copy in before.copies]
        for row in changed.get(name, ()):
            if row.sign > 0:
                written.append(row)
            else:
                written = [old for old in written if (old.session, old.version) != (row.session, row.version)]
        gone = {(item.id, item.time) for group in memory.gone for item in group}
        written.reverse()  # where two begin alike, the later one
        after[name] = state(before.site, before.visitor, before.hash, memory, written, gone)
    return after, newest


def state(
    site: str,
    visitor: str,
    hash_: int,
    memory: Memory,
    rows: Iterable[SessionRow],
    forgotten: Collection[tuple[str, int]] = (),
) -> State:
    """The state of a memory whose rows were written elsewhere: of `rows`, those of sessions that still live in it.

    A row belongs to the memory that its first event belongs to. `forgotten`: (id, time) of events of an earlier memory;
    what came again of these has a row of this memory only if a session begins with it.
    """
    items = memory.items
    horizon = items[-1].time - KEEP if items else 0
    spans = {items[begin].id: items[begin:end] for begin, end in cut(items)}
    firsts = {
        (session_id(site, visitor, item.id), item.time): item.id
        for item in items
        if item.type != ENGAGEMENT and (item.id in spans or (item.id, item.time) not in forgotten)
    }
    copies: dict[str, Copy] = {}
    for row in rows:
        first = firsts.get((row.session, row.start))
        if first is None or row.end < horizon:
            continue
        span = spans.get(first, [])
        same = span and (row.end, row.events) == (span[-1].time, sum(item.type != ENGAGEMENT for item in span))
        # Of two rows that begin alike, one is of an earlier memory.
        if same or first not in copies:
            copies[first] = Copy(first, span[-1].id, len(span), row) if same else Copy(first, "", -1, row)
    return State(site, visitor, hash_, memory.received, memory.text, items, sorted(copies.values(), key=_order))


def memory(items: list[Item], received: int) -> Memory:
    """A memory of counted items in order, however far back they reach, trimmed as the fold would have."""
    made = Memory(items, received, sum(map(text, items)))
    made.trim()
    made.gone.clear()
    return made


def _visit(
    before: State | None, own: list[tuple[int, int, Event]], version: int, limits: "_Limits"
) -> tuple[State, list[Misjudged], list[SessionRow]]:
    if before is None:
        before = _empty(own[0][2])
    memory = Memory(list(before.items), before.received, before.text)
    judge = memory.judge
    reasons: list[Misjudged] = []
    for offset, place, event in own:
        reason = judge(event)
        if reason:
            reasons.append(Misjudged(offset, place, reason))
    copies = {copy.first: copy for copy in before.copies}
    rows: list[SessionRow] = []
    of_site = limits.of(before.site)
    for gone in memory.gone:
        _settle(before, gone, copies, version, of_site, rows)
        rows += [copies.pop(item.id).row._replace(sign=-1) for item in gone if item.id in copies]
    kept = _settle(before, memory.items, copies, version, of_site, rows)
    rows += [copy.row._replace(sign=-1) for copy in copies.values()]
    after = State(before.site, before.visitor, before.hash, memory.received, memory.text, memory.items, kept)
    return after, reasons, rows


def _settle(
    visitor: State, items: list[Item], copies: dict[str, Copy], version: int, limits: Limits, rows: list[SessionRow]
) -> list[Copy]:
    """Add to `rows` how the sessions of the items differ from their written copies, which are taken out of `copies`.

    Returns the copies as they are afterwards.
    """
    kept: list[Copy] = []
    for begin, end in cut(items):
        first = items[begin].id
        old = copies.pop(first, None)
        last = items[end - 1].id
        if old is not None and old.size == end - begin and old.last == last:
            kept.append(old)
            continue
        known = None if old is None else old.row.session
        row = session_row(visitor.site, visitor.visitor, visitor.hash, items[begin:end], limits, version, known)
        if old is None:
            rows.append(row)
        elif row[:-1] == old.row[:-1]:
            row = old.row
        else:
            rows += (old.row._replace(sign=-1), row)
        kept.append(Copy(first, last, end - begin, row))
    return kept


def _order(copy: Copy) -> tuple[int, int, str]:
    return (copy.row.start, copy.row.end, copy.first)


def _empty(event: Event) -> State:
    return State(event.site, event.visitor, hash31(event.site, event.visitor), event.received, 0, [], [])


class _Limits:
    """Thresholds by site and revision, each made once a batch."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._made: dict[tuple[str, int], Thresholds] = {}
        self.failed = False

    def of(self, site: str) -> Limits:
        return lambda revision: self._of(site, revision)

    def _of(self, site: str, revision: int) -> Thresholds:
        made = self._made.get((site, revision))
        if made is None:
            self.failed = True
            settings = self._lookup(site, revision)
            self.failed = False
            made = self._made[site, revision] = thresholds(settings)
        return made
