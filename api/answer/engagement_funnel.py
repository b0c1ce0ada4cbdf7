"""How deep sessions of a range went: from a view to the end of a page."""

from typing import Literal

from pydantic import BaseModel

from api.answer.within import within
from api.number import percent
from api.retained import Plain
from api.span import Span
from rollups.read import Reader


class Step(BaseModel):
    step: Literal["view", "25", "50", "75", "100"]
    sessions: int
    pct: float
    dropoff_pct: float


class EngagementFunnel(Plain):
    """`page` null: any page."""

    page: str | None
    sessions: int
    steps: list[Step]


def engagement_funnel(reader: Reader, site: str, span: Span, page: str | None) -> EngagementFunnel:
    """Sessions that start in the range, by their deepest view of `page` (normalised) or of any page."""
    (row,) = reader.rows("engagement_funnel", site=site, page=page or "", **within(span))
    viewed = before = row["sessions"]
    steps = [Step(step="view", sessions=viewed, pct=percent(viewed, viewed), dropoff_pct=0.0)]
    milestones: tuple[Literal["25", "50", "75", "100"], ...] = ("25", "50", "75", "100")
    for milestone in milestones:
        count = row[f"reached_{milestone}"]
        steps.append(
            Step(
                step=milestone,
                sessions=count,
                pct=percent(count, viewed),
                dropoff_pct=percent(before - count, before),
            )
        )
        before = count
    return EngagementFunnel(page=page, sessions=viewed, steps=steps)
