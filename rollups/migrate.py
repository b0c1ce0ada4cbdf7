"""Bring a database to this version's schema: numbered statements, then every rollup, backfilled when there is data.

Safe to run twice and by several at once; a database of a newer version is left alone. A rollup whose view is not there
is stale whatever was recorded, and before a view is taken off it is recorded that its rollup stands for no definition:
so no crash leaves one that is short and does not show it, neither to this version nor to another one.
"""
# ruff: noqa: S608 - names of our own tables and files; values are bound

import time
import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from rollups import control, kept, retain, rollup
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.engine import ONE_SERVER, Engines
from rollups.rollup import Rollup
from rollups.sql import statement

SCHEMA = Path(__file__).parent / "schema"
MIN_VERSION = (25, 8)
_DECIDED_ASIDE = 9
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
    The views of rollups to be built again are taken off after half of `wait_seconds`, for it may be one of them that
    keeps the batch from being finished.
    """
    client = connect(url)
    _create_database(url, client.database, engines)
    try:
        _refuse_newer(client)
        _apply(client, (1, 2), engines)  # the tables that the claim itself needs
        wanted = rollup.load() if rollups is None else rollups
        if not (_missing(client) or _gone(client, wanted) or _stale(client, wanted) or _not_durable(client, engines)):
            return []
        with control.claim(client) as held:
            missing = _missing(client)
            if _DECIDED_ASIDE in missing:
                _let_finish(client)
            done = _apply(client, missing, engines)
            done += [_make_durable(client, table, engines) for table in _not_durable(client, engines)]
            for name in _gone(client, wanted):
                _take_off(client, name, engines)
                client.command(engines.fill(f"DROP TABLE IF EXISTS `{name}` {{on_cluster}}"))
                done.append(f"rollup {name} dropped")
            stale = _stale(client, wanted)
            if stale:
                _hold_still(client, held, stale, engines, wait_seconds)
            done += [f"rollup {name}" for name in build_stale(client, held, engines, wanted)]
        return done
    finally:
        client.close()


def make_again(client: Client, numbers: Iterable[int], engines: Engines) -> None:
    """Run numbered files again whose tables are gone. Blocks; raises ClickHouseUnavailable."""
    _apply(client, numbers, engines)


def make_stale(client: Client, sources: Container[str], engines: Engines) -> None:
    """Take the views off the rollups that are made from one of the tables; `build_stale` mends them. Blocks."""
    wanted = rollup.load()
    for row in _there(client):
        if row.has_view and (row.name not in wanted or wanted[row.name].source in sources):
            _take_off(client, row.name, engines)


def build_stale(
    client: Client, held: control.Claim, engines: Engines, wanted: Mapping[str, Rollup] | None = None
) -> list[str]:
    """Build every rollup that needs it, while workers hold still; returns their names. Blocks; raises ClaimLost."""
    made = rollup.load() if wanted is None else wanted
    stale = _stale(client, made)
    there = {row.name for row in _there(client) if row.has_table or row.has_view}
    if stale:
        retain.finish(client)
    months = {source: _months(client, source) for source in {made[name].source for name in stale}}
    new = [name for name in stale if name not in there and not months[made[name].source] and not _kept(client, name)]
    held.check()
    _record(client, [_stands_for(name, "") for name in new])
    for name in new:
        _begin(client, made[name], engines)
    for name in stale:
        if name not in new:
            _build(client, made[name], held, months[made[name].source], engines)
            held.check()  # lost on the way, workers may have gone on: then nothing is recorded and it is built again
            _record(client, [_stands_for(name, _digest(made[name].definition))])
    held.check()
    _record(client, [_stands_for(name, _digest(made[name].definition)) for name in new])
    return stale


def _months(client: Client, source: str) -> list[int]:
    """YYYYMM of its rows."""
    sql = f"SELECT DISTINCT toYYYYMM({rollup.SOURCES[source]}) AS month FROM {source} ORDER BY month"
    return [row["month"] for row in client.rows(sql)]


def _kept(client: Client, name: str) -> bool:
    """Whether there is anything of it whose source is gone."""
    return bool(client.rows("SELECT 1 FROM kept WHERE rollup = {name:String} LIMIT 1", {"name": name}))


def drop_view(url: str, name: str, *, engines: Engines = ONE_SERVER) -> None:
    """Take the view of one rollup off, waiting for nobody: what is inserted from then on is missing in the rollup until
    `migrate` builds it again. Blocks; raises SchemaRefused if there is no such view, ClickHouseUnavailable.
    """
    client = connect(url)
    try:
        names = [row.name for row in _there(client) if row.has_view]
        if name not in names:
            raise SchemaRefused(f"no rollup {name} has a view; those that have one: {', '.join(names) or 'none'}")
        _take_off(client, name, engines)
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


def _let_finish(client: Client) -> None:
    """Workers decide nothing under the claim; those of before can finish what is under way only until 0009."""
    if client.rows("EXISTS TABLE decided")[0]["result"] and client.rows("SELECT 1 FROM decided LIMIT 1"):
        time.sleep(control.GRACE_SECONDS)


def _apply(client: Client, numbers: Iterable[int], engines: Engines) -> list[str]:
    """Run numbered files; returns their names. Each is recorded before the next: a second run of one does nothing, a
    second run of several might.
    """
    files, done = _files(), []
    missing: Container[int] | None = None
    for number in numbers:
        sql = files[number].read_text()
        client.command(engines.fill(sql))
        if missing is None:
            missing = _missing(client)  # the first file makes the table that tells
        if number in missing:
            _record(client, [(number, files[number].stem, _digest(sql))])
        done.append(files[number].stem)
    return done


def _record(client: Client, rows: Sequence[tuple[int, str, str]]) -> None:
    """Numbers, names and digests of what was done."""
    if rows:
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        client.insert(
            "migrations", ("number", "name", "hash"), ("UInt32", "String", "String"), columns, {"async_insert": 0}
        )


def _not_durable(client: Client, engines: Engines) -> list[str]:
    """Names of our tables that lack one of the settings which all have now."""
    wanted = [f"{name} = {value}" for name, value in engines.durable.items()]
    return [
        row["name"]
        for row in client.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
            "AND (position(engine_full, 'fsync_after_insert') > 0 OR name IN ('migrations', 'control')) "  # not others'
            "AND NOT arrayAll(setting -> position(engine_full, setting) > 0, {wanted:Array(String)}) ORDER BY name",
            {"wanted": wanted},
        )
    ]


def _make_durable(client: Client, table: str, engines: Engines) -> str:
    client.command(engines.fill(f"ALTER TABLE `{table}` {{on_cluster}} MODIFY SETTING {{durable}}"))
    return f"durable {table}"


class _There(NamedTuple):
    """`hash`: of the definition that the rollup was built from, "" if it stands for none."""

    name: str
    hash: str
    has_table: bool
    has_view: bool


def _there(client: Client) -> list[_There]:
    return [_There(**row) for row in client.rows(statement("rollups_there"))]


def _stale(client: Client, wanted: Mapping[str, Rollup]) -> list[str]:
    """Names of rollups that are not there, lack their view, or were built from another definition."""
    built = {row.name: row.hash for row in _there(client) if row.has_table and row.has_view}
    return [name for name, made in wanted.items() if built.get(name) != _digest(made.definition)]


def _gone(client: Client, wanted: Mapping[str, Rollup]) -> list[str]:
    """Names of rollups that another version left here and this one does not have."""
    return [row.name for row in _there(client) if row.name not in wanted and (row.has_table or row.has_view)]


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _hold_still(
    client: Client, held: control.Claim, stale: Sequence[str], engines: Engines, wait_seconds: float
) -> None:
    try:
        control.hold_still(client, held, wait_seconds / 2)
    except control.Unfinished:
        if control.mutating(client):
            raise  # no view is in the way, only time
        for name in stale:
            _take_off(client, name, engines)
        control.hold_still(client, held, wait_seconds / 2)


def _take_off(client: Client, name: str, engines: Engines) -> None:
    """Drop a rollup's view. Not SYNC, which would wait for inserts that hang in it."""
    _record(client, [_stands_for(name, "")])
    client.command(engines.fill(f"DROP TABLE IF EXISTS `{name}_view` {{on_cluster}}"))


