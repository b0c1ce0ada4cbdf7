"""One batch, in five steps: the order that makes it count once, whatever fails in between."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from ingest.contract.event import Erase, Event, Rebuild, encode
from ingest.log.dead import DeadLetter, dead_letter
from ingest.log.partition import hash31
from ingest.log.protocol import Record
from rollups.control import CLEARED
from rollups.decided import Decided
from rollups.erase import Row, Stone
from rollups.erase import rows as left_of
from rollups.native import NOTHING, Packed
from rollups.past import Asked, Found
from rollups.retain import Cut
from rollups.rows import Columns, EventRow, event_rows
from workers import blob as blobs
from workers import retained
from workers.ahead import Ahead, without, without_names
from workers.back import fold_back
from workers.blob import Blob, Erasing, Named
from workers.fold import Entry, Folded, Misjudged, Visit, Visits, heed
from workers.names import OTHER, Names
from workers.raw import decided_columns, nameless
from workers.rows import version
from workers.state import Moved
from workers.visitor import State, key, unread
from workers.whole import complete
from workers.world import Held, Paused, World

_REASON, _SITE, _KEYS = map(EventRow._fields.index, ("reason", "site", "keys"))


def count(world: World, held: Held, records: Sequence[Record], ahead: Ahead | None = None) -> Mapping[str, int]:
    """Count the records, which begin at `held.offset`; afterwards `held` stands behind them. Blocks.

    While it waits for ClickHouse, `ahead` works.

    Returns reason → lines ("counted" for those that do). Raises ClickHouseUnavailable, RedisError, LogUnavailable,
    Moved or Paused, after which nothing is known: drop `held` and take the partition again. Raises TwoDecided and
    TooManyDeadLetters, after which a human must look.
    """
    writer, log, partition = world.writer, held.log, held.partition
    a, b = held.offset, records[-1].offset + 1

    done = world.metrics.steps()

    # 1. Fold: pure. Redis is asked for its offset even if the cache holds every state, so a wipe is seen at once.
    ahead = ahead or Ahead(world.now)
    batch = ahead.take(log, records)
    token = writer.token(log, partition, a)
    sites = retained.sites(batch.visited, world.now())
    cuts = world.cuts(sites) if sites else {}
    folded = _folded(world, held, batch.visited, version(token), cuts)
    thrown = _thrown(log, partition, batch.entries, folded)
    if thrown:
        batch = without(batch, log, thrown)
    if gone := nameless(folded.reasons):
        batch = without_names(batch, log, partition, gone)
    stored, columns = batch.stored, batch.columns
    named = _named(zip(stored, columns[_KEYS], strict=True), {each[:2] for each in folded.reasons}, world.names)
    reach = world.consumer.reach(partition)
    erased = _erased(world, held, batch.visited, folded.errors)
    decision = blobs.blob(
        folded.reasons, batch.letters, folded.rows, folded.clock, named, len(stored), records, reach, erased
    )
    done("fold")

    with writer.one_life() as look:
        if look.life != held.life:
            raise Moved("ClickHouse has restarted, and may have lost what was last inserted")
        if sites and world.cuts(sites) != cuts:
            raise Moved("months have gone of which the batch has something")

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
        done("decide")

        # 3. Insert what was decided, and last the marker.
        ahead.begin()
        counts = insert(world, mine, decision, stored, batch.letters, counted=columns, packed=batch.packed)
    done("insert")

    # 4. Save the states, unless somebody else went on meanwhile.
    held.store.save(a, b, folded.clock, folded.states, folded.gone)
    held.cache.drop(folded.gone)
    held.cache.put(folded.states)
    for each in erased:
        held.erased.add(each.stone)
    held.offset, held.clock = b, folded.clock
    done("save")

    # 5. Commit: for information and retention.
    world.consumer.commit({partition: b})
    done("commit")
    return counts


def insert(
    world: World,
    decided: Decided,
    decision: Blob,
    entries: Iterable[Entry],
    letters: Iterable[DeadLetter],
    believed: bool = True,
    counted: Columns | None = None,
    packed: Packed = NOTHING,
) -> Mapping[str, int]:
    """Insert a decided batch, under its token: the same again changes nothing. Returns reason → lines.

    Not `believed` are the tokens of another life of the server: what lies there already is looked for, only the rest is
    inserted, and the rollups are doubted. Either way within `Writer.one_life`.
    """
    for letter in letters:
        world.dead.append(letter)
    events = decided_columns(decided, decision, entries, counted)
    return insert_columns(world, decided, decision, events, believed, packed)


def insert_columns(
    world: World,
    decided: Decided,
    decision: Blob,
    events: Columns,
    believed: bool = True,
    packed: Packed = NOTHING,
) -> Mapping[str, int]:
    """The same, of raw events that are columns already, of which some are packed too."""
    writer, log, partition = world.writer, decided.log, decided.partition
    token = writer.token(log, partition, decided.a)
    counts = Counter(events[_REASON])
    if counted := counts.pop("", 0):
        counts["counted"] = counted
    if decision.dead:
        counts["dead"] = len(decision.dead)
    sites = {*events[_SITE], *(row.site for row in decision.rows), *(each.stone.site for each in decision.erased)}
    nobodys, stones = left(token, decision.erased)
    with world.changing(f"{log}/{partition}", sites):
        if believed:
            writer.insert_columns(token, events, packed)
            # Before the sessions: a batch that only erases has no other rows for a fence or `forget` to see.
            writer.erase(token, nobodys, stones, believed)
            writer.insert_sessions(token, decision.rows)
        else:
            complete(writer, decided, event_rows(events), decision.rows, nobodys, stones)
        writer.mark(log, partition, decided.a, decided.b, decision.clock, counts, decision.reach)
    return counts


def unknown_of(visited: Visits, clock: int, reasons: Iterable[Misjudged] = ()) -> dict[str, State]:
    """States that say of each visitor of the lines that it must be read back, but of those who left nobody's lines."""
    erased = nameless(reasons)
    return {
        name: unread(visit.site, visit.visitor, hash31(visit.site, visit.visitor), max(visit.heard, clock))
        for name, visit in visited.by_visitor.items()
        if visit.revision is not None or not _all_in(visit, erased)
    }


