"""Broken parts of our tables: which there are, and setting them aside so that the rest of a table can be read.

A part that ClickHouse finds broken as it starts it sets aside by itself, and goes on without its rows. One that breaks
later fails every question that reads it, until it is set aside too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rollups.client import Client
from rollups.sql import statement

_CHECK_SECONDS = 3_600.0


class Part(NamedTuple):
    """`name`: as it is set aside, `bytes` long."""

    table: str
    name: str
    bytes: int


def aside(client: Client) -> list[Part]:
    """The parts that are set aside. Blocks; raises ClickHouseUnavailable."""
    return [Part(**row) for row in client.rows(statement("aside"))] if client.rows(statement("detached")) else []


def told(parts: Iterable[Part]) -> str:
    """How many of which table; "" if there are none."""
    return ", ".join(f"{number} of {table}" for table, number in sorted(Counter(each.table for each in parts).items()))


def find(client: Client) -> list[Part]:
    """Read all that lies in our tables and set aside what is broken; returns that. Blocks; raises
    ClickHouseUnavailable. Replicas mend each other, so theirs are left alone.
    """
    before = set(aside(client))
    mine = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
        "AND engine NOT LIKE 'Replicated%' ORDER BY name"
    )
    for row in client.rows(mine):
        for part in client.patient(_CHECK_SECONDS).check(row["name"]):
            client.command(f"ALTER TABLE `{row['name']}` DETACH PART '{part}'")
    return [part for part in aside(client) if part not in before]


def drop(client: Client, parts: Sequence[Part]) -> None:
    """Delete parts that are set aside. Blocks; raises ClickHouseUnavailable."""
    for part in parts:
        name = part.name.replace("\\", "\\\\").replace("'", "\\'")
        client.command(f"ALTER TABLE `{part.table}` DROP DETACHED PART '{name}'", settings={"allow_drop_detached": 1})
