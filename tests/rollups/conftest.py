"""A migrated database with the small rollups of these tests."""

from collections.abc import Iterator

import pytest

from rollups.client import Client, connect
from rollups.write import Writer
from tests.rollups.make import ROLLUPS
from tests.services.schema import migrated


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    migrated(clickhouse_url, ROLLUPS)
    connected = connect(clickhouse_url)
    yield connected
    connected.close()


@pytest.fixture
def writer(client: Client) -> Writer:
    return Writer(client)
