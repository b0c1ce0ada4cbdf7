"""The custom events of a range, type by type."""

from pydantic import BaseModel

from api.answer.touch import OTHER
from api.answer.within import within
from api.retained import Plain
from api.span import Span
from rollups.read import Reader

MOST = 1_000


class EventType(BaseModel):
    """`count` events in the range; `sessions` with such an event that start in the range."""

    type: str
    count: int
    sessions: int


class CustomEventTypes(Plain):
    """Past 1,000 types the last is `(other)`: sums of the rest, a session counting once for each type it holds."""

    event_types: list[EventType]


def custom_event_types(reader: Reader, site: str, span: Span) -> CustomEventTypes:
    """Every type with an event in the range or in a session that starts there; past 1,000 the last is `(other)`."""
    few: dict[str, dict[str, int]] = {}
    for row in reader.rows("custom_event_types_few", site=site, **within(span)):
        few.setdefault(row["type"], {"count": 0, "sessions": 0})[row["measure"]] = row["found"]
    if len(few) <= MOST:
        types = [EventType(type=name, **found) for name, found in few.items()]
        types.sort(key=lambda each: (each.type == OTHER, -each.count, each.type))
        return CustomEventTypes(event_types=types)
    rows = reader.rows("custom_event_types", site=site, **within(span))
    named = rows[: MOST - 1] if rows and rows[0]["types"] > MOST else rows
    types = [EventType(type=row["type"], count=row["count"], sessions=row["sessions"]) for row in named]
    if len(named) < len(rows):
        count, sessions = (rows[0][whole] for whole in ("all_events", "all_sessions"))
        rest = count - sum(each.count for each in types), sessions - sum(each.sessions for each in types)
        types.append(EventType(type=OTHER, count=rest[0], sessions=rest[1]))
    return CustomEventTypes(event_types=types)
