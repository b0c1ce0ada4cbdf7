"""How many sessions of a range saw a page or held a custom event, for every source and campaign."""

from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from pydantic import BaseModel

from api.answer.touch import FEW, by_touch, in_order
from api.answer.within import within
from api.number import percent
from api.retained import Plain
from api.span import Span
from rollups.read import Reader


class Campaign(BaseModel):
    key: str
    total: int
    reached: int
    pct: float


class Source(Campaign):
    campaigns: list[Campaign]


class Reach(Plain):
    """Lists by total descending, then key; `(other)` is last and sums what is past the same limits as in `Friction`."""

    metric: Literal["page", "event"]
    value: str
    total_sessions: int
    reached_sessions: int
    reach_pct: float
    sources: list[Source]


def reach(reader: Reader, site: str, span: Span, metric: Literal["page", "event"], value: str) -> Reach:
    """Sessions that start in the range; `value`: a page (normalised) or a type."""
    asked = {"site": site, "metric": metric, "value": value, **within(span)}
    few = reader.rows("reach_few", **asked)
    found = [{"total": row.get("bucket", 0), "reached": row.get(metric, 0), **row} for row in by_touch(few, "kind")]
    if len(few) > 2 * FEW or len(found) > FEW:
        rows = reader.rows("reach", **asked)
    else:
        rows = in_order(row for row in found if row["total"])
    sources = [
        Source(
            **dict(_described(source, campaigns)),
            campaigns=[_described(row["campaign"], [row]) for row in campaigns],
        )
        for source, campaigns in ((source, list(rows)) for source, rows in groupby(rows, itemgetter("source")))
    ]
    total = sum(source.total for source in sources)
    reached = sum(source.reached for source in sources)
    return Reach(
        metric=metric,
        value=value,
        total_sessions=total,
        reached_sessions=reached,
        reach_pct=percent(reached, total),
        sources=sources,
    )


def _described(key: str, rows: list[dict[str, Any]]) -> Campaign:
    total, reached = (sum(row[measure] for row in rows) for measure in ("total", "reached"))
    return Campaign(key=key, total=total, reached=reached, pct=percent(reached, total))
