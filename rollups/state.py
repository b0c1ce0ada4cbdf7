"""What an operator watches of ClickHouse itself, and of when sites were heard."""

from collections.abc import Collection
from typing import NamedTuple

from rollups.client import NOT_MADE, ClickHouseUnavailable, Client
from rollups.sql import statement, utc


class Parts(NamedTuple):
    """Of a table: active parts and their bytes, compressed; `inactive`: bytes of parts that are about to be deleted;
    `of_sites`: whether each row is a site's.
    """

    table: str
    parts: int
    bytes: int
    inactive: int = 0
    of_sites: bool = False


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


def by_site(client: Client, tables: Collection[Parts]) -> dict[str, int]:
    """Bytes that each site takes of the tables, the most first: an estimate. Blocks; raises ClickHouseUnavailable.

    Raw events are shared out by events of the ledger, everything else by sessions, as if a row of one site took as much
    as a row of another. What is no site's is in none.
    """
    try:
        rows = client.rows(statement("site_shares"))
    except ClickHouseUnavailable as error:
        if error.code in NOT_MADE:  # by an earlier version's migrate
            return {}
        raise
    raw = sum(each.bytes for each in tables if each.table == "events")
    rest = sum(each.bytes for each in tables if each.of_sites) - raw
    events, sessions = (max(1, sum(row[name] for row in rows)) for name in ("events", "sessions"))
    found = {row["site"]: raw * row["events"] // events + rest * row["sessions"] // sessions for row in rows}
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def disks(client: Client) -> list[Disk]:
    """Those of this server; of a cluster's others nothing is known."""
    return [Disk(**row) for row in client.rows(statement("disks"))]


def heard(client: Client, since: int) -> list[Heard]:
    """Of every site with a counted event since then (ms)."""
    return [Heard(**row) for row in client.rows(statement("site_silences"), {"from": utc(since)})]
