"""fold: the states of a partition and the lines of a batch → the states after it, and what it writes. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ingest.contract.event import Event, Filtered
from ingest.contract.site import SiteSettings
from ingest.log.partition import hash31
from rollups.rows import SessionRow
from workers.bucket import Thresholds, thresholds
from workers.rows import Limits
from workers.visitor import Past, Span, State, Unclosed, Window, missing, remembered, settle, windows

DEAD = "dead"  # a reason of ours, beside those of the ledger: the rule threw on this visitor

Settings = Callable[[str, int], SiteSettings]  # (site, revision) → settings; revisions never change


class Uncovered(Exception):
    """An event about whose time nothing is known: `unknown` must be asked before a fold."""


class Entry(NamedTuple):
    """One readable line of the log: line `place` of the record at `offset`."""

    offset: int
    place: int
    line: Event | Filtered


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


def touched(entries: Iterable[Entry]) -> dict[str, list[Event]]:
    """The events of the lines by their visitors."""
    found: dict[str, list[Event]] = {}
    for _, _, line in entries:
        if isinstance(line, Event):
            found.setdefault(f"{line.site}-{line.visitor}", []).append(line)
    return found


def unknown(
    states: Mapping[str, State], horizon: int, events: Mapping[str, Sequence[Event]], margins: Mapping[str, int]
) -> dict[str, list[Span]]:
    """What must be read back before a fold, by visitor; `margins`: of those whom an earlier fold could not close."""
    wanted = {}
    for name, own in events.items():
        spans = missing(states.get(name), horizon, {event.time for event in own}, margins.get(name, 1))
        if spans:
            wanted[name] = spans
    return wanted


def fold(known: Known, clock: int, entries: Sequence[Entry], version: int, lookup: Settings) -> Folded:
    """Judge the lines in log order and settle their visitors' sessions.

    `version` goes on every row that is written. Raises Unclosed for a visitor of whom more must be known, and what
    `lookup` raises, but nothing for what a visitor's events do to the rule: its lines are `dead` then, its state stays.
    """
    limits = _Thresholds(lookup)
    after: dict[str, State] = {}
    reasons: list[Misjudged] = []
    rows: list[SessionRow] = []
    errors: dict[str, str] = {}
    newest = clock
    by_visitor: dict[str, list[tuple[int, int, Event]]] = {}
    for offset, place, line in entries:
        if line.received > newest:
            newest = line.received
        if isinstance(line, Event):
            by_visitor.setdefault(f"{line.site}-{line.visitor}", []).append((offset, place, line))
    for name, own in by_visitor.items():
        try:
            state, judged, written = _visit(known, name, own, version, limits)
        except (Unclosed, Uncovered):
            raise
        except Exception as error:
            if limits.failed:
                raise  # the settings could not be had: that is no fault of the visitor's
            errors[name] = f"{type(error).__name__}: {error}"
            reasons += [Misjudged(offset, place, DEAD) for offset, place, _ in own]
            continue
        if state is not None:
            after[name] = state
        reasons += judged
        rows += written
    reasons.sort()
    return Folded(after, newest, reasons, rows, errors)


def _visit(
    known: Known, name: str, own: list[tuple[int, int, Event]], version: int, limits: "_Thresholds"
) -> tuple[State | None, list[Misjudged], list[SessionRow]]:
    state = known.states.get(name)
    first = own[0][2]
    site, visitor, hash_ = first.site, first.visitor, hash31(first.site, first.visitor)
    held = windows(state, known.pasts.get(name, ()), known.horizon)
    heard = 0 if state is None else state.heard
    reasons: list[Misjudged] = []
    for offset, place, event in own:
        heard = max(heard, event.received, event.time)
        if reason := _covering(held, event.time).memory.judge(event):
            reasons.append(Misjudged(offset, place, reason))
    rows: list[SessionRow] = []
    after: State | None = None
    of_site = limits.of(site)
    for window in held:
        settled = settle(site, visitor, hash_, window, of_site, version, rows)
        if window.memory.items:
            after = remembered(site, visitor, hash_, heard, window, settled)
    return after, reasons, rows


def _covering(held: Sequence[Window], time: int) -> Window:
    for window in reversed(held):
        if window.covers(time):
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
