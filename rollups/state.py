"""What an operator watches of ClickHouse itself, and of when sites were heard."""

from typing import NamedTuple

from rollups.client import Client
from rollups.sql import statement, utc


class Parts(NamedTuple):
    """Of a table: active parts and their bytes."""

    table: str
    parts: int
    bytes: int


class Disk(NamedTuple):
    """Bytes of one of the server's disks."""

    name: str
    total: int
    free: int


class Heard(NamedTuple):
    """When a site's counted events came, ms, by quarters of an hour; `longest`: between two of them."""

    site: str
    last: int
    first: int
    longest: int


def parts(client: Client) -> list[Parts]:
    """Blocks; raises ClickHouseUnavailable, as all of these do."""
    return [Parts(**row) for row in client.rows(statement("table_parts"))]


def disks(client: Client) -> list[Disk]:
    """Those of this server; of a cluster's others nothing is known."""
    return [Disk(**row) for row in client.rows(statement("disks"))]


def heard(client: Client, since: int) -> list[Heard]:
    """Of every site with a counted event since then (ms)."""
    return [Heard(**row) for row in client.rows(statement("site_silences"), {"from": utc(since)})]
