"""Taking a partition: ClickHouse says where it stands, its open batch is finished, the states are brought there."""

import logging

from ingest.log.dead import DeadLetter
from ingest.log.protocol import Consumer, LogTruncated, PartitionsChanged
from rollups.write import Decided
from workers import blob as blobs
from workers.batch import insert, unknown_of
from workers.blob import Blob
from workers.cache import Cache
from workers.fold import Entry, visits
from workers.read import read
from workers.state import Moved, Position, Store
from workers.world import Held, Paused, World

logger = logging.getLogger(__name__)


def take(world: World, partition: int, cache: Cache) -> Held:
    """Take the partition over; the log is then positioned where the returned `Held` stands. Blocks.

    Raises what `batch.count` raises, and what is for a human: LogTruncated if the log no longer holds what it must,
    PartitionsChanged if its visitors were placed otherwise.
    """
    writer, consumer = world.writer, world.consumer
    log, partitions = consumer.log_id(), consumer.partitions
    store = Store(world.redis, log, partitions, partition, world.state_bytes)
    with writer.one_life() as look:
        if (counted := writer.partitions(log, partitions)) != partitions:
            raise PartitionsChanged(f"log {log}", counted, partitions)
        writer.refuse_damaged()

        # 1. C: the end of the last finished batch, in ClickHouse. The group's offset and Redis have no say in it.
        marked = writer.marked(log, partition)
        offset, clock = marked or (0, 0)
        begin = consumer.bounds(partition).begin
        if begin > offset and marked is not None:
            what = f"partition {partition} of log {log}"
            raise LogTruncated(f"{what} begins at {begin}, after {offset}: records are lost")

        # 2. What was decided at C is inserted as it was decided: under its token in the life of the server in which it
        # was decided, else by looking for what lies there.
        rolled_back = False
        while decided := writer.decided(log, partition, offset, look.life):
            if writer.closed():
                raise Paused
            writer.refuse_running(log, partition, offset)
            rolled_back |= _floor(world, partition, decided.b)
            decision, entries, letters = replay(consumer, decided, begin)
            insert(world, decided, decision, entries, letters, believed=decided.life == look.life)
            offset, clock = decided.b, decision.clock
    if offset:
        rolled_back |= _floor(world, partition, offset)

    # 3. States behind C forget the visitors of what was decided since; any others begin anew. Who is forgotten is read
    # back on returning. A Redis that was put back says nothing that can be believed.
    position = store.position()
    while position is not None and position.offset < offset and not rolled_back:
        position = _caught_up(world, store, log, partition, position, begin)
    if position is None or position.offset != offset or rolled_back:
        position = Position(offset, clock, world.newest())
        with writer.one_life() as now:
            if now.life != look.life:  # then what is newest may be of less than was counted up to here
                raise Moved("ClickHouse has restarted")
        logger.log(logging.WARNING if offset else logging.INFO, "partition %d: the states begin anew", partition)
        world.metrics.rebuilds.inc()
        store.reset(position, world.nonce())

    # 4. The log goes on at C.
    consumer.seek(partition, max(offset, begin))
    return Held(log, partition, look.life, offset, position.clock, store, cache)


def _floor(world: World, partition: int, offset: int) -> bool:
    if not world.consumer.raise_floor(partition, offset):
        return False
    world.metrics.rollbacks.inc()
    logger.error(
        "partition %d: the log was put back to an earlier state; acknowledged records before %d may be lost. "
        "What it still holds is counted, new records go above.",
        partition,
        offset,
    )
    return True


def replay(consumer: Consumer, decided: Decided, begin: int) -> tuple[Blob, list[Entry], list[DeadLetter]]:
    """What was decided of a batch, and its lines, from the log, which begins at `begin`. Raises LogTruncated."""
    decision = blobs.decode(decided.blob)
    # A log without any marker may begin late: a topic that was there before us.
    first = max(decided.a, begin) if decided.a == 0 else decided.a
    records = consumer.read(decided.partition, first, decided.b)
    dead = {(offset, place): reason for offset, place, reason in decision.dead}
    return decision, *read(decided.log, records, 0, dead)


def _caught_up(world: World, store: Store, log: str, partition: int, position: Position, begin: int) -> Position | None:
    """Where the states stand, without the visitors of the one batch decided there; None if that cannot be had."""
    decided = world.writer.decided(log, partition, position.offset)
    if decided is None:
        return None
    try:
        decision, entries, _ = replay(world.consumer, decided, begin)
    except LogTruncated:
        return None
    store.save(position.offset, decided.b, decision.clock, unknown_of(visits(entries), decision.clock))
    return store.position()
