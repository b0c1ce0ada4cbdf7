"""fold: the states of a partition and the lines of a batch → the states after it, and what it writes. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.contract.event import ERASED, Erase, Event, Logged, Rebuild
from ingest.contract.site import SiteSettings
from ingest.log.partition import hash31
from rollups.rows import SessionRow
from workers.bucket import Thresholds, thresholds
from workers.erased import Erased
from workers.memory import Memory
from workers.names import NO_LIMIT, Names
from workers.rows import Limits
from workers.visitor import (
    BEGINNING,
    FOREVER,
    Past,
    Span,
    State,
    Unclosed,
    Window,
    covers,
    key,
    known_of,
    missing,
    remembered,
    settle,
    windows,
)

NOBODY = Erased()
DEAD = "dead"  # a reason of ours, beside those of the ledger: the rule threw on this visitor

Settings = Callable[[str, int], SiteSettings]  # (site, revision) → settings; revisions never change


class Uncovered(Exception):
    """An event about whose time nothing is known: `unknown` must be asked before a fold."""


class Entry(NamedTuple):
    """One readable line of the log: line `place` of the record at `offset`."""

    offset: int
    place: int
    line: Logged


class Misjudged(NamedTuple):
    """A line that does not count, and why."""

    offset: int
    place: int
    reason: str


class Known(NamedTuple):
    """What a fold knows of the visitors of its lines, by key: their states, what was read back beside them.

    Of who has no state there is no event after `horizon` (ms) but what was read back.
    """

    states: Mapping[str, State]
    pasts: Mapping[str, Sequence[Past]]
    horizon: int


class Folded(NamedTuple):
    """`states`: of the visitors that the batch touched; `clock`: the newest receipt of the partition."""

    states: dict[str, State]
    clock: int
    reasons: list[Misjudged]
    rows: list[SessionRow]
    errors: dict[str, str]  # visitor key → what the rule threw on it
    gone: list[str]  # keys of erased visitors, of whom no state is to stay


@dataclass(slots=True)
class Visit:
    """What the lines of a batch say of one visitor. `revision`: by whose settings all its sessions are judged anew;
    `erase`: the last line that erases it, and its place.

    `first`, `last`: the times of its events, ms; `heard`: the newest receipt or event.
    """

    site: str
    visitor: str
    lines: list[tuple[int, int, Event]] = field(default_factory=list)
    revision: int | None = None
    erase: tuple[int, int, Erase] | None = None
    first: int = FOREVER
    last: int = BEGINNING
    heard: int = 0


class Visits(NamedTuple):
    """The lines of a batch by visitor (key), and the newest receipt of them all."""

    by_visitor: dict[str, Visit]
    received: int


def visits(entries: Iterable[Entry]) -> Visits:
    """Sort the lines by their visitors, each one's in log order."""
    found: dict[str, Visit] = {}
    received = 0
    erasures: set[str] = set()
    for offset, place, line in entries:
        heard = line.received
        if heard > received:
            received = heard
        if isinstance(line, Event):
            name, time = f"{line.site}-{line.visitor}", line.time
            visit = found.get(name)
            if visit is None:
                visit = found[name] = Visit(line.site, line.visitor)
            visit.lines.append((offset, place, line))
            # Comparisons, for each call would cost as much as all of this.
            if time < visit.first:
                visit.first = time
            if time > visit.last:
                visit.last = time
            if time > heard:
                heard = time
            if heard > visit.heard:
                visit.heard = heard
        elif isinstance(line, Rebuild):
            for visitor in line.visitors:
                found.setdefault(key(line.site, visitor), Visit(line.site, visitor)).revision = line.settings
        elif isinstance(line, Erase):
            visit = found.setdefault(key(line.site, line.visitor), Visit(line.site, line.visitor))
            if line.erasure not in erasures:  # who sent it may have died before knowing, and sent it again
                erasures.add(line.erasure)
                visit.erase = (offset, place, line)
    return Visits(found, received)


def heed(visited: Visits, erases: Callable[[str], bool]) -> None:
    """Forget the lines of erasures (by name) that erase nobody."""
    for visit in visited.by_visitor.values():
        if visit.erase is not None and not erases(visit.erase[2].erasure):
            visit.erase = None


