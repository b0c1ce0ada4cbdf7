"""Where people come to a page, leave from it, and go on to."""

from typing import Any

from pydantic import BaseModel

from api.answer.touch import OTHER
from api.answer.within import within
from api.number import percent
from api.span import Span
from rollups.read import Reader


class Flow(BaseModel):
    """Views of the page: `entries` began their session, `exits` ended it; `exit_rate`: per cent of the views."""

    sessions: int
    views: int
    entries: int
    exits: int
    exit_rate: float


class SourceFlow(Flow):
    key: str


class NextPage(BaseModel):
    """Views that were followed by a view of `page`, the same one included; `pct`: per cent of all views."""

    page: str
    count: int
    pct: float


class PageFlow(Flow):
    """Of the sessions that start in the range: views = exits + all of `next`, and = all of `sources`. Most views first,
    then by name; past 1,000 rows the last is `(other)`.
    """

    page: str
    next: list[NextPage]
    sources: list[SourceFlow]


_COUNTS = ("sessions", "views", "entries", "exits")


def page_flow(reader: Reader, site: str, span: Span, page: str) -> PageFlow:
    """`page`: normalised; zeros if nobody viewed it."""
    rows = reader.rows("page_flow", site=site, page=page, **within(span))
    listed = sorted(rows, key=lambda row: (row["value"] == OTHER, -row["views"], row["value"]))
    following = [row for row in listed if row["kind"] == "next"]
    total = _flow(following)
    return PageFlow(
        page=page,
        **dict(total),
        next=[
            NextPage(page=row["value"], count=row["views"], pct=percent(row["views"], total.views))
            for row in following
            if row["value"]
        ],
        sources=[SourceFlow(key=row["value"], **dict(_flow([row]))) for row in listed if row["kind"] == "source"],
    )


def _flow(rows: list[dict[str, Any]]) -> Flow:
    sessions, views, entries, exits = (sum(row[name] for row in rows) for name in _COUNTS)
    return Flow(sessions=sessions, views=views, entries=entries, exits=exits, exit_rate=percent(exits, views))
