"""Taking a partition: ClickHouse says where it stands, its open batch is finished, the states are brought there."""

import logging

from ingest.log.dead import DeadLetter
from ingest.log.protocol import Consumer, LogTruncated, PartitionsChanged
from rollups.client import ClickHouseUnavailable
from rollups.decided import Decided
from rollups.rows import EventRow, transposed
from rollups.write import Writer
from workers import blob as blobs
from workers import put_back
from workers.aside import FENCED
from workers.batch import gone_of, insert, insert_columns, unknown_of
from workers.blob import Blob
from workers.cache import Cache
from workers.erased import Erased
from workers.fold import Entry, heed, visits
from workers.read import read
from workers.state import Moved, Position, Store
from workers.world import Held, LogOver, Paused, World

logger = logging.getLogger(__name__)

_CATCH_UP = 20  # batches; a crash leaves one, and beyond some it is quicker to read visitors back as they return


class Torn(LogTruncated):
    """The open batch of a partition can neither be inserted nor judged anew before it is set aside."""

    def __init__(self, partition: int, why: object) -> None:
        super().__init__(
            f"{why}: this batch can only be set aside: throughline batch set-aside {partition} --lost; then, to count "
            f"what is left of it: throughline dead-letters replay"
        )
        self.partition = partition


class Forgotten(Exception):
    """ClickHouse does not know of what was counted: to count it again would double what it may still hold."""


def take(world: World, partition: int, cache: Cache) -> Held:
    """Take the partition over; the log is then positioned where the returned `Held` stands. Blocks.

    Raises what `batch.count` raises, and what is for a human: LogTruncated if the log no longer holds what it must,
    PartitionsChanged if its visitors were placed otherwise, Forgotten if ClickHouse lost where it stood. LogOver if
    another log comes first, which a visitor's sessions may stand in.
    """
    writer, consumer = world.writer, world.consumer
    log, partitions = consumer.log_id(), consumer.partitions
    store = Store(world.redis, log, partitions, partition, world.state_bytes)
    whole = world.left(f"{log}/{partition}")
    with writer.one_life() as look:
        if not world.due():
            raise LogOver
        if (counted := writer.partitions(log, partitions)) != partitions:
            raise PartitionsChanged(f"log {log}", counted, partitions)
        writer.refuse_damaged()

        # 1. C: the end of the last finished batch, in ClickHouse. The group's offset and Redis have no say in it.
        stood = store.position()  # before the marker is looked for, as another worker may be at it
        marked = writer.marked(log, partition)
        if marked is None and stood is not None and stood.offset:
            _refuse_forgotten(writer, log, partition)
        offset, clock, reach = marked or (0, 0, 0)
        begin = consumer.bounds(partition).begin
        if begin > offset and marked is not None:
            what = f"partition {partition} of log {log}"
            raise LogTruncated(f"{what} begins at {begin}, after {offset}: records are lost")

        # 2. What was decided at C is inserted as it was decided: under its token in the life of the server in which it
        # was decided, else by looking for what lies there.
        rolled_back, kept = False, offset  # the position that the log remembers
        while decided := writer.decided(log, partition, offset, look.life):
            if writer.closed():
                raise Paused
            writer.refuse_running(log, partition, offset)
            floor = consumer.raise_floor(partition, decided.b)
            rolled_back, kept = rolled_back or floor.put_back, min(kept, floor.committed)
            decision = _finish(world, decided, begin, believed=decided.life == look.life)
            offset, clock, reach = decided.b, decision.clock, max(reach, decision.reach)
        if offset:
            floor = consumer.raise_floor(partition, max(offset, reach))
            rolled_back, kept = rolled_back or floor.put_back, min(kept, floor.committed)
        if rolled_back or kept < offset:
            rolled_back = put_back.look(world, log, partition, kept, offset, rolled_back)

    # 3. States behind C forget the visitors of what was decided since; any others begin anew. Who is forgotten is read
    # back on returning. A Redis that was put back says nothing that can be believed, nor do states of another life of
    # the server: they may have seen a batch that a power cut took, and that was decided otherwise or set aside since.
    position = store.position()
    if other_life := position is not None and not store.generation.startswith(f"{look.life}."):
        position = None
    for _ in range(_CATCH_UP):
        if position is not None and position.offset < offset and not rolled_back:
            position = _caught_up(world, store, log, partition, position, begin)
    if position is None or position.offset != offset or rolled_back:
        position = Position(offset, clock, world.newest())
        with writer.one_life() as now:
            if now.life != look.life:  # then what is newest may be of less than was counted up to here
                raise Moved("ClickHouse has restarted")
        expected = other_life or not offset
        logger.log(logging.INFO if expected else logging.WARNING, "partition %d: the states begin anew", partition)
        world.metrics.rebuilds.inc()
        store.reset(position, f"{look.life}.{world.nonce()}")

    # 4. What others may have left half inserted is whole; the log goes on at C.
    whole()
    consumer.seek(partition, max(offset, begin))
    erased = Erased(writer.erased(), world.secret)
    return Held(log, partition, look.life, offset, position.clock, store, cache, erased)