def unknown(
    states: Mapping[str, State], horizon: int, visited: Mapping[str, Visit], margins: Mapping[str, int]
) -> dict[str, list[Span]]:
    """What must be read back before a fold, by visitor; `margins`: of those whom an earlier fold could not close."""
    wanted = {}
    for name, visit in visited.items():
        if visit.revision is not None or visit.erase is not None:
            wanted[name] = [Span(BEGINNING, FOREVER)]
            continue
        state, margin = states.get(name), margins.get(name, 1)
        if margin == 1 and covers(known_of(state, horizon), visit.first, visit.last):
            continue  # nearly always
        times = {event.time for _, _, event in visit.lines}
        if spans := missing(state, horizon, times, margin):
            wanted[name] = spans
    return wanted


def fold(
    known: Known,
    clock: int,
    visited: Visits,
    version: int,
    lookup: Settings,
    names: Names = NO_LIMIT,
    erased: Erased = NOBODY,
) -> Folded:
    """Judge the lines in log order and settle their visitors' sessions.

    `version` goes on every row that is written; `names` says which values rows may hold, `erased` who was erased.
    Raises Unclosed for a visitor of whom more must be known, and what `lookup` raises, but nothing for what a visitor's
    events do to the rule: its lines are `dead` then, its state stays.
    """
    limits = _Thresholds(lookup)
    after: dict[str, State] = {}
    reasons: list[Misjudged] = []
    rows: list[SessionRow] = []
    errors: dict[str, str] = {}
    gone: list[str] = []
    for name, visit in visited.by_visitor.items():
        until = erased.until(visit.site, visit.visitor)
        try:
            state, judged, written = _visit(known, name, visit, version, limits, names, until)
        except (Unclosed, Uncovered):
            raise
        except Exception as error:
            if limits.failed:
                raise  # the settings could not be had: that is no fault of the visitor's
            errors[name] = f"{type(error).__name__}: {error}"
            reasons += [Misjudged(offset, place, DEAD) for offset, place, _ in visit.lines]
            continue
        if state is not None:
            after[name] = state
        elif visit.erase is not None:
            gone.append(name)
        reasons += judged
        rows += written
    reasons.sort()
    return Folded(after, max(clock, visited.received), reasons, rows, errors, gone)


def _visit(
    known: Known, name: str, visit: Visit, version: int, limits: "_Thresholds", names: Names, until: int
) -> tuple[State | None, list[Misjudged], list[SessionRow]]:
    state = known.states.get(name)
    site, visitor, hash_ = visit.site, visit.visitor, hash31(visit.site, visit.visitor)
    held = windows(state, known.pasts.get(name, ()), known.horizon)
    reasons: list[Misjudged] = []
    only = held[0] if len(held) == 1 and covers(held[0].known, visit.first, visit.last) else None
    lines = visit.lines
    if until > BEGINNING or visit.erase is not None:
        lines = _not_erased(visit, until, held, reasons)
    for offset, place, event in lines:
        if reason := (only or _covering(held, event.time)).memory.judge(event):
            reasons.append(Misjudged(offset, place, reason))
    rows: list[SessionRow] = []
    after: State | None = None
    heard = max(visit.heard, 0 if state is None else state.heard)
    of_site = limits.of(site)
    for window in held:
        settled = settle(site, visitor, hash_, window, of_site, version, rows, visit.revision, names)
        if window.memory.items:
            after = remembered(site, visitor, hash_, heard, window, settled)
    return after, reasons, rows


def _not_erased(
    visit: Visit, until: int, held: Sequence[Window], reasons: list[Misjudged]
) -> list[tuple[int, int, Event]]:
    """The lines that came and happened after the visitor's erasure; the others are added to `reasons`."""
    before = (-1, -1)
    if visit.erase is not None:
        before, until = visit.erase[:2], max(until, visit.erase[2].received)
        for window in held:
            window.memory = Memory([], 0)  # what was written of its sessions is retracted, as of any that are no more
    lines = []
    for line in visit.lines:
        if line[:2] < before or min(line[2].time, line[2].received) <= until:
            reasons.append(Misjudged(*line[:2], ERASED))
        else:
            lines.append(line)
    return lines


def _covering(held: Sequence[Window], time: int) -> Window:
    for window in reversed(held):
        if covers(window.known, time, time):
            return window
    raise Uncovered(f"nothing is known of the time around {time}")


class _Thresholds:
    """Thresholds by site and revision, each made once a batch."""

    def __init__(self, lookup: Settings) -> None:
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
