"""Recompute sessions and rollups from the raw events, independently of the workers, and report every difference.

Three comparisons a site: the events' reasons with what follows from their order of arrival; the session rows with a
batch computation over the events (one SQL statement, `query/verify_sessions.sql`), but for sessions whose events are
gone; each rollup table with its facts over the session or event rows, and what is kept of those that are gone. Every
comparison is cut into parts of bounded size. Workers need not stop: a part that differs is compared again while they
hold still, so that a batch half inserted is no difference.
"""
# ruff: noqa: S608 - names of our own tables; values are bound

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, NamedTuple

from rollups import control, kept, retain, rollup
from rollups.client import Client
from rollups.compared import days, differing
from rollups.kept import Types
from rollups.rollup import Rollup
from rollups.sql import statement

MOST = 1000  # differences listed of one part
_EVENTS_A_PART = 200_000
_SESSIONS_A_PART = 100_000  # but whole days
_KEYS_A_PART = 500_000
_NEAR = timedelta(days=31)
_PART_SECONDS = 600
_SETTINGS = {
    "max_memory_usage": 3_000_000_000,
    "max_bytes_before_external_group_by": 500_000_000,
    "max_bytes_before_external_sort": 500_000_000,
    "max_execution_time": _PART_SECONDS,
}


class Difference(NamedTuple):
    """`expected` and `found` as text; "" where a side has nothing."""

    site: str
    table: str
    key: str
    expected: str
    found: str


Part = Callable[[], list[Difference]]


def verify(
    client: Client,
    *,
    site: str | None = None,
    rollups: Mapping[str, Rollup] | None = None,
    wait_seconds: float = 30,
    progress: Callable[[int, int], None] = lambda done, parts: None,
) -> Iterator[Difference]:
    """Every difference, of one site or of all. Blocks; raises ClickHouseUnavailable.

    While a batch stays half inserted and no worker finishes it, its differences are reported as they are. `progress`
    hears how many parts are compared, and of how many.
    """
    client = client.patient(_PART_SECONDS + 10)
    made = rollup.load() if rollups is None else rollups
    sites = [site] if site is not None else _sites(client, made)
    types = {name: kept.types(client, one) for name, one in made.items()}
    parts = [part for one in sites for part in _parts(client, one, made, types)]
    suspects = []
    for number, part in enumerate(parts):
        progress(number, len(parts))
        if part():
            suspects.append(part)
    if not suspects:
        return
    with suppress(control.Unfinished):
        retain.wait(client)
    with control.claim(client) as held:
        with suppress(control.Unfinished):
            control.hold_still(client, held, wait_seconds)
        retain.finish(client)
        for part in suspects:
            yield from part()


def _sites(client: Client, made: Mapping[str, Rollup]) -> list[str]:
    tables = ["events", "sessions", *made]
    every = " UNION DISTINCT ".join(f"SELECT site FROM {table} GROUP BY site" for table in tables)
    return sorted(str(row["site"]) for row in client.rows(every))


def _parts(client: Client, site: str, made: Mapping[str, Rollup], types: Mapping[str, Types]) -> Iterator[Part]:
    events = client.rows("SELECT count() AS n FROM events WHERE site = {site:String}", {"site": site})[0]["n"]
    chunks = 1 + events // _EVENTS_A_PART
    for chunk in range(chunks):
        params = {"site": site, "chunks": chunks, "chunk": chunk, "most": MOST}
        yield partial(_reasons, client, params)
        yield partial(_sessions, client, params)
    for name, one in made.items():
        for params in _windows(client, site, one, types[name]):
            yield partial(_rollup, client, one, types[name], params)


def _windows(client: Client, site: str, one: Rollup, of: Types) -> list[dict[str, Any]]:
    base = {"site": site, "most": MOST}
    if one.grain_ms:
        rows = client.rows(days(one, of), {"site": site}, _SETTINGS)
        return [{**base, "from": first, "to": last + timedelta(days=1)} for first, last in _spans(rows)]
    rows = client.rows(f"SELECT count() AS n FROM {one.name} WHERE site = {{site:String}}", {"site": site})[0]["n"]
    chunks = 1 + rows // _KEYS_A_PART
    return [{**base, "chunks": chunks, "chunk": chunk} for chunk in range(chunks)]


def _spans(days: Iterable[Mapping[str, Any]]) -> Iterator[tuple[datetime, datetime]]:
    """First and last of days that lie near each other and hold no more than a part together."""
    first = last = None
    held = 0
    for row in days:
        day = datetime.combine(row["day"], time(), UTC)
        if first and last and (held + row["n"] > _SESSIONS_A_PART or day - last > _NEAR):
            yield first, last
            first, held = None, 0
        first, last = first or day, day
        held += row["n"]
    if first and last:
        yield first, last


def _reasons(client: Client, params: Mapping[str, Any]) -> list[Difference]:
    rows = client.rows(statement("verify_reasons"), params, _SETTINGS)
    return [
        Difference(
            params["site"], "events", f"{row['visitor']} {row['id']} {row['received']}", row["expected"], row["found"]
        )
        for row in rows
    ]


def _sessions(client: Client, params: Mapping[str, Any]) -> list[Difference]:
    rows = client.rows(statement("verify_sessions"), params, _SETTINGS)
    sides: dict[str, tuple[list[str], list[str]]] = {}
    for row in rows:
        expected, found = sides.setdefault(f"{row['visitor']} {row['start']}", ([], []))
        side = expected if row["copies"] > 0 else found
        side += [str(row["row"])] * abs(row["copies"])
    return [
        Difference(params["site"], "sessions", key, "; ".join(expected), "; ".join(found))
        for key, (expected, found) in sides.items()
    ]


def _rollup(client: Client, one: Rollup, of: Types, params: Mapping[str, Any]) -> list[Difference]:
    rows = client.rows(differing(one, of), params, _SETTINGS)
    return [
        Difference(
            params["site"], one.name, " ".join(str(row[name]) for name in one.dimensions), row["expected"], row["found"]
        )
        for row in rows
    ]
