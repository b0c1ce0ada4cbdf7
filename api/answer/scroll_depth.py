"""How far the pageviews of a range scrolled, page by page."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.answer.within import within
from api.number import percent, ratio
from api.retained import Plain
from api.span import Span
from rollups.read import Reader

MILESTONES = ("25", "50", "75", "100")


class Depth(BaseModel):
    """Pageviews that reported a depth of at least so many per cent."""

    model_config = ConfigDict(serialize_by_alias=True)
    reached_25: int = Field(alias="25")
    reached_50: int = Field(alias="50")
    reached_75: int = Field(alias="75")
    reached_100: int = Field(alias="100")


class DepthPct(BaseModel):
    """The same in per cent of the pageviews that reported a depth."""

    model_config = ConfigDict(serialize_by_alias=True)
    reached_25: float = Field(alias="25")
    reached_50: float = Field(alias="50")
    reached_75: float = Field(alias="75")
    reached_100: float = Field(alias="100")


class Page(BaseModel):
    page: str
    views: int
    reported: int
    depth: Depth
    depth_pct: DepthPct
    avg_depth: float


class ScrollDepth(Plain):
    pages: list[Page]


def scroll_depth(reader: Reader, site: str, span: Span, page: str | None, limit: int) -> ScrollDepth:
    """Pageviews in the range, most viewed pages first; with `page` (normalised) exactly that one, viewed or not."""
    rows = reader.rows("scroll_depth", site=site, page=page or "", limit=limit, **within(span))
    if page is not None and not rows:
        rows = [{"page": page, "views": 0, "reported": 0, "depth": 0} | {f"reached_{each}": 0 for each in MILESTONES}]
    return ScrollDepth(pages=[_page(row) for row in rows])


def _page(row: dict[str, Any]) -> Page:
    reached = {milestone: row[f"reached_{milestone}"] for milestone in MILESTONES}
    return Page(
        page=row["page"],
        views=row["views"],
        reported=row["reported"],
        depth=Depth(**reached),
        depth_pct=DepthPct(**{milestone: percent(count, row["reported"]) for milestone, count in reached.items()}),
        avg_depth=ratio(row["depth"], 100 * row["reported"]),
    )
