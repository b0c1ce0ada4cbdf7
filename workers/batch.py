"""One batch, in five steps: the order that makes it count once, whatever fails in between."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from ingest.contract.data import leaf_keys
from ingest.contract.event import Event, Filtered, Rebuild, encode
from ingest.log.dead import DeadLetter
from ingest.log.partition import hash31
from ingest.log.protocol import Record
from rollups.control import CLEARED
from rollups.past import Asked, Found
from rollups.rows import Columns, EventRow, event_rows
from rollups.write import Decided
from workers import blob as blobs
from workers.back import fold_back
from workers.blob import Blob, Named
from workers.fold import Entry, Folded, Visits, visits
from workers.names import OTHER, Names
from workers.raw import decided_columns
from workers.read import FUTURE_MS, read
from workers.rows import version
from workers.state import Moved
from workers.visitor import State, key, unread
from workers.whole import complete
from workers.world import Held, Paused, World

_REASON, _SITE = map(EventRow._fields.index, ("reason", "site"))


def count(world: World, held: Held, records: Sequence[Record]) -> Mapping[str, int]:
    """Count the records, which begin at `held.offset`; afterwards `held` stands behind them. Blocks.

    Returns reason → lines ("counted" for those that do). Raises ClickHouseUnavailable, RedisError, LogUnavailable,
    Moved or Paused, after which nothing is known: drop `held` and take the partition again. Raises TwoDecided and
    TooManyDeadLetters, after which a human must look.
    """
    writer, log, partition = world.writer, held.log, held.partition
    a, b = held.offset, records[-1].offset + 1

    # 1. Fold: pure. Redis is asked for its offset even if the cache holds every state, so a wipe is seen at once.
    entries, letters = read(log, records, world.now() + FUTURE_MS)
    token = writer.token(log, partition, a)
    visited = visits(entries)
    folded = _folded(world, held, visited, version(token))
    letters += _thrown(log, partition, entries, folded)
    named = _named(entries, {each[:2] for each in folded.reasons}, world.names)
    lost = {(letter.offset, letter.index) for letter in letters}
    lines = sum(isinstance(line, Event | Filtered) and (offset, place) not in lost for offset, place, line in entries)
    reach = world.consumer.reach(partition)
    decision = blobs.blob(folded.reasons, letters, folded.rows, folded.clock, named, lines, records, reach)

    with writer.one_life() as look:
        if look.life != held.life:
            raise Moved("ClickHouse has restarted, and may have lost what was last inserted")

        # 2. Decide: the first writer's row is this batch for ever.
        if look.phase != CLEARED:
            raise Paused
        mine = Decided(log, partition, a, b, world.nonce(), blobs.encode(decision), look.life)
        writer.decide(mine)
        stands = writer.stands(mine)
        if stands.nonce != mine.nonce:
            raise Moved(f"another worker decided {token}")
        if stands.closed:
            raise Paused

        # 3. Insert what was decided, and last the marker.
        counts = insert(world, mine, decision, entries, letters)

    # 4. Save the states, unless somebody else went on meanwhile.
    held.store.save(a, b, folded.clock, folded.states)
    held.cache.put(folded.states)
    held.offset, held.clock = b, folded.clock

    # 5. Commit: for information and retention.
    world.consumer.commit({partition: b})
    return counts


def insert(
    world: World,
    decided: Decided,
    decision: Blob,
    entries: Iterable[Entry],
    letters: Iterable[DeadLetter],
    believed: bool = True,
) -> Mapping[str, int]:
    """Insert a decided batch, under its token: the same again changes nothing. Returns reason → lines.

    Not `believed` are the tokens of another life of the server: what lies there already is looked for, only the rest is
    inserted, and the rollups are doubted. Either way within `Writer.one_life`.
    """
    for letter in letters:
        world.dead.append(letter)
    return insert_columns(world, decided, decision, decided_columns(decided, decision, entries), believed)


def insert_columns(
    world: World, decided: Decided, decision: Blob, events: Columns, believed: bool = True
) -> Mapping[str, int]:
    """The same, of raw events that are columns already."""
    writer, log, partition = world.writer, decided.log, decided.partition
    token = writer.token(log, partition, decided.a)
    counts = Counter(events[_REASON])
    if counted := counts.pop("", 0):
        counts["counted"] = counted
    if decision.dead:
        counts["dead"] = len(decision.dead)
    sites = {*events[_SITE], *(row.site for row in decision.rows)}
    with world.changing(f"{log}/{partition}", sites):
        if believed:
            writer.insert_columns(token, events)
            writer.insert_sessions(token, decision.rows)
        else:
            complete(writer, decided, event_rows(events), decision.rows)
        writer.mark(log, partition, decided.a, decided.b, decision.clock, counts, decision.reach)
    return counts


def unknown_of(visited: Visits, clock: int) -> dict[str, State]:
    """States that say of each visitor of the lines that it must be read back."""
    return {
        name: unread(visit.site, visit.visitor, hash31(visit.site, visit.visitor), max(visit.heard, clock))
        for name, visit in visited.by_visitor.items()
    }


def _folded(world: World, held: Held, visited: Visits, version_: int) -> Folded:
    world.names.settle()
    states, absent = held.cache.take(visited.by_visitor)
    loaded, horizon = held.store.load(held.offset, absent)

    def read_back(asked: Sequence[Asked]) -> Sequence[Found]:
        world.metrics.read_back.inc(len(asked))
        return world.past(asked)

    # After a clock that was ahead, what it said is not believed any longer.
    clock = min(held.clock, world.now())
    return fold_back(states | loaded, horizon, clock, visited, version_, world.lookup, read_back, world.names)


def _named(entries: Iterable[Entry], misjudged: Container[tuple[int, int]], names: Names) -> list[Named]:
    """The counted events that have data keys beyond their site's daily number."""
    found: list[Named] = []
    for offset, place, line in entries:
        if isinstance(line, Event) and line.data and (offset, place) not in misjudged:
            name = names.day(line.site, line.time).name
            keys = leaf_keys(line.data)
            kept = [key for key in keys if name("key", f"{line.type}\0{key}") != OTHER]
            if len(kept) < len(keys):
                found.append(Named(offset, place, (*kept, OTHER)))
    return found


def _thrown(log: str, partition: int, entries: Iterable[Entry], folded: Folded) -> list[DeadLetter]:
    """The lines of visitors on whom the rule threw."""
    if not folded.errors:
        return []
    letters: list[DeadLetter] = []
    for offset, place, line in entries:
        names = [line.visitor] if isinstance(line, Event) else line.visitors if isinstance(line, Rebuild) else ()
        errors = [folded.errors[name] for visitor in names if (name := key(line.site, visitor)) in folded.errors]
        if errors:
            reason = f"the session rule: {errors[0]}"
            letters.append(DeadLetter(reason, log, partition, offset, place, encode([line]).rstrip()))
    return letters
