"""The sessions of one visitor."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel

from api.number import money
from api.span import iso
from ingest.contract.site import Revenue as Setting
from rollups.read import Reader


class Session(BaseModel):
    """`duration`: seconds, exact to the millisecond. `revenue`: the standing transactions of the session in the site's
    currency; 0 without revenue setting.
    """

    id: str
    started_at: str
    ended_at: str
    duration: float
    pageviews: int
    events_count: int
    entry_page: str | None
    exit_page: str | None
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    bucket: Literal["bouncer", "skimmer", "hesitator", "engaged"]
    bounce: bool
    revenue: float


class VisitorSessions(BaseModel):
    """The latest 1,000 sessions."""

    visitor_id: str
    sessions: list[Session]


def visitor_sessions(reader: Reader, site: str, visitor: str, setting: Setting | None) -> VisitorSessions | None:
    """The visitor's (16 hex) sessions, newest first, at most the latest 1,000; None for one the site has never seen."""
    rows = reader.rows("visitor_sessions", site=site, visitor=visitor)
    if not rows:
        return None
    revenue = {} if setting is None else _revenue(reader, site, visitor, [row["session"] for row in rows], setting)
    return VisitorSessions(
        visitor_id=f"{site}-{visitor}",
        sessions=[
            Session(
                id=row["session"],
                started_at=iso(row["started"]),
                ended_at=iso(row["ended"]),
                duration=(row["ended"] - row["started"]) / 1000,
                pageviews=row["pageviews"],
                events_count=row["events"],
                entry_page=row["entry_page"],
                exit_page=row["exit_page"],
                source=row["source"],
                campaign=row["campaign"],
                country=row["country"],
                device=row["device"],
                browser=row["browser"],
                os=row["os"],
                bucket=row["bucket"],
                bounce=row["pageviews"] <= 1,
                revenue=money(revenue.get(row["session"], Decimal(0))),
            )
            for row in rows
        ],
    )


def _revenue(reader: Reader, site: str, visitor: str, sessions: list[str], setting: Setting) -> dict[str, Decimal]:
    rows = reader.rows(
        "visitor_revenue",
        site=site,
        visitor=visitor,
        sessions=sessions,
        currency=setting.currency,
        type=setting.type or "",
    )
    return {row["session"]: row["revenue"] for row in rows}
