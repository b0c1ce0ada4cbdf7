"""A database with every rollup, and the rows that workers would have written into it."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import pytest

from rollups import rollup
from rollups.client import Client, connect
from rollups.read import Reader
from rollups.rows import EventRow, SessionRow
from rollups.write import Writer
from tests.api.answer import world as generated
from tests.api.answer.world import World
from tests.api.answer.written import event_rows, session_rows
from tests.services.process import ServiceUnavailable
from tests.services.schema import migrated

BATCH = 1_000


class Store:
    """`reader` asks what `write` wrote: in batches, each under a token of its own, as a worker does."""

    def __init__(self, url: str) -> None:
        migrated(url)
        self.client: Client = connect(url)
        self.reader = Reader(self.client)
        self._writer = Writer(self.client)
        self._batches = 0  # never used again, so that no token is

    def write(self, events: Iterable[EventRow] = (), sessions: Iterable[SessionRow] = ()) -> None:
        lines, signed = list(events), list(sessions)
        for start in range(0, max(len(lines), len(signed)), BATCH):
            a, self._batches = self._batches, self._batches + 1
            token = self._writer.token("test", 0, a)
            self._writer.insert_events(token, lines[start : start + BATCH])
            self._writer.insert_sessions(token, signed[start : start + BATCH])
            self._writer.mark("test", 0, a, a + 1, 0, {})

    def empty(self) -> None:
        for table in ("events", "sessions", *rollup.load()):
            self.client.command(f"TRUNCATE TABLE {table}")


def _server(clickhouse: Any) -> str:
    if isinstance(clickhouse, ServiceUnavailable):
        pytest.skip(str(clickhouse))
    return str(clickhouse.url)


@pytest.fixture(scope="session")
def _store(_clickhouse: Any) -> Store:
    return Store(f"{_server(_clickhouse)}/test_answers")


@pytest.fixture
def store(_store: Store, clickhouse_url: str) -> Iterator[Store]:
    """An empty database: the same for all tests, emptied after each. The other fixture reports on what it ran."""
    del clickhouse_url
    yield _store
    _store.empty()


@pytest.fixture(scope="session")
def _world(_clickhouse: Any) -> World:
    seed = 20_250_301
    store = Store(f"{_server(_clickhouse)}/test_world")
    sites = generated.facts(seed, events=2_500)
    for site, model in sites.items():
        rows = list(session_rows(model, generated.SETTINGS.model_dump(), seed))
        Random(seed).shuffle(rows)  # a retraction may come in before what it retracts, in another batch
        store.write(event_rows(site, model), rows)
    ending_now = Reader(store.client, now=lambda: -(10.0**10))
    return World(store.reader, ending_now, sites, seed)


@pytest.fixture
def world(_world: World, clickhouse_url: str) -> World:
    """Generated traffic, loaded once for all tests: they only read it."""
    del clickhouse_url
    return _world
