"""An empty database filled with what a snapshot held, while workers hold still.

What says how far the logs are counted goes in first and the registry last: whatever is left half done counts nothing
twice, and takes no events, for no site is known. Then the same again from the beginning makes it whole.
"""
# ruff: noqa: S608 - names of our own tables

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rollups import control, migrate, rollup, version
from rollups.client import TOKEN_SETTINGS, Client
from rollups.engine import Engines
from rollups.snapshot import NOT_KEPT, SECONDS
from rollups.sql import statement

_FIRST, _LAST = ("logs", "progress"), "registry"
_SETTINGS = {
    **TOKEN_SETTINGS,
    "insert_deduplicate": 0,
    "max_execution_time": SECONDS,
    "input_format_parquet_allow_missing_columns": 1,
}
_RECORD = "refill"


class Content(NamedTuple):
    """A file of a snapshot: its table, how many rows, and how to have it."""

    table: str
    rows: int
    read: Callable[[], bytes]


class NotEmpty(Exception):
    """There is something that must not be overwritten; the message says what."""


class Short(Exception):
    """A table does not hold what was put into it; the message says which."""


def is_full(client: Client, registry_rows: int) -> bool:
    """Whether a refill by so many rows of the registry lacks only its end (`done`). Raises NotEmpty unless it does, or
    nothing was ever counted here and no site made, or a refill was left half done, which may be begun again.

    Blocks; raises ClickHouseUnavailable.
    """
    row = client.rows(statement("refill_used"))[0]
    if row["begun"] and row["sites"] and registry_rows <= row["registry"] <= registry_rows + 1:
        return True
    if row["sites"]:
        raise NotEmpty(f"{row['sites']:,} sites were made")
    if not row["begun"] and (row["events"] or row["batches"]):
        raise NotEmpty(f"{row['events']:,} events lie in it and {row['batches']:,} batches were counted")
    return False


def end_life(client: Client) -> None:
    """Whoever knew what lay here knows it no longer: workers take their partitions again, and forget all states."""
    client.command("TRUNCATE TABLE life")


def done(client: Client) -> None:
    """Say that the refill has ended. Blocks; raises ClickHouseUnavailable."""
    _record(client, "done")


def refill(
    client: Client,
    contents: Sequence[Content],
    built: Mapping[str, str],
    engines: Engines,
    progress: Callable[[int, int], None] = lambda done, files: None,
    wait_seconds: float = 60,
) -> None:
    """Fill the tables; `done` ends it. `built`: rollup → the definition that it was built from; one that this version
    defines otherwise is built anew.

    Blocks; raises ClickHouseUnavailable, NotEmpty, Short, control.ClaimLost, control.Unfinished.
    """
    there = {row["name"] for row in client.rows(statement("snapshot_tables"), {"not": list(NOT_KEPT)})}
    same = {name for name, digest in version.definitions().items() if built.get(name) == digest}
    wanted = [each for each in contents if each.table in there and each.table not in rollup.load().keys() - same]
    loaded = 0

    def load(*tables: str) -> None:
        nonlocal loaded
        for each in wanted:
            if each.table in tables:
                progress(loaded, len(wanted))
                held.check()
                client.patient(SECONDS).load(each.table, each.read(), _SETTINGS)
                loaded += 1

    with control.claim(client) as held:
        time.sleep(control.GRACE_SECONDS)  # nobody may have decided yet, and somebody be just about to
        control.hold_still(client, held, wait_seconds)
        is_full(client, -1)
        _record(client, "begun")
        migrate.make_stale(client, rollup.SOURCES.keys(), engines)
        _empty(client, (there | {"decision"}) - {_LAST})
        load(*_FIRST)
        end_life(client)
        load(*(there - {*_FIRST, _LAST}))
        _refuse_short(client, wanted)
        version.stand(client, same, engines)
        migrate.build_stale(client, held, engines)
        held.check()
        _empty(client, [_LAST])
        load(_LAST)
        end_life(client)  # before anybody counts again: what is newest was not known before


def _empty(client: Client, tables: Iterable[str]) -> None:
    for table in sorted(tables):
        client.patient(SECONDS).command(f"TRUNCATE TABLE `{table}`")


def _refuse_short(client: Client, contents: Iterable[Content]) -> None:
    """Of the tables of which no row is ever merged with another."""
    expected: dict[str, int] = {}
    for each in contents:
        expected[each.table] = expected.get(each.table, 0) + each.rows
    for table in ("events", "logs"):
        found = client.rows(f"SELECT count() AS n FROM `{table}`")[0]["n"]
        if found != expected.get(table, 0):
            raise Short(f"{table} holds {found:,} rows of {expected.get(table, 0):,}")


def _record(client: Client, what: str) -> None:
    columns: list[list[object]] = [[0], [_RECORD], [what]]
    types = ("UInt32", "String", "String")
    client.insert("migrations", ("number", "name", "hash"), types, columns, {"async_insert": 0})
