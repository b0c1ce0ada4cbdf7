"""How many sessions of a range saw a page or held a custom event, for every source and campaign."""

from collections import defaultdict
from typing import Any, Literal

from pydantic import BaseModel

from api.answer.within import within
from api.number import percent
from api.span import Span
from rollups.read import Reader


class Campaign(BaseModel):
    key: str
    total: int
    reached: int
    pct: float


class Source(Campaign):
    campaigns: list[Campaign]


class Reach(BaseModel):
    metric: Literal["page", "event"]
    value: str
    total_sessions: int
    reached_sessions: int
    reach_pct: float
    sources: list[Source]


def reach(reader: Reader, site: str, span: Span, metric: Literal["page", "event"], value: str) -> Reach:
    """Sessions that start in the range; `value`: a page (normalised) or a type. Lists by total descending, then key."""
    by_source: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in reader.rows(f"reach_{metric}", site=site, value=value, **within(span)):
        by_source[row["source"]].append(row)
    sources = [
        Source(
            **_described(source, rows),
            campaigns=sorted((Campaign(**_described(row["campaign"], [row])) for row in rows), key=_rank),
        )
        for source, rows in by_source.items()
    ]
    total = sum(source.total for source in sources)
    reached = sum(source.reached for source in sources)
    return Reach(
        metric=metric,
        value=value,
        total_sessions=total,
        reached_sessions=reached,
        reach_pct=percent(reached, total),
        sources=sorted(sources, key=_rank),
    )


def _described(key: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    total, reached = (sum(row[measure] for row in rows) for measure in ("total", "reached"))
    return {"key": key, "total": total, "reached": reached, "pct": percent(reached, total)}


def _rank(group: Campaign) -> tuple[int, str]:
    return (-group.total, group.key)
