"""How a running system does: what waits in each partition, unfinished batches, freshness, dead letters."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from deploy import wiring
from deploy.peek import LogState, Peek, peek
from deploy.settings import Settings
from ingest.contract import freshness
from ingest.log.dead import DeadLetter
from rollups import control, damage
from rollups.client import ClickHouseUnavailable, Client
from rollups.write import Writer

_NOT_MADE = (60, 81)  # ClickHouse's codes: no such table, no such database


class Unfinished(NamedTuple):
    """A batch decided `seconds` ago that has no marker yet; `log` is "" for the one in use."""

    log: str
    partition: int
    a: int
    seconds: int


@dataclass(frozen=True)
class Status:
    """`waits`: seconds that each partition's oldest uncounted event waits, None if nothing does; `unfinished` is None
    while ClickHouse has no tables yet; `fresh`: ms before which everything is in the numbers, None until every
    partition has said so; `dead`: reason → letters;
    `broken`: parts of ClickHouse's tables that are set aside.
    """

    log: LogState
    waits: Sequence[float | None]
    unfinished: Sequence[Unfinished] | None
    fresh: int | None
    dead: Mapping[str, int]
    broken: Sequence[damage.Part] = ()


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
        broken = [] if unfinished is None else damage.aside(client)
    return Status(state, waits, unfinished, freshness.read(wiring.redis_client(settings)), dead, broken)


def log_state(settings: Settings) -> LogState:
    """The log that the settings name. Blocks; raises LogUnavailable, RedisError."""
    with peek(settings) as log:
        return log.state()


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
        if error.code in _NOT_MADE:
            return None
        raise
    return [
        Unfinished("" if log == current else log, partition, a, writer.age(log, partition, a))
        for log, partition, a, *_ in batches
    ]
