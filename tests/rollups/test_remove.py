"""A deleted site leaves every table, and only it."""

import time

import pytest

from rollups import rollup
from rollups.client import Client, connect
from rollups.remove import remove
from rollups.write import Writer
from tests.api.answer import made
from tests.services.schema import migrated

pytestmark = pytest.mark.services

START = made.at("2025-03-01T10:00:00+00:00")


def held(client: Client, site: str) -> set[str]:
    tables = ("events", "sessions", *rollup.load())
    return {table for table in tables if client.rows(f"SELECT 1 FROM {table} WHERE site = '{site}' LIMIT 1")}  # noqa: S608


def test_a_deleted_site_leaves_every_table_and_only_it(clickhouse_url: str) -> None:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    writer = Writer(client)

    def write(token: str, sites: tuple[str, ...]) -> None:
        writer.insert_events(
            token, [made.event("0" * 16, kind, START, site=site) for site in sites for kind in ("pageview", "buy")]
        )
        payments = [("o-1", START, 10_000, "EUR")]
        writer.insert_sessions(
            token,
            [
                made.paying("0" * 16, START, payments, site=site, ev_type=("buy",), ev_time=(START,), ev_seq=(0,))
                for site in sites
            ],
        )

    def remove_all() -> list[str]:
        changed = remove(client, ["deleted1", "deleted2"])
        for _ in range(200):
            if not held(client, "deleted1") | held(client, "deleted2"):
                return changed
            time.sleep(0.05)
        raise AssertionError(f"still there: {held(client, 'deleted1')}")

    write("a", ("deleted1", "deleted2", "kept"))
    before = held(client, "kept")
    assert {"events", "sessions", "series", "trait", "element", "visitor"} <= before
    assert set(remove_all()) == before
    assert held(client, "kept") == before
    assert remove(client, ["deleted1"]) == remove(client, []) == []
    write("b", ("deleted1",))  # a batch that was on its way
    assert set(remove_all()) == before
