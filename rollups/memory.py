"""What workers must remember, read back from ClickHouse when Redis has lost it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rollups.client import Client
from rollups.rows import SessionRow

FORGET_MS = 25 * 3_600_000  # a silence in receipts that ends a memory
SLACK_MS = 600_000
KEEP_MS = 24 * 3_600_000 + 30 * 60_000  # how long before the newest event a session must have ended to stay as it is
CHUNK = 2_000  # visitors

_FOLDER = Path(__file__).parent / "query"
# Large, and on behalf of a worker that waits: no limits of an answer here. Rows of other columns keep their names.
_SETTINGS = {"max_execution_time": 600, "joined_subquery_requires_alias": 0}


class RememberedEvent(NamedTuple):
    """A counted event: what sessions need of it, times in ms, the amount in ten-thousandths."""

    time: int
    seq: int
    id: str
    type: str
    view: str
    page: str
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    settings: int
    scroll: int | None
    engaged_ms: int | None
    amount: int | None
    currency: str
    transaction: str


class Remembered(NamedTuple):
    """A visitor within its memory: its newest receipt, its counted events, its live session rows exactly as written.

    Both reach at least as far back as the memory does, and no further than its last gap of 25 h in receipts as far as
    events are concerned; a row whose first event is not among them belongs to an earlier memory.
    """

    site: str
    visitor: str
    hash: int
    received: int
    events: list[RememberedEvent]
    sessions: list[SessionRow]


def memories(
    client: Client, log: str, partition: int, partitions: int, before: int, chunk: int = CHUNK
) -> tuple[int, Iterator[list[Remembered]]]:
    """The newest receipt of a partition (0: none), and what its visitors' memories need, some `chunk` visitors at a time.

    Counts what lies below offset `before` of this partition of this log, and all of other logs by the visitors' hash.
    Blocks, also while iterating; raises ClickHouseUnavailable.
    """
    params: dict[str, Any] = {"log": log, "partition": partition, "partitions": partitions, "before": before}
    found = _rows(client, "memory_clock", params)[0]
    if not found["lines"]:
        return 0, iter(())
    clock = int(found["clock"])
    params |= {"alive": clock - FORGET_MS - SLACK_MS, "forget": FORGET_MS, "keep": KEEP_MS}
    visitors = int(_rows(client, "memory_size", params)[0]["visitors"])
    return clock, _chunks(client, params, max(1, -(-visitors // chunk)))


def _chunks(client: Client, params: dict[str, Any], chunks: int) -> Iterator[list[Remembered]]:
    for number in range(chunks):
        own = params | {"chunks": chunks, "chunk": number}
        found = {
            (row["site"], row["visitor"]): Remembered(row["site"], row["visitor"], row["hash"], row["last"], [], [])
            for row in _rows(client, "memory_visitors", own)
        }
        for row in _rows(client, "memory_events", own):
            site, visitor, *event = row.values()
            found[site, visitor].events.append(RememberedEvent(*event))
        for row in _rows(client, "memory_sessions", own):
            session = SessionRow._make(tuple(value) if isinstance(value, list) else value for value in row.values())
            found[session.site, session.visitor].sessions.append(session)
        yield [remembered for remembered in found.values() if remembered.events]


def _rows(client: Client, name: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    sql = _text(name).replace("{live}", _text("memory_live"))
    return client.rows(sql, params, _SETTINGS)


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text()
