"""The sessions of a range by the values of any dimension."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic import BaseModel

from api.answer.within import within
from api.number import money, percent, ratio
from api.span import Span
from ingest.contract.site import Revenue as Setting
from rollups.read import Reader


class Totals(BaseModel):
    """Of all sessions together: their interactive events, and their standing transactions in the site's currency."""

    sessions: int
    visitors: int
    pageviews: int
    bounce_rate: float
    avg_session_duration: float
    events: int
    revenue: float
    transactions: int


class Row(Totals):
    """Of the sessions with the value; `share`: per cent of all sessions. `pageviews` of a page and `events` of an event
    are its own.
    """

    value: str
    share: float


class Breakdown(BaseModel):
    """One page of the rows, most sessions first; a session counts for each page and event that it holds."""

    dimension: str
    total_rows: int
    totals: Totals
    rows: list[Row]


def breakdown(
    reader: Reader, site: str, span: Span, dimension: str, setting: Setting | None, limit: int, page: int
) -> Breakdown:
    """The `page`th `limit` rows, from 1; `setting`: what is a transaction, and in which currency."""
    *rows, whole = reader.rows(
        "breakdown",
        site=site,
        dimension=dimension,
        currency=setting.currency if setting else "",
        type=(setting and setting.type) or "",
        limit=limit,
        skip=limit * (page - 1),
        **within(span),
    ) or [_NOTHING]
    return Breakdown(
        dimension=dimension,
        total_rows=whole["total_rows"],
        totals=_numbers(whole),
        rows=[
            Row(**dict(_numbers(row)), value=row["value"], share=percent(row["sessions"], whole["sessions"]))
            for row in rows
        ],
    )


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("sessions", "visitors", "pageviews", "bounces", "duration_ms", "events", "transactions"), 0),
    "revenue": Decimal(0),
    "total_rows": 0,
}


def _numbers(row: dict[str, Any]) -> Totals:
    return Totals(
        sessions=row["sessions"],
        visitors=row["visitors"],
        pageviews=row["pageviews"],
        bounce_rate=percent(row["bounces"], row["sessions"]),
        avg_session_duration=ratio(Fraction(row["duration_ms"], 1000), row["sessions"]),
        events=row["events"],
        revenue=money(row["revenue"]),
        transactions=row["transactions"],
    )
