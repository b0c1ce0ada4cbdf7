"""Which keys the data of an event type carries."""

from api.answer.within import within
from api.retained import Plain
from api.span import Span
from rollups.read import Reader

MOST = 1_000


class EventDataKeys(Plain):
    """Leaves only: nested keys are joined by dots (so is a key that has one of its own), an array is a leaf.

    Past 1,000 keys the last one is `(other)`.
    """

    type: str
    keys: list[str]


def event_data_keys(reader: Reader, site: str, span: Span, type_: str) -> EventDataKeys:
    """Keys of the counted events of this type in the range, sorted; past 1,000 the last is `(other)`."""
    keys = [row["key"] for row in reader.rows("event_data_keys", site=site, type=type_, **within(span))]
    return EventDataKeys(type=type_, keys=keys if len(keys) <= MOST else [*keys[: MOST - 1], "(other)"])
