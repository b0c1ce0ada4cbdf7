"""A migrated database with the small rollups of these tests."""

from collections.abc import Iterator

import pytest

from rollups.client import Client, connect
from rollups.migrate import migrate
from rollups.write import Writer
from tests.rollups.make import ROLLUPS


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    migrate(clickhouse_url, rollups=ROLLUPS)
    connected = connect(clickhouse_url)
    yield connected
    connected.close()


@pytest.fixture
def writer(client: Client) -> Writer:
    return Writer(client)
