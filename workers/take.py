"""Taking a partition: ClickHouse says where it stands, its open batch is finished, the states are brought there."""

import logging

from ingest.log.dead import DeadLetter
from ingest.log.protocol import LogTruncated, PartitionsChanged
from rollups.write import Decided
from workers import blob as blobs
from workers import put_back
from workers.batch import insert, insert_rows, unknown_of
from workers.blob import Blob
from workers.cache import Cache
from workers.fold import Entry, visits
from workers.read import read
from workers.state import Position, Store
from workers.world import Held, Paused, World

logger = logging.getLogger(__name__)

_CATCH_UP = 20  # batches; a crash leaves one, and beyond some it is quicker to read visitors back as they return


class Torn(LogTruncated):
    """An unfinished batch can neither be inserted nor judged anew before it is set aside."""


def take(world: World, partition: int, cache: Cache) -> Held:
    """Take the partition over; the log is then positioned where the returned `Held` stands. Blocks.

    Raises what `batch.count` raises, and what is for a human: LogTruncated if the log no longer holds what it must,
    PartitionsChanged if its visitors were placed otherwise.
    """
    writer, consumer = world.writer, world.consumer
    log, partitions = consumer.log_id(), consumer.partitions
    store = Store(world.redis, log, partitions, partition, world.state_bytes)
    if (counted := writer.partitions(log, partitions)) != partitions:
        raise PartitionsChanged(f"log {log}", counted, partitions)

    # 1. C: the end of the last finished batch, in ClickHouse. The group's offset and Redis have no say in it.
    marked = writer.marked(log, partition)
    offset, clock, reach = marked or (0, 0, 0)
    begin = consumer.bounds(partition).begin
    if begin > offset and marked is not None:
        raise LogTruncated(f"partition {partition} of log {log} begins at {begin}, after {offset}: records are lost")

    # 2. What was decided at C is inserted as it was decided.
    kept: int | None = None  # the position in a log that was put back
    while decided := writer.decided(log, partition, offset):
        if writer.closed():
            raise Paused
        writer.refuse_running(log, partition, offset)
        kept = _floor(world, log, partition, decided.b, kept)
        decision = _finish(world, decided, begin)
        offset, clock, reach = decided.b, decision.clock, max(reach, decision.reach)
    if offset:
        kept = _floor(world, log, partition, max(offset, reach), kept)
    if kept is not None:
        put_back.tell(world, log, partition, kept, offset)

    # 3. States behind C forget the visitors of what was decided since; any others begin anew. Who is forgotten is read
    # back on returning. A Redis that was put back says nothing that can be believed.
    position = store.position()
    for _ in range(_CATCH_UP):
        if position is not None and position.offset < offset and kept is None:
            position = _caught_up(world, store, log, partition, position, begin)
    if position is None or position.offset != offset or kept is not None:
        position = Position(offset, clock, world.newest())
        logger.log(logging.WARNING if offset else logging.INFO, "partition %d: the states begin anew", partition)
        world.metrics.rebuilds.inc()
        store.reset(position, world.nonce())

    # 4. The log goes on at C.
    consumer.seek(partition, max(offset, begin))
    return Held(log, partition, offset, position.clock, store, cache)


def _floor(world: World, log: str, partition: int, offset: int, before: int | None) -> int | None:
    """The position that the log remembers if it was put back; `before`: as found before, for a floor hides it."""
    floor = world.consumer.raise_floor(partition, offset)
    if floor.put_back or _changed(world, log, partition, floor.committed, offset):
        return floor.committed if before is None else min(before, floor.committed)
    return before


def _changed(world: World, log: str, partition: int, begin: int, end: int) -> bool:
    """Whether the log holds others than the records that were decided from `begin` on.

    A worker that ends before its commit leaves one batch to look at, a log whose offsets came again others in it.
    """
    for _ in range(_CATCH_UP):
        decided = world.writer.decided(log, partition, begin) if begin < end else None
        if decided is None:
            return False
        records = world.consumer.left(partition, decided.a, decided.b)
        if not blobs.whole(blobs.decode(decided.blob), decided.b, records):
            return True
        begin = decided.b
    return False


def _finish(world: World, decided: Decided, begin: int) -> Blob:
    """Insert an open batch as it was decided; returns the decision. Where the log was put back and no longer has its
    records, the raw events may have all of its rows.

    Raises Torn if they have not: its sessions must not be counted then.
    """
    try:
        decision, entries, letters = _decided(world, decided, begin)
    except LogTruncated as error:
        decision, rows = blobs.decode(decided.blob), world.writer.stored(decided)
        if len(rows) != decision.lines:
            raise Torn(
                f"{error}: the log was put back, and a part of an open batch is gone. To go on without that part: "
                f"throughline batch set-aside {decided.partition} --lost; to count what is left of it: "
                f"throughline dead-letters replay"
            ) from error
        insert_rows(world, decided, decision, rows)
    else:
        insert(world, decided, decision, entries, letters)
    return decision


def _decided(world: World, decided: Decided, begin: int) -> tuple[Blob, list[Entry], list[DeadLetter]]:
    """Raises LogTruncated unless the log still has the very records that were decided."""
    decision = blobs.decode(decided.blob)
    # A log without any marker may begin late: a topic that was there before us.
    first = max(decided.a, begin) if decided.a == 0 else decided.a
    records = world.consumer.read(decided.partition, first, decided.b)
    if not blobs.whole(decision, decided.b, records):
        raise LogTruncated(f"partition {decided.partition}: the records at {decided.a} are not those that were decided")
    dead = {(offset, place): reason for offset, place, reason in decision.dead}
    return decision, *read(decided.log, records, 0, dead)


def _caught_up(world: World, store: Store, log: str, partition: int, position: Position, begin: int) -> Position | None:
    """Where the states stand, without the visitors of the one batch decided there; None if that cannot be had."""
    decided = world.writer.decided(log, partition, position.offset)
    if decided is None:
        return None
    try:
        decision, entries, _ = _decided(world, decided, begin)
    except LogTruncated:
        return None
    store.save(position.offset, decided.b, decision.clock, unknown_of(visits(entries), decision.clock))
    return store.position()
