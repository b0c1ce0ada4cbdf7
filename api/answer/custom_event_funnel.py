"""Sessions of a range that took the steps of a funnel of custom events, in order."""

from pydantic import BaseModel

from api.answer.within import within
from api.number import percent
from api.span import Span
from rollups.read import Reader


class FunnelStep(BaseModel):
    """`dropoff`: sessions lost from the step before."""

    type: str
    sessions: int
    pct_of_first: float
    pct_of_previous: float
    dropoff: int


class CustomEventFunnel(BaseModel):
    steps: list[FunnelStep]
    conversion_pct: float


def custom_event_funnel(reader: Reader, site: str, span: Span, types: list[str]) -> CustomEventFunnel:
    """`types` are the ordered steps; each takes an event of its own, later in the session than the step before."""
    rows = reader.rows("custom_event_funnel", site=site, steps=types, **within(span))
    reached = [sum(row["sessions"] for row in rows if row["taken"] >= step) for step in range(1, len(types) + 1)]
    first, last = reached[0], reached[-1]
    steps = [
        FunnelStep(type=types[0], sessions=first, pct_of_first=percent(first, first), pct_of_previous=100.0, dropoff=0)
    ]
    for name, count, before in zip(types[1:], reached[1:], reached, strict=False):
        steps.append(
            FunnelStep(
                type=name,
                sessions=count,
                pct_of_first=percent(count, first),
                pct_of_previous=percent(count, before),
                dropoff=before - count,
            )
        )
    return CustomEventFunnel(steps=steps, conversion_pct=percent(last, first))
