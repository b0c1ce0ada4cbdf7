"""Arrival list → what counts → sessions: a sort and a gap."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.oracle.fact import DAY, MINUTE, Fact, Session, View

GAP = 30 * MINUTE
FLOOD = 5_000


def cut(facts: Iterable[Fact]) -> list[Session]:
    """Sessions of one visitor's set of facts; passive facts out of every reach are in none."""
    sessions: list[Session] = []
    for fact in sorted(facts, key=lambda each: each.order):
        current = sessions[-1] if sessions else None
        near = current is not None and fact.time - current.end <= GAP
        if fact.passive:
            if current is not None and near:
                current.facts.append(fact)
        elif current is not None and near and fact.time - current.start <= DAY:
            current.facts.append(fact)
        else:
            sessions.append(Session([fact]))
    for session in sessions:
        _credit(session)
    return sessions


def _credit(session: Session) -> None:
    session.views = [View(fact, fact.scroll) for fact in session.facts if fact.type == "pageview"]
    for fact in session.facts:
        if not fact.passive:
            continue
        candidates = [view for view in session.views if fact.view and view.fact.view == fact.view] or [
            view for view in session.views if view.fact.page == fact.page and view.fact.order < fact.order
        ]
        if candidates:
            view = candidates[-1]
            if fact.scroll is not None:
                view.depth = max(view.depth if view.depth is not None else Decimal(0), fact.scroll)
            view.engaged_ms += fact.engaged_ms or 0


@dataclass
class Judged:
    """What one visitor's arrivals come to: sessions, and a reason for each fact that does not count."""

    sessions: list[Session] = field(default_factory=list)
    counted: list[Fact] = field(default_factory=list)
    filtered: list[tuple[Fact, str]] = field(default_factory=list)


def judge(arrivals: Sequence[Fact]) -> Judged:
    """One visitor's facts in order of arrival, each judged: duplicate, flood, or counted."""
    judged = Judged()
    times: list[int] = []
    by_id: dict[str, list[int]] = defaultdict(list)
    for fact in arrivals:
        # The day behind the newest; far behind it, behind the newest within a day.
        after = bisect_right(times, fact.time + DAY)
        day_end = max(fact.time, times[after - 1]) if after else fact.time
        if any(abs(fact.time - time) <= DAY + GAP for time in by_id[fact.id]):
            judged.filtered.append((fact, "duplicate"))
        elif after - bisect_left(times, day_end - DAY) >= FLOOD:
            judged.filtered.append((fact, "flood"))
        else:
            by_id[fact.id].append(fact.time)
            insort(times, fact.time)
            judged.counted.append(fact)
    judged.sessions += cut(judged.counted)
    return judged


@dataclass
class Site:
    """Everything the model knows of one site."""

    sessions: list[Session] = field(default_factory=list)
    counted: list[Fact] = field(default_factory=list)
    filtered: list[tuple[Fact, str]] = field(default_factory=list)
    # what admission filtered: (received, reason)
    admission: list[tuple[int, str]] = field(default_factory=list)


def sites(arrivals: Iterable[Fact], admission: Iterable[tuple[str, int, str]] = ()) -> dict[str, Site]:
    """The model of every site; `admission` lists what admission filtered as (site, received, reason)."""
    by_visitor: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in arrivals:
        by_visitor[fact.site, fact.visitor].append(fact)
    found: dict[str, Site] = defaultdict(Site)
    for (site, _), facts in by_visitor.items():
        judged = judge(facts)
        found[site].sessions += judged.sessions
        found[site].counted += judged.counted
        found[site].filtered += judged.filtered
    for site, received, reason in admission:
        found[site].admission.append((received, reason))
    return found
