"""The interactive events of one session."""

import json
from typing import Any

from pydantic import BaseModel

from api.number import money
from api.span import iso
from ingest.contract.event import PAGEVIEW
from rollups.read import Reader

MOST = 1_000  # events of an answer
REACH_MS = 24 * 3_600_000  # an interactive event lies at most so far behind its session's first


class EventRevenue(BaseModel):
    """As it was sent, whether it stands as a transaction or not; `currency` "" = the site's."""

    amount: float
    currency: str
    transaction: str


class Event(BaseModel):
    """`scroll`: the depth of a pageview in per cent; null for other events and where none was reported."""

    id: str
    type: str
    timestamp: str
    url: str
    page: str
    title: str
    data: dict[str, Any] | None
    scroll: float | None
    revenue: EventRevenue | None


class SessionEvents(BaseModel):
    """The first 1,000 events."""

    session_id: str
    events: list[Event]


def session_events(reader: Reader, site: str, visitor: str, session: str) -> SessionEvents | None:
    """The session's first 1,000 interactive events in order; None if the visitor (16 hex) has no such session."""
    found = reader.rows("session", site=site, visitor=visitor, session=session)
    if not found:
        return None
    row = found[0]
    # Sessions of one visitor do not overlap, so the span tells its events: all but a passive tail lies within a day.
    span = {"from": row["started"], "to": min(row["ended"], row["started"] + REACH_MS)}
    depths = iter(row["pv_depth"])
    events = []
    for event in reader.rows("session_events", site=site, visitor=visitor, most=MOST, **span):
        # One that came between the two questions has no depth yet.
        told = next(depths, -1) if event["type"] == PAGEVIEW else -1
        events.append(_event(event, told / 100 if told >= 0 else None))
    return SessionEvents(session_id=session, events=events)


def _event(row: dict[str, Any], scroll: float | None) -> Event:
    return Event(
        id=row["id"],
        type=row["type"],
        timestamp=iso(row["at"]),
        url=row["url"],
        page=row["page"],
        title=row["title"],
        data=json.loads(row["data"]) if row["data"] else None,
        scroll=scroll,
        revenue=None
        if row["amount"] is None
        else EventRevenue(amount=money(row["amount"]), currency=row["currency"], transaction=row["transaction"]),
    )
