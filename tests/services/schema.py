"""This version's schema in a new database, as `migrate` makes it but for a quarter of its cost: many tests want one.

The first of a server is migrated; what that made, tables and rows in them, is made again for each after it.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import uuid4

from rollups.client import Client, connect
from rollups.migrate import migrate
from rollups.rollup import Rollup


class _Table(NamedTuple):
    name: str
    made: str
    rows: int | None


_firsts: dict[tuple[str, str], tuple[str, list[_Table]]] = {}  # server and rollups → database that was migrated


def migrated(url: str, rollups: Mapping[str, Rollup] | None = None) -> None:
    """Instead of `migrate`, where the database is not there yet and migrating is not what is tested. Blocks."""
    server, _, database = url.rpartition("/")
    first, tables = _first(server, rollups)
    client = connect(f"{server}/default")
    client.command(f"CREATE DATABASE `{database}`")
    for table in tables:
        client.command(table.made.replace(f"{first}.", f"{database}."))
        if table.rows:
            client.command(f"INSERT INTO {database}.{table.name} SELECT * FROM {first}.{table.name}")  # noqa: S608 - ours
    client.close()


def _first(server: str, rollups: Mapping[str, Rollup] | None) -> tuple[str, list[_Table]]:
    key = (server, repr(rollups))
    if key not in _firsts:
        database = f"migrated_{uuid4().hex}"
        migrate(f"{server}/{database}", rollups=rollups)
        client = connect(f"{server}/{database}")
        _firsts[key] = database, _tables(client)
        client.close()
    return _firsts[key]


def _tables(client: Client) -> list[_Table]:
    """Views after what they write into."""
    found = client.rows(
        "SELECT name, create_table_query AS made, total_rows AS rows FROM system.tables "
        "WHERE database = currentDatabase() ORDER BY engine = 'MaterializedView', name"
    )
    return [_Table(**row) for row in found]
