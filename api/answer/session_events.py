"""The interactive events of one session."""

import json
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable
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
    span = {"from": row["started"], "to": min(row["ended"], row["started"] + REACH_MS)}
    # Sessions of two memories of one visitor can overlap (imports of old logs): the row's arrays tell its events
    depths = _queues(zip(row["pv_time"], row["pv_page"], strict=True), row["pv_depth"])
    customs = _queues(zip(row["ev_time"], row["ev_seq"], row["ev_type"], strict=True), row["ev_type"])
    events = []
    for event in reader.rows("session_events", site=site, visitor=visitor, **span):
        is_pageview = event["type"] == PAGEVIEW
        waiting = (
            depths[event["at"], event["page"]] if is_pageview else customs[event["at"], event["seq"], event["type"]]
        )
        if waiting:
            told = waiting.popleft()
            events.append(_event(event, told / 100 if is_pageview and told >= 0 else None))
        if len(events) == MOST:
            break
    return SessionEvents(session_id=session, events=events)


def _queues(keys: Iterable[Hashable], values: Iterable[Any]) -> dict[Hashable, deque[Any]]:
    """The values of each key, in order."""
    queues: dict[Hashable, deque[Any]] = defaultdict(deque)
    for key, value in zip(keys, values, strict=True):
        queues[key].append(value)
    return queues


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
