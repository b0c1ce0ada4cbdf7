"""A fold with all that must be known of its visitors: what no state remembers is read back first."""

from collections.abc import Callable, Container, Mapping, Sequence

from ingest.contract.event import ENGAGEMENT, UNTOUCHED, Touch
from rollups.past import Asked, Found, PastEvent
from workers.erased import Erased
from workers.fold import NOBODY, Folded, Known, Settings, Visits, fold, unknown
from workers.memory import Item
from workers.names import NO_LIMIT, Names
from workers.visitor import Past, Span, State, Unclosed, key

ReadBack = Callable[[Sequence[Asked]], Sequence[Found]]  # spans of visitors → what is counted of them


def fold_back(
    states: Mapping[str, State],
    horizon: int,
    clock: int,
    visited: Visits,
    version: int,
    lookup: Settings,
    read_back: ReadBack,
    names: Names = NO_LIMIT,
    erased: Erased = NOBODY,
    old: Container[str] = (),
) -> Folded:
    """See `fold.fold`; `read_back` is asked once for all visitors, and only if there are any to ask for. `old`: sites
    that do not keep all.

    Again, with longer spans, where what changed goes on for over a day without a gap.
    """
    margins: dict[str, int] = {}
    while True:
        asked = [
            Asked(*who, *span, erased.stone(*who), who[0] in old, bool(visit.erases))
            for name, spans in unknown(states, horizon, visited.by_visitor, margins).items()
            for visit in [visited.by_visitor[name]]
            for who in [(visit.site, visit.visitor)]
            for span in spans
        ]
        pasts: dict[str, list[Past]] = {}
        for found in read_back(asked) if asked else ():
            items = [Item(*event[:-1], _touch(event)) for event in found.events]
            past = Past(Span(found.begin, found.end), items, found.sessions)
            pasts.setdefault(key(found.site, found.visitor), []).append(past)
        try:
            return fold(Known(states, pasts, horizon), clock, visited, version, lookup, names, erased)
        except Unclosed as unclosed:
            name = str(unclosed)
            margins[name] = margins.get(name, 1) * 4


def _touch(event: PastEvent) -> Touch:
    """As `Item.of` keeps it: a state and what is read back in its place count for the same."""
    return UNTOUCHED if event.type == ENGAGEMENT else Touch(*event.touch)
