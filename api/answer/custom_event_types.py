"""The custom events of a range, type by type."""

from pydantic import BaseModel

from api.answer.within import within
from api.span import Span
from rollups.read import Reader


class EventType(BaseModel):
    """`count` events in the range; `sessions` with such an event that start in the range."""

    type: str
    count: int
    sessions: int


class CustomEventTypes(BaseModel):
    """Past 1,000 types the last is `(other)`: sums of the rest, a session counting once for each type it holds."""

    event_types: list[EventType]


def custom_event_types(reader: Reader, site: str, span: Span) -> CustomEventTypes:
    """Every type with an event in the range or in a session that starts there; past 1,000 the last is `(other)`."""
    return CustomEventTypes(
        event_types=[EventType(**row) for row in reader.rows("custom_event_types", site=site, **within(span))]
    )