def _stands_for(name: str, digest: str) -> tuple[int, str, str]:
    """The record of the definition that a rollup was built from, "" for none."""
    return 0, f"rollup {name}", digest


def _begin(client: Client, made: Rollup, engines: Engines) -> None:
    """Make a rollup that was never there, of a source without rows."""
    _create(client, made, made.name, engines)
    client.command(made.create_view(engines))


def _create(client: Client, made: Rollup, table: str, engines: Engines) -> None:
    types = {row["name"]: row["type"] for row in client.rows(f"DESCRIBE TABLE ({made.grouped(made.source)})")}
    client.command(made.create_table(table, types, engines))


def _build(client: Client, made: Rollup, held: control.Claim, months: Sequence[int], engines: Engines) -> None:
    """Backfill the months of the source into a table of another name, so that neither a crash nor a second migrator can
    leave half a rollup.
    """
    fresh = f"{made.name}_{uuid.uuid4().hex[:8]}"
    _create(client, made, fresh, engines)
    try:
        for month in months:
            held.check()
            client.command(made.backfill(fresh), {"month": month}, _BACKFILL_SETTINGS)
        client.command(kept.backfill(made, kept.types(client, made), fresh), settings=_BACKFILL_SETTINGS)
        held.check()
        _take_off(client, made.name, engines)
        client.command(engines.fill(f"DROP TABLE IF EXISTS `{made.name}` {{on_cluster}}"))
        client.command(engines.fill(f"RENAME TABLE `{fresh}` TO `{made.name}` {{on_cluster}}"))
    except (ClickHouseUnavailable, control.ClaimLost):
        client.command(engines.fill(f"DROP TABLE IF EXISTS `{fresh}` {{on_cluster}} SYNC"))
        raise
    client.command(made.create_view(engines))