def _refuse_forgotten(writer: Writer, log: str, partition: int) -> None:
    """A first batch without its marker is only unfinished, if there was no second one."""
    first, _ = writer.standing(log, partition, 0)
    if first is None or writer.standing(log, partition, first.b)[0] is not None:
        raise Forgotten(
            f"ClickHouse does not know how far partition {partition} of log {log} is counted, though Redis has the "
            f"states of its visitors: `throughline status` tells what is gone and what brings it back"
        )


def _finish(world: World, decided: Decided, begin: int, believed: bool) -> Blob:
    """Insert an open batch as it was decided; returns the decision. Where the log was put back and no longer has its
    records, the raw events may have all of its rows.

    Raises Torn if they have not, for its sessions must not be counted then, and if setting it aside was begun.
    """
    try:
        try:
            decision, entries, letters = replay(world.consumer, decided, begin)
        except LogTruncated as error:
            decision, rows = blobs.decode(decided.blob), world.writer.stored(decided)
            if len(rows) != decision.lines:
                raise Torn(decided.partition, f"{error}, for the log was put back") from error
            insert_columns(world, decided, decision, transposed(EventRow, rows), believed)
        else:
            insert(world, decided, decision, entries, letters, believed)
    except ClickHouseUnavailable as refused:
        if refused.code != FENCED:
            raise
        raise Torn(decided.partition, "setting it aside was begun") from refused
    return decision


def replay(consumer: Consumer, decided: Decided, begin: int) -> tuple[Blob, list[Entry], list[DeadLetter]]:
    """What was decided of a batch, and its lines, from the log, which begins at `begin`. Raises LogTruncated unless it
    still has the very records that were decided.
    """
    decision = blobs.decode(decided.blob)
    # A log without any marker may begin late: a topic that was there before us.
    first = max(decided.a, begin) if decided.a == 0 else decided.a
    records = consumer.read(decided.partition, first, decided.b)
    if not blobs.whole(decision, decided.b, records):
        raise LogTruncated(f"partition {decided.partition}: the records at {decided.a} are not those that were decided")
    dead = {(offset, place): reason for offset, place, reason in decision.dead}
    return decision, *read(decided.log, records, 0, dead)


def _caught_up(world: World, store: Store, log: str, partition: int, position: Position, begin: int) -> Position | None:
    """Where the states stand, without the visitors of the one batch decided there; None if that cannot be had."""
    decided = world.writer.decided(log, partition, position.offset)
    if decided is None or not decided.blob:  # an erasure made it forget what it held
        return None
    try:
        decision, entries, _ = replay(world.consumer, decided, begin)
    except LogTruncated:
        return None
    visited = visits(entries)
    # Whom a batch erased that was set aside since, lies there still: without a state it would be nobody's past.
    own = {each.stone.erasure for each in decision.erased}
    erased = own and own & {stone.erasure for stone in world.writer.erased()}
    heed(visited, erased.__contains__)
    unknown, gone = unknown_of(visited, decision.clock, decision.reasons), gone_of(visited, decision.reasons)
    store.save(position.offset, decided.b, decision.clock, unknown, gone)
    return store.position()
