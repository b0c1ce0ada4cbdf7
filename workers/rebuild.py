"""What ClickHouse remembers of a visitor → its state: the same fold over the raw events."""

from rollups.memory import Remembered
from workers.fold import State, memory, state
from workers.memory import Item


def rebuilt(remembered: Remembered) -> State:
    """The state as the fold would have left it; the written copies are the rows as they lie in ClickHouse."""
    items = sorted(Item(*event) for event in remembered.events)
    trimmed = memory(items, remembered.received)
    return state(
        remembered.site, remembered.visitor, remembered.hash, trimmed, remembered.sessions, remembered.forgotten
    )
