"""Which share of a range's sessions reaches each goal of the site."""

from collections.abc import Sequence

from pydantic import BaseModel

from api.answer.within import within
from api.number import percent
from api.span import Span
from ingest.contract.page import page
from ingest.contract.site import EventGoal, Goal
from rollups.read import Reader
from rollups.selection import Filter


class GoalReached(BaseModel):
    """`total`: views of its pages, or its events, in those sessions."""

    name: str
    sessions: int
    total: int
    conversion_pct: float


class Goals(BaseModel):
    """Most sessions first, then by name."""

    goals: list[GoalReached]
    total_sessions: int


def meaning(goal: Goal) -> Filter:
    """What sessions reach it; a page without `*` in any spelling."""
    if isinstance(goal, EventGoal):
        return Filter("event", "=~", (goal.event,))
    return Filter("page", "=~", (goal.page if "*" in goal.page else page(goal.page),))


def goals(reader: Reader, site: str, span: Span, wanted: Sequence[Goal]) -> Goals:
    """Of sessions that start in the range."""
    (row,) = reader.rows("goals", site=site, goals=[meaning(goal) for goal in wanted], **within(span))
    total = row["total"]
    counts = zip(wanted, row["sessions"], row["totals"], strict=False) if total else ((goal, 0, 0) for goal in wanted)
    found = [
        GoalReached(name=goal.name, sessions=sessions, total=times, conversion_pct=percent(sessions, total))
        for goal, sessions, times in counts
    ]
    return Goals(goals=sorted(found, key=lambda each: (-each.sessions, each.name)), total_sessions=total)
