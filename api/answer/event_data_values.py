"""What the data of a custom event type holds at one of its keys."""

from collections.abc import Iterator

from pydantic import BaseModel

from api.answer.within import within
from api.span import Span
from rollups.read import Reader

_MOST_DOTS = 3  # in a key of which every reading is tried


class ValueCount(BaseModel):
    """`count` events of the range that hold the value, in `sessions` sessions."""

    value: str
    count: int
    sessions: int


class EventDataValues(BaseModel):
    """Most often first, then by value: texts as they are, numbers at their shortest, anything else as JSON; an array's
    elements each.
    """

    type: str
    key: str
    total_rows: int
    rows: list[ValueCount]


def event_data_values(reader: Reader, site: str, span: Span, type_: str, key: str, limit: int) -> EventDataValues:
    """The `limit` most frequent values at a key as `event_data_keys` names it; counted events, by their own time."""
    found = reader.rows(
        "event_data_values", site=site, type=type_, key=key, paths=list(_readings(key)), limit=limit, **within(span)
    )
    rows = [ValueCount(value=row["value"], count=row["count"], sessions=row["sessions"]) for row in found]
    return EventDataValues(type=type_, key=key, total_rows=found[0]["total_rows"] if found else 0, rows=rows)


def _readings(key: str) -> Iterator[list[str]]:
    """A dot leads into an object, or is part of a name."""
    parts = key.split(".")
    if len(parts) - 1 > _MOST_DOTS:
        yield from (parts, [key])
        return
    for joined in range(2 ** (len(parts) - 1)):
        path = parts[:1]
        for place, part in enumerate(parts[1:]):
            if joined >> place & 1:
                path[-1] += "." + part
            else:
                path.append(part)
        yield path
