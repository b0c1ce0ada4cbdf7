"""All that a site's visitors ever did, for the rebuild of its sessions."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from rollups.client import Client
from rollups.past import PastEvent
from rollups.rows import SessionRow
from rollups.sql import statement

CHUNK = 2_000  # visitors

# Large, and on behalf of a worker that waits: the limits of an answer do not hold here.
_SETTINGS = {"max_execution_time": 600}


class History(NamedTuple):
    """A visitor's receipts (ms) in order, each with its event if it counts; its session rows exactly as written."""

    hash: int
    lines: list[tuple[int, PastEvent | None]]
    sessions: list[SessionRow]


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
            history.lines.append((received, PastEvent(*event) if counted else None))
        for session in map(_session, _rows(client, "memory_site_sessions", own)):
            found.setdefault(session.visitor, History(session.hash, [], [])).sessions.append(session)
        yield found


def _session(row: dict[str, Any]) -> SessionRow:
    return SessionRow._make(tuple(value) if isinstance(value, list) else value for value in row.values())


def _rows(client: Client, name: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    return client.rows(statement(name), params, _SETTINGS)
