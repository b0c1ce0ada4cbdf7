"""What a batch must know of months that are gone: nothing, unless it holds something old.

No month goes before it is 28 days old, so nothing newer than SINCE is near a cut, nor is a state that only new events
touched. Before the cut of its site no event counts; and a state that reaches there says what nobody changes any more.
"""

from collections.abc import Callable, Mapping, Sequence

from ingest.contract.event import LATE
from rollups.retain import Cut
from workers.erased import Erased
from workers.fold import Misjudged, Visits
from workers.memory import DAY
from workers.visitor import BEGINNING, FOREVER, State, unread

SINCE = 25 * DAY

Cuts = Callable[[Sequence[str]], Mapping[str, Cut]]


def sites(visited: Visits, now: int) -> list[str]:
    """Those whose cuts may matter to the lines."""
    oldest = now - SINCE
    visits = visited.by_visitor.values()
    return sorted({each.site for each in visits if each.first < oldest or each.revision is not None or each.erases})


def late(visited: Visits, cuts: Mapping[str, Cut], erased: Erased) -> list[Misjudged]:
    """Take out the lines of before their site's cut; the fold says why those of erased visitors do not count."""
    found: list[Misjudged] = []
    for visit in visited.by_visitor.values():
        cut = cuts.get(visit.site)
        if cut is None or visit.first >= cut.events or visit.erases:
            continue
        until = erased.until(visit.site, visit.visitor)
        lines = []
        for line in visit.lines:
            event = line[2]
            if event.time >= cut.events or min(event.time, event.received) <= until:
                lines.append(line)
            else:
                found.append(Misjudged(*line[:2], LATE))
        visit.lines = lines
        visit.first = min((line[2].time for line in lines), default=FOREVER)
        visit.last = max((line[2].time for line in lines), default=BEGINNING)
    return found


def readable(states: Mapping[str, State], cuts: Mapping[str, Cut]) -> dict[str, State]:
    """The states, of which those that reach behind their site's cut are to be read back."""
    return {
        name: unread(state.site, state.visitor, state.hash, state.heard) if _reaches_behind(state, cuts) else state
        for name, state in states.items()
    }


def _reaches_behind(state: State, cuts: Mapping[str, Cut]) -> bool:
    cut = cuts.get(state.site)
    if cut is None:
        return False
    times = [*(item.time for item in state.items[:1]), *(copy.row.start for copy in state.copies[:1])]
    return min(times, default=cut.events) < cut.events
