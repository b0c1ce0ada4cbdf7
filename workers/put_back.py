"""A log that was put back to an earlier state: it is told, and lines in it of which nobody knows are kept."""

import logging
from collections.abc import Callable, Sequence

from ingest.contract.event import Erase, Event, Rebuild, receipt
from ingest.log.dead import DeadLetter, dead_letter
from workers.read import line, lines
from workers.world import World

logger = logging.getLogger(__name__)

_ABSENT = "\n"  # no id
_UNCOUNTED = "put back: it lay in a log that was put back, and was not counted"


def look(world: World, log: str, partition: int, kept: int, offset: int, sure: bool) -> bool:
    """Make dead letters of what the log holds uncounted below `offset`, and say if it was put back. Blocks.

    The partition goes on at `offset`, so nobody would read those: lines that came while the log ended before `offset`
    and the clock was behind, letters that went with the rollback, what was set aside and is there again. `kept`: the
    position that the log remembers; a worker that ends before its commit leaves one too. `sure`: that it was put back.
    Idempotent. Raises ClickHouseUnavailable, LogUnavailable, TooManyDeadLetters.
    """
    found = [letter for letter in _uncounted(world, log, partition, kept, offset) if world.dead.append(letter)]
    if not (sure or found):
        return False
    world.metrics.rollbacks.inc()
    world.writer.put_back(log, partition, kept, offset)
    logger.error(
        "partition %d: the log was put back to an earlier state, from %d to %d: what was acknowledged after that and "
        "not counted is lost. What it still holds is counted, new records go above.%s",
        partition,
        offset,
        kept,
        f" {len(found)} lines are dead letters; throughline dead-letters replay counts them." if found else "",
    )
    return True


def _uncounted(world: World, log: str, partition: int, kept: int, offset: int) -> list[DeadLetter]:
    records = world.consumer.left(partition, kept, offset)
    if not records:
        return []
    gone = _gone(world, [raw for record in records for _, raw in lines(record)])
    times = [at for record in records for _, raw in lines(record) if (at := receipt(raw)) is not None]
    stored = world.writer.lines(log, partition, kept, offset, min(times, default=0), max(times, default=0))
    return [
        dead_letter(_UNCOUNTED, log, partition, record.offset, place, raw)
        for record in records
        for place, raw in lines(record)
        if not (_is_stored(stored.get((record.offset, place), _ABSENT), raw) or gone(raw))
    ]


def _gone(world: World, raws: Sequence[bytes]) -> Callable[[bytes], bool]:
    """Whether a line is an event of a month that its site keeps no longer: it does not count, wherever it is."""
    cuts = world.cuts(sorted({event.site for event in map(_event, raws) if event is not None}))

    def gone(raw: bytes) -> bool:
        event = _event(raw) if cuts else None
        return event is not None and event.site in cuts and event.time < cuts[event.site].events

    return gone


def _event(raw: bytes) -> Event | None:
    try:
        found = line(raw)
    except ValueError:
        return None
    return found if isinstance(found, Event) else None


def _is_stored(id_: str | None, raw: bytes) -> bool:
    """Whether the row at the line's place, if any, is the line's: an offset may have been another record's before.

    `id_` of an erased visitor's row is not known.
    """
    if id_ is None:
        return True
    try:
        found = line(raw)
    except ValueError:
        return False
    if isinstance(found, Rebuild | Erase):
        return True  # leaves no row; who sent it finds out
    return id_ == (found.id if isinstance(found, Event) else "")
