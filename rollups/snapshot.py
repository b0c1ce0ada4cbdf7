"""All tables as they were at one moment, beside the live ones, so that they can be read at leisure.

Between two batches, while workers hold still, the parts of every table are linked into a database of their own: no
bytes are copied, and what is inserted, merged or deleted afterwards does not show there. Nothing merges in it, so each
of its parts keeps its name and content.
"""
# ruff: noqa: S608 - names of tables and parts; values are bound

import re
import time
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from rollups import control
from rollups.client import Client
from rollups.sql import statement

SECONDS = 3_600.0  # that one statement may take
# What an installation says of itself, and the decisions of batches that are all finished.
NOT_KEPT = ("control", "decision", "life", "migrations")
_LAST = "registry"  # an event names a revision of its site's settings that was there before it
_STILL = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"

_SETTINGS = re.compile(r" SETTINGS .*$", re.DOTALL)
_REPLICATED = re.compile(r"^Replicated(\w+)\('(?:[^'\\]|\\.)*', '(?:[^'\\]|\\.)*'(?:, )?")


class Piece(NamedTuple):
    """Rows of one month of a table: whole parts, or with `begin` and `end` some rows of one. `name` stands for what is
    in it: the same rows of the same parts have the same name, whatever the parts are called."""

    table: str
    month: str
    name: str
    parts: tuple[str, ...]
    rows: int
    begin: int = 0
    end: int = 0


class Part(NamedTuple):
    """`hash`: of what is in it."""

    name: str
    rows: int
    bytes: int
    hash: str


class Column(NamedTuple):
    name: str
    type: str


class Standing(NamedTuple):
    """Up to where a partition of a log is in the snapshot: all that lies before `position`, nothing that comes after.

    `received_to`: its newest receipt, ms.
    """

    log: str
    partition: int
    position: int
    received_to: int


def database(client: Client) -> str:
    """Where snapshots of the client's database lie."""
    return f"{client.database}_backup"


def take(client: Client, wait_seconds: float) -> None:
    """Take a snapshot; one that was there goes. Blocks, and workers hold still meanwhile.

    Raises ClickHouseUnavailable, control.ClaimLost; control.Unfinished while a batch stays half inserted.
    """
    drop(client)
    with control.claim(client) as held:
        time.sleep(control.GRACE_SECONDS)  # nobody may have decided yet, and somebody be just about to
        control.hold_still(client, held, wait_seconds)
        place = database(client)
        client.command(f"CREATE DATABASE `{place}`")
        tables = client.rows(statement("snapshot_tables"), {"not": list(NOT_KEPT)})
        for table in sorted(tables, key=lambda row: row["name"] == _LAST):
            name, engine = table["name"], alone(table["made"])
            client.command(f"CREATE TABLE `{place}`.`{name}` AS `{name}` ENGINE = {engine} SETTINGS {_STILL}")
            client.command(f"ALTER TABLE `{place}`.`{name}` ATTACH PARTITION ALL FROM `{name}`")
        held.check()  # lost on the way, workers may have gone on


def alone(engine: str) -> str:
    """The engine of a table with its keys, but on this server alone and without settings. Pure."""
    return _REPLICATED.sub(r"\1(", _SETTINGS.sub("", engine))


def drop(client: Client) -> None:
    client.command(f"DROP DATABASE IF EXISTS `{database(client)}` SYNC")


def columns(client: Client) -> dict[str, list[Column]]:
    """Of every table in the snapshot, in the tables' order."""
    found: dict[str, list[Column]] = {}
    for row in client.rows(statement("snapshot_columns"), {"database": database(client)}):
        found.setdefault(row["table"], []).append(Column(row["name"], row["type"]))
    return found


def standings(client: Client) -> list[Standing]:
    """Of every partition of every log."""
    sql = (
        "SELECT log, partition, max(b) AS position, toUnixTimestamp64Milli(max(received_to)) AS received_to "
        f"FROM `{database(client)}`.progress GROUP BY log, partition ORDER BY log, partition"
    )
    return [Standing(**row) for row in client.rows(sql)]


def pieces(client: Client, most_rows: int, most_bytes: int) -> list[Piece]:
    """Everything in the snapshot, in pieces of bounded size."""
    by_month: dict[tuple[str, str], list[Part]] = {}
    for row in client.rows(statement("snapshot_parts"), {"database": database(client)}):
        part = Part(row["name"], row["rows"], row["bytes"], row["hash"])
        by_month.setdefault((row["table"], row["month"]), []).append(part)
    return [
        piece for (table, month), parts in by_month.items() for piece in cut(table, month, parts, most_rows, most_bytes)
    ]


def cut(table: str, month: str, parts: Sequence[Part], most_rows: int, most_bytes: int) -> list[Piece]:
    """The parts of a month in pieces: small ones together, large ones cut. Pure."""
    made: list[Piece] = []
    small: list[Part] = []
    rows = size = 0
    for part in sorted(parts, key=lambda each: (-each.rows, each.hash)):
        most = max(1, min(most_rows, most_bytes * part.rows // max(part.bytes, 1)))
        if part.rows > most:
            for begin in range(0, part.rows, most):
                end = min(begin + most, part.rows)
                name = _name((part.hash, str(begin), str(end)))
                made.append(Piece(table, month, name, (part.name,), end - begin, begin, end))
            continue
        if small and (rows + part.rows > most_rows or size + part.bytes > most_bytes):
            made.append(_together(table, month, small))
            small, rows, size = [], 0, 0
        small.append(part)
        rows, size = rows + part.rows, size + part.bytes
    return [*made, _together(table, month, small)] if small else made


def _together(table: str, month: str, parts: Sequence[Part]) -> Piece:
    name = _name(sorted(part.hash for part in parts))
    return Piece(table, month, name, tuple(part.name for part in parts), sum(part.rows for part in parts))


def read(client: Client, piece: Piece) -> bytes:
    """The rows of a piece, as Parquet. Blocks; raises ClickHouseUnavailable."""
    where: dict[str, Any] = {"parts": list(piece.parts)}
    sql = f"SELECT * FROM `{database(client)}`.`{piece.table}` WHERE _part IN {{parts:Array(String)}}"
    if piece.end:
        sql += " AND _part_offset >= {begin:UInt64} AND _part_offset < {end:UInt64}"
        where |= {"begin": piece.begin, "end": piece.end}
    return client.patient(SECONDS).export(sql, where, {"max_execution_time": SECONDS})


def _name(parts: Sequence[str]) -> str:
    return blake2b("/".join(parts).encode(), digest_size=12).hexdigest()
