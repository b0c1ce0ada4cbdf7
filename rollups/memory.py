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
# Large, and on behalf of a worker that waits: the limits of an answer do not hold here.
_SETTINGS = {"max_execution_time": 600}


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

    Both reach at least as far back as the memory does. A silence of over 25 h in receipts ended an earlier memory:
    `events` has none of its events, `forgotten` has their (id, time), `sessions` may have its rows.
    """

    site: str
    visitor: str
    hash: int
    received: int
    events: list[RememberedEvent]
    sessions: list[SessionRow]
    forgotten: set[tuple[str, int]]


class History(NamedTuple):
    """A visitor's receipts (ms) in order, each with its event if it counts; its session rows exactly as written."""

    hash: int
    lines: list[tuple[int, RememberedEvent | None]]
    sessions: list[SessionRow]


def memories(
    client: Client, log: str, partition: int, partitions: int, before: int, chunk: int = CHUNK
) -> tuple[int, Iterator[list[Remembered]]]:
    """The newest receipt of a partition (0: none), and what its visitors' memories need, `chunk` of them at a time.

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
            (row["site"], row["visitor"]): Remembered(
                row["site"], row["visitor"], row["hash"], row["last"], [], [], set()
            )
            for row in _rows(client, "memory_visitors", own)
        }
        for row in _rows(client, "memory_events", own):
            site, visitor, *fields, own_memory = row.values()
            event = RememberedEvent(*fields)
            if own_memory:
                found[site, visitor].events.append(event)
            else:
                found[site, visitor].forgotten.add((event.id, event.time))
        for session in map(_session, _rows(client, "memory_sessions", own)):
            found[session.site, session.visitor].sessions.append(session)
        yield [remembered for remembered in found.values() if remembered.events]


def histories(client: Client, site: str, chunk: int = CHUNK) -> Iterator[dict[str, History]]:
    """All that a site's visitors ever did, by visitor, about `chunk` of them at a time. Blocks while iterating."""
    visitors = int(_rows(client, "memory_site_size", {"site": site})[0]["visitors"])
    chunks = max(1, -(-visitors // chunk))
    for number in range(chunks):
        own = {"site": site, "chunks": chunks, "chunk": number}
        found: dict[str, History] = {}
        for row in _rows(client, "memory_site_events", own):
            visitor, hash_, received, counted, *event = row.values()
            history = found.setdefault(visitor, History(hash_, [], []))
            history.lines.append((received, RememberedEvent(*event) if counted else None))
        for session in map(_session, _rows(client, "memory_site_sessions", own)):
            found.setdefault(session.visitor, History(session.hash, [], [])).sessions.append(session)
        yield found


def _session(row: dict[str, Any]) -> SessionRow:
    return SessionRow._make(tuple(value) if isinstance(value, list) else value for value in row.values())


def _rows(client: Client, name: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    sql = _text(name).replace("{live}", _text("memory_live"))
    return client.rows(sql, params, _SETTINGS)


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text()
