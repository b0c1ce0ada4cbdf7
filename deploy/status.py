"""How a running system does: what waits in each partition, unfinished batches, freshness, dead letters."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from deploy import event_log, wiring
from deploy.gone import another_log, missed
from deploy.peek import LogState, Peek, peek
from deploy.retaining import Standing, standings
from deploy.settings import Settings
from ingest.contract import freshness, snapshot
from ingest.log.dead import DeadLetter
from ingest.log.succession import open_of
from rollups import control, damage
from rollups.client import NOT_MADE, ClickHouseUnavailable, Client
from rollups.mend import doubts
from rollups.sql import statement
from rollups.write import Writer

_Row = TypeVar("_Row")


class Unfinished(NamedTuple):
    """A batch decided `seconds` ago that has no marker yet; `log` is "" for the one in use."""

    log: str
    partition: int
    a: int
    seconds: int


class PutBack(NamedTuple):
    """The log was found back at `kept`, though counted up to `counted`: offsets. `at`: seconds since the epoch."""

    partition: int
    kept: int
    counted: int
    at: int


class Before(NamedTuple):
    """A log before the one in use, of whose `partitions` so many are `left` to be counted; `sealed`: to final ends."""

    log: str
    partitions: int
    left: int
    sealed: bool


@dataclass(frozen=True)
class Status:
    """`gone`: what ClickHouse lost, `other`: that the log is another one than before, each a sentence or None.

    `waits`: seconds that each partition's oldest uncounted event waits, None if nothing does; `unfinished` is None
    while ClickHouse has no tables yet; `fresh`: ms before which everything is in the numbers, None until every
    partition has said so; `dead`: reason → letters; `put_back`: within a week; `ahead`: ms that the newest receipt
    counted lies ahead of this machine's clock. `broken`: parts of ClickHouse's tables that are set aside. `doubted`:
    sites whose rollups are being made right. `before`: logs that are counted first. `kept`: what sites keep that do not
    keep all, by id.
    """

    log: LogState
    gone: str | None
    other: str | None
    waits: Sequence[float | None]
    unfinished: Sequence[Unfinished] | None
    fresh: int | None
    dead: Mapping[str, int]
    put_back: Sequence[PutBack] = ()
    ahead: int = 0
    broken: Sequence[damage.Part] = ()
    doubted: Collection[str] = ()
    before: Sequence[Before] = ()
    kept: Mapping[str, Standing] = field(default_factory=dict)


def status(settings: Settings) -> Status:
    """Ask the stores, making nothing. Blocks; raises LogUnavailable, ClickHouseUnavailable, RedisError."""
    with peek(settings) as log:
        client = wiring.clickhouse(settings)
        state = log.state()
        unfinished = _unfinished(client, state.id)
        # Before the tables are made, everything waits.
        writer = None if unfinished is None else Writer(client)
        waits = [_waits(log, writer, state, partition) for partition in range(len(state.ends))]
        dead = by_reason(log.dead())
        marks = [writer and writer.marked(state.id, partition) for partition in range(len(state.ends))]
        newest = max((mark.clock for mark in marks if mark), default=0)
        put_back = _made(lambda: _put_back(client, state.id))
        doubted = {span.site for span in _made(lambda: doubts(client))}
        broken = [] if unfinished is None else damage.aside(client)
        kept = _kept(settings, client)
    gone = missed(settings)
    before = [] if unfinished is None else _before(settings, client)
    return Status(
        state,
        gone,
        None if gone or unfinished is None else another_log(settings),
        waits,
        unfinished,
        freshness.read(wiring.redis_client(settings)),
        dead,
        put_back,
        max(0, newest - wiring.now()),
        broken,
        doubted,
        before,
        kept,
    )


def _before(settings: Settings, client: Client) -> list[Before]:
    links = event_log.chain(settings)[:-1]
    positions = control.positions(client) if links else {}
    left = [(link, len(open_of(link, positions))) for link in links]
    return [Before(link.log, link.partitions, count, link.ends is not None) for link, count in left if count]


def _put_back(client: Client, log: str) -> list[PutBack]:
    return [PutBack(**row) for row in client.rows(statement("put_back"), {"log": log})]


def _kept(settings: Settings, client: Client) -> dict[str, Standing]:
    sites = snapshot.published(wiring.redis_client(settings)).by_id.values()
    found = _made(lambda: list(standings(client, sites, wiring.now()).items()))
    return dict(found)


def _made(ask: Callable[[], list[_Row]]) -> list[_Row]:
    try:
        return ask()
    except ClickHouseUnavailable as error:
        if error.code in NOT_MADE:  # by an earlier version's migrate
            return []
        raise


def by_reason(letters: Iterable[DeadLetter]) -> dict[str, int]:
    """Letters by the kind of what is wrong with them, most first: without the numbers and details of each."""
    kinds = Counter(re.sub(r"\d[\d,]*", "N", letter.reason.partition(":")[0]) for letter in letters)
    return dict(kinds.most_common())


def _waits(log: Peek, writer: Writer | None, state: LogState, partition: int) -> float | None:
    position = (writer and writer.position(state.id, partition)) or 0
    if position >= state.ends[partition]:
        return None
    since = log.waits_since(partition, position)
    return None if since is None else max(0, wiring.now() - since) / 1000


def _unfinished(client: Client, current: str) -> list[Unfinished] | None:
    writer = Writer(client)
    try:
        batches = control.unfinished(client)
    except ClickHouseUnavailable as error:
        if error.code in NOT_MADE:
            return None
        raise
    return [
        Unfinished("" if log == current else log, partition, a, writer.age(log, partition, a))
        for log, partition, a, *_ in batches
    ]
