"""Taking a partition: ClickHouse says where it stands, its open batch is finished, the states are brought there."""

import logging
from collections.abc import Callable

from ingest.log.dead import DeadLetter
from ingest.log.protocol import LogTruncated
from rollups.write import Decided
from workers import blob as blobs
from workers.batch import insert
from workers.cache import Cache
from workers.fold import Entry, apply, keys
from workers.read import read
from workers.rebuild import rebuilt
from workers.state import Position, Store
from workers.world import Held, Paused, World

logger = logging.getLogger(__name__)


def take(world: World, partition: int, cache: Cache, breathe: Callable[[], None]) -> Held:
    """Take the partition over; the log is then positioned where the returned `Held` stands. Blocks.

    `breathe` is called between chunks of long work. Raises what `batch.count` raises, and LogTruncated if the log no
    longer holds what it must: that is for a human.
    """
    writer, consumer = world.writer, world.consumer
    log, partitions = consumer.log_id(), consumer.partitions
    store = Store(world.redis, log, partitions, partition)

    # 1. C: the end of the last finished batch, in ClickHouse. The group's offset and Redis have no say in it.
    marked = writer.position(log, partition)
    offset = marked or 0
    begin = consumer.bounds(partition).begin
    if begin > offset and marked is not None:
        raise LogTruncated(f"partition {partition} of log {log} begins at {begin}, after {offset}: records are lost")

    # 2. What was decided at C is inserted as it was decided.
    while decided := writer.decided(log, partition, offset):
        if writer.closed():
            raise Paused
        _floor(world, partition, decided.b)
        entries, letters = _records(world, decided, begin)
        insert(world, decided, blobs.decode(decided.blob), entries, letters)
        offset = decided.b
    if offset:
        _floor(world, partition, offset)

    # 3. Redis behind C catches up by what was decided; anything else but at C is built anew.
    position = store.position()
    while position is not None and position.offset < offset:
        position = _caught_up(world, store, log, partition, position, begin)
    if position is None or position.offset != offset:
        if writer.closed():
            raise Paused
        position = _rebuild(world, store, log, partition, partitions, offset, breathe)

    # 4. The log goes on at C.
    consumer.seek(partition, max(offset, begin))
    return Held(log, partition, offset, position.clock, store, cache)


def _floor(world: World, partition: int, offset: int) -> None:
    if world.consumer.raise_floor(partition, offset):
        world.metrics.rollbacks.inc()
        logger.error(
            "partition %d: the log was put back to an earlier state; acknowledged records before %d may be lost. "
            "What it still holds is counted, new records go above.",
            partition,
            offset,
        )


def _records(world: World, decided: Decided, begin: int) -> tuple[list[Entry], list[DeadLetter]]:
    # A log without any marker may begin late: a topic that was there before us.
    first = max(decided.a, begin) if decided.a == 0 else decided.a
    return read(decided.log, world.consumer.read(decided.partition, first, decided.b))


def _caught_up(world: World, store: Store, log: str, partition: int, position: Position, begin: int) -> Position | None:
    """The states moved on by the one batch decided where they stand; None if that cannot be had any more."""
    decided = world.writer.decided(log, partition, position.offset)
    if decided is None:
        return None
    try:
        entries, _ = _records(world, decided, begin)
    except LogTruncated:
        return None
    decision = blobs.decode(decided.blob)
    unread = {(offset, place) for offset, place, _ in decision.dead}
    entries = [entry for entry in entries if entry[:2] not in unread]
    states, clock = apply(
        store.load(position.offset, keys(entries)), position.clock, entries, decision.reasons, decision.rows
    )
    after = Position(decided.b, clock)
    store.save(position.offset, after, states)
    return after


def _rebuild(
    world: World, store: Store, log: str, partition: int, partitions: int, offset: int, breathe: Callable[[], None]
) -> Position:
    # At 0 of a new log there is usually nothing to rebuild from, and nothing for an operator to wonder about.
    level = logging.WARNING if offset else logging.INFO
    logger.log(level, "partition %d: rebuilding the states at %d from the raw events", partition, offset)
    world.metrics.rebuilds.inc()
    store.begin(world.nonce())
    clock, chunks = world.memories(log, partition, partitions, offset)
    for chunk in chunks:
        states = [rebuilt(remembered) for remembered in chunk]
        store.put({state.key: state for state in states})
        breathe()
    position = Position(offset, clock)
    store.end(position)
    return position
