"""What tests are given instead of a migrated database is one."""

from contextlib import closing
from typing import Any

import pytest

from rollups.client import connect
from rollups.migrate import migrate
from tests.services.schema import migrated

pytestmark = pytest.mark.services


def held(url: str) -> Any:
    """Statements of all tables, whether anything is in them, and what is said to be done."""
    with closing(connect(url)) as client:
        tables = client.rows(
            "SELECT name, replaceAll(create_table_query, currentDatabase() || '.', '') AS made, "
            "total_rows > 0 AS filled FROM system.tables WHERE database = currentDatabase() ORDER BY name"
        )
        return tables, client.rows("SELECT number, name, hash FROM migrations ORDER BY ALL")


def test_it_is_what_a_migration_makes(clickhouse_url: str) -> None:
    migrated(clickhouse_url)
    found = held(clickhouse_url)
    assert migrate(clickhouse_url) == []
    with closing(connect(clickhouse_url)) as client:
        client.command(f"DROP DATABASE {client.database} SYNC")
    migrate(clickhouse_url)
    assert held(clickhouse_url) == found
