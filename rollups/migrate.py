"""Bring a database to this version's schema: numbered statements, then every rollup, backfilled when there is data.

Safe to run twice and by several at once; a database of a newer version is left alone.
"""

# ruff: noqa: S608 - names of our own tables and files; values are bound

import uuid
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rollups import control, rollup
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.engine import ONE_SERVER, Engines
from rollups.rollup import Rollup

SCHEMA = Path(__file__).parent / "schema"
MIN_VERSION = (25, 8)
_BACKFILL_SETTINGS = {"max_partitions_per_insert_block": 0, "async_insert": 0, "insert_deduplicate": 0}


class SchemaRefused(Exception):
    """This database or server cannot be used by this version; the message says why in one sentence."""


def migrate(
    url: str,
    *,
    engines: Engines = ONE_SERVER,
    rollups: Mapping[str, Rollup] | None = None,
    wait_seconds: float = 60,
) -> list[str]:
    """Create or update the database that `url` names; returns what was done, nothing if all was there. Blocks.

    Raises SchemaRefused, ClickHouseUnavailable, control.ClaimLost, and control.Unfinished when a rollup must be added
    while a batch stays half inserted: all but the rollups is done then, and running it again beside a worker does them.
    """
    client = connect(url)
    _create_database(url, client.database, engines)
    try:
        _refuse_newer(client)
        _apply(client, 1, engines)  # the tables that the claim itself needs
        _apply(client, 2, engines)
        wanted = rollup.load() if rollups is None else rollups
        if not _missing(client) and not _stale(client, wanted):
            return []
        with control.claim(client) as held:
            done = [_apply(client, number, engines) for number in _missing(client)]
            stale = _stale(client, wanted)
            if stale:
                control.hold_still(client, held, wait_seconds)
            for name in stale:
                _build(client, held, wanted[name], engines)
                done.append(f"rollup {name}")
        return done
    finally:
        client.close()


def _create_database(url: str, name: str, engines: Engines) -> None:
    server = connect(url, database="default")
    try:
        version = str(server.rows("SELECT version() AS version")[0]["version"])
        if tuple(int(part) for part in version.split(".")[:2]) < MIN_VERSION:
            least = ".".join(map(str, MIN_VERSION))
            raise SchemaRefused(f"ClickHouse {version} is too old, Throughline needs {least} or newer")
        server.command(engines.fill(f"CREATE DATABASE IF NOT EXISTS `{name}` {{on_cluster}}"))
    finally:
        server.close()


def _files() -> dict[int, Path]:
    return {int(path.name[:4]): path for path in sorted(SCHEMA.glob("*.sql"))}


def _refuse_newer(client: Client) -> None:
    newest = max(_files())
    if client.rows("EXISTS TABLE migrations")[0]["result"]:
        found = client.rows("SELECT max(number) AS number FROM migrations")[0]["number"]
        if found > newest:
            raise SchemaRefused(
                f"the database {client.database} has schema {found}, this version knows {newest}: upgrade Throughline"
            )


def _missing(client: Client) -> list[int]:
    there = {row["number"] for row in client.rows("SELECT DISTINCT number FROM migrations")}
    return [number for number in _files() if number not in there]


def _apply(client: Client, number: int, engines: Engines) -> str:
    """Run one numbered file and record it. Files are written so that a second run does nothing."""
    path = _files()[number]
    sql = path.read_text()
    client.command(engines.fill(sql))
    if not client.rows("SELECT 1 FROM migrations WHERE number = {number:UInt32} LIMIT 1", {"number": number}):
        _record(client, number, path.stem, sql)
    return path.stem


def _record(client: Client, number: int, name: str, text: str) -> None:
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    columns: list[list[Any]] = [[number], [name], [digest]]
    client.insert(
        "migrations", ("number", "name", "hash"), ("UInt32", "String", "String"), columns, {"async_insert": 0}
    )


def _stale(client: Client, wanted: Mapping[str, Rollup]) -> list[str]:
    """Names of rollups that are not there yet, or were built from another definition."""
    rows = client.rows("SELECT name, argMax(hash, at) AS hash FROM migrations WHERE number = 0 GROUP BY name")
    built = {row["name"]: row["hash"] for row in rows}
    return [name for name, made in wanted.items() if built.get(f"rollup {name}") != _digest(made)]


def _digest(made: Rollup) -> str:
    return blake2b(made.definition.encode(), digest_size=8).hexdigest()


def _build(client: Client, held: control.Claim, made: Rollup, engines: Engines) -> None:
    """Backfill into a table of another name, so that neither a crash nor a second migrator can leave half a rollup."""
    types = {row["name"]: row["type"] for row in client.rows(f"DESCRIBE TABLE ({made.grouped(made.source)})")}
    fresh = f"{made.name}_{uuid.uuid4().hex[:8]}"
    client.command(made.create_table(fresh, types, engines))
    try:
        time = rollup.SOURCES[made.source]
        for row in client.rows(f"SELECT DISTINCT toYYYYMM({time}) AS month FROM {made.source} ORDER BY month"):
            held.check()
            client.command(made.backfill(fresh), {"month": row["month"]}, _BACKFILL_SETTINGS)
        held.check()
        for table in (f"{made.name}_view", made.name):
            client.command(engines.fill(f"DROP TABLE IF EXISTS `{table}` {{on_cluster}} SYNC"))
        client.command(engines.fill(f"RENAME TABLE `{fresh}` TO `{made.name}` {{on_cluster}}"))
    except (ClickHouseUnavailable, control.ClaimLost):
        client.command(engines.fill(f"DROP TABLE IF EXISTS `{fresh}` {{on_cluster}} SYNC"))
        raise
    client.command(made.create_view(engines))
    held.check()  # lost on the way, workers may have gone on: then nothing is recorded and it is built again
    _record(client, 0, f"rollup {made.name}", made.definition)