def gone_of(visited: Visits, reasons: Iterable[Misjudged]) -> list[str]:
    """The visitors (keys) whom the lines erase, and of whom none counts."""
    erased = nameless(reasons)
    return [name for name, visit in visited.by_visitor.items() if visit.erases and _all_in(visit, erased)]


def _all_in(visit: Visit, places: Container[tuple[int, int]]) -> bool:
    return all(line[:2] in places for line in visit.lines)


def _erased(world: World, held: Held, visited: Visits, errors: Container[str]) -> list[Erasing]:
    """Those whom the lines of a batch erase, with what lay of them in the raw events before it."""
    found = []
    for name, visit in visited.by_visitor.items():
        if not visit.erases or name in errors:
            continue
        digest = held.erased.digest(visit.site, visit.visitor)
        taken = world.writer.taken(visit.site, visit.visitor, held.erased.stone(visit.site, visit.visitor))
        for offset, _, line in visit.erases:
            stone = Stone(visit.site, digest, line.received, held.log, held.partition, offset, line.erasure)
            found.append(Erasing(stone, taken if line is visit.erases[-1][2] else []))
    return found


def left(token: str, erased: Iterable[Erasing]) -> tuple[list[Row], list[Stone]]:
    """What the batch of this token leaves of those whom it erases, and how they are remembered."""
    rows: list[Row] = []
    for each in erased:
        rows += left_of(token, each.stone, each.taken, len(rows))
    return rows, [each.stone for each in erased]


def _folded(world: World, held: Held, visited: Visits, version_: int, cuts: Mapping[str, Cut]) -> Folded:
    world.names.settle()
    heed(visited, held.erased.is_new)
    late = retained.late(visited, cuts, held.erased)
    states, absent = held.cache.take(visited.by_visitor)
    loaded, horizon = held.store.load(held.offset, absent)

    def read_back(asked: Sequence[Asked]) -> Sequence[Found]:
        world.metrics.read_back.inc(len(asked))
        return world.past(asked)

    # After a clock that was ahead, what it said is not believed any longer.
    clock = min(held.clock, world.now())
    known: Mapping[str, State] = states | loaded
    if cuts:
        known = retained.readable(known, cuts)
    erased = held.erased
    folded = fold_back(known, horizon, clock, visited, version_, world.lookup, read_back, world.names, erased, cuts)
    return folded._replace(reasons=sorted([*folded.reasons, *late])) if late else folded


def _named(
    stored: Iterable[tuple[Entry, Sequence[str]]], misjudged: Container[tuple[int, int]], names: Names
) -> list[Named]:
    """The counted events that have data keys (given beside them) beyond their site's daily number."""
    found: list[Named] = []
    for (offset, place, line), keys in stored:
        if keys and isinstance(line, Event) and (offset, place) not in misjudged:
            name = names.day(line.site, line.time).name
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
        names: Sequence[str] = ()
        if isinstance(line, Event | Erase):
            names = [line.visitor]
        elif isinstance(line, Rebuild):
            names = line.visitors
        errors = [folded.errors[name] for visitor in names if (name := key(line.site, visitor)) in folded.errors]
        if errors:
            reason = f"the session rule: {errors[0]}"
            letters.append(dead_letter(reason, log, partition, offset, place, encode([line]).rstrip()))
    return letters
