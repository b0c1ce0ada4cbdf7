"""What can be asked of the time from which session rows or raw events are gone (a site's setting `retention`).

What rollups hold stays. So a plain range there is answered for whole days, and says so; what must look at the rows
themselves is refused, with the first day from which it need not be.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from api.problem import Problem
from api.span import HOUR, Span, first_instant, iso, local

# What an endpoint looks at beside its rollups: session rows, or raw events, all over its range, or at the ends of one
# that is no whole days ("… ends"); None: neither.
Reads: TypeAlias = Literal["session ends", "event ends", "sessions", "events"] | None

_DAY = 24 * HOUR


class Cut(NamedTuple):
    """Up to when raw events and session rows are gone, ms; 0: none are. Never more sessions than events."""

    events: int = 0
    sessions: int = 0


NOTHING = Cut()


class Widened(BaseModel):
    """The range that was answered, in place of the one that was asked for."""

    model_config = ConfigDict(serialize_by_alias=True)
    from_: str = Field(serialization_alias="from")
    to: str


class Plain(BaseModel):
    """An answer from rollups. `widened`: what was answered where rows are gone and a range is not of whole UTC days."""

    widened: Annotated[Widened | None, Field(exclude_if=lambda widened: widened is None)] = None


def within(span: Span, reads: Reads, cut: Cut, *, filtered: bool) -> Span:
    """The range to be answered. Raises Problem (400, `retained_until`) where what it needs is gone."""
    gone = cut.events if reads in ("events", "event ends") else cut.sessions
    if reads is None or not gone or span.start >= gone:
        return span
    if filtered or reads in ("events", "sessions"):
        raise refused("raw events" if gone > cut.sessions else "session rows", gone, span.zone)
    end = span.end if span.end >= gone else span.end + -span.end % _DAY
    return replace(span, start=span.start - span.start % _DAY, end=end)


def refused(what: str, gone: int, zone: ZoneInfo) -> Problem:
    """400: names the first day in the zone that can be asked exactly."""
    day = local(gone, zone).date()
    if first_instant(day, zone) < gone:
        day += timedelta(days=1)
    before = datetime.fromtimestamp(gone / 1000, UTC).date()
    message = f"{what} of before {before} are gone, as the site's retention says: ask from {day} on"
    problem = Problem(400, "retained_until", message, "from")
    problem.detail.retained_until = day.isoformat()
    return problem


def told(span: Span) -> Widened:
    return Widened(from_=iso(span.start), to=iso(span.end))
