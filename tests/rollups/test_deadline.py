"""Whatever ClickHouse does instead of answering, a client with a deadline gives up in time, and goes on afterwards."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from rollups import deadline
from rollups.client import ClickHouseUnavailable, Client, connect
from tests.services.gate import BEGIN, DRIP, HANGING, PASS, Gate

pytestmark = pytest.mark.services

ENOUGH = 30.0  # far from a client's own patience of 60 s for each read, and from a busy machine's delays


@pytest.fixture
def gate(clickhouse_url: str) -> Iterator[Gate]:
    parts = urlsplit(clickhouse_url)
    with Gate(parts.hostname or "", parts.port or 0) as made:
        yield made


def through(gate: Gate, url: str) -> Client:
    place = urlsplit(url)
    return connect(place._replace(netloc=f"{place.username}:{place.password}@127.0.0.1:{gate.port}").geturl())


@pytest.mark.parametrize("connected", [True, False], ids=["connected", "not connected"])
@pytest.mark.parametrize("mode", HANGING)
def test_a_deadline_ends_every_wait(clickhouse_url: str, gate: Gate, mode: str, connected: bool) -> None:
    client = through(gate, clickhouse_url.rpartition("/")[0] + "/default")
    if connected:
        assert client.rows("SELECT 1 AS one") == [{"one": 1}]
    gate.mode = mode
    begun = time.monotonic()
    with pytest.raises(ClickHouseUnavailable) as failed, deadline.within(1.0):
        client.rows("SELECT 1 AS one")
    assert time.monotonic() - begun < ENOUGH
    assert failed.value.code is None
    gate.mode = PASS
    assert client.rows("SELECT 2 AS two") == [{"two": 2}]
    client.close()


@pytest.mark.parametrize("mode", [BEGIN, DRIP])
def test_all_queries_of_a_deadline_share_it(clickhouse_url: str, gate: Gate, mode: str) -> None:
    client = through(gate, clickhouse_url.rpartition("/")[0] + "/default")
    client.rows("SELECT 1 AS one")
    gate.mode = mode
    begun = time.monotonic()
    with deadline.within(1.0):
        for _ in range(20):
            with pytest.raises(ClickHouseUnavailable):
                client.rows("SELECT 1 AS one")
    assert time.monotonic() - begun < 15  # twenty times a second would be more
    client.close()


def test_the_server_does_not_go_on_for_who_has_gone(clickhouse_url: str) -> None:
    client = connect(clickhouse_url.rpartition("/")[0] + "/default")
    with pytest.raises(ClickHouseUnavailable), deadline.within(1.0):
        client.rows("SELECT sleepEachRow(0.5) FROM numbers(200) SETTINGS max_block_size = 1")
    begun = time.monotonic()
    while client.rows("SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow(0.5)%numbers(200)%'")[1:]:
        assert time.monotonic() - begun < ENOUGH
        time.sleep(0.1)
    client.close()


def test_a_client_that_others_are_connecting_is_waited_for_no_longer(clickhouse_url: str) -> None:
    client, begun = connect(clickhouse_url), time.monotonic()
    with client._lock, pytest.raises(ClickHouseUnavailable), deadline.within(0.2):  # noqa: SLF001
        client.rows("SELECT 1 AS one")
    assert time.monotonic() - begun < ENOUGH / 2


def test_deadlines_nest_and_end() -> None:
    assert deadline.left() is None and not deadline.over()
    with deadline.within(100):
        with deadline.within(1):
            assert 0 < (deadline.left() or 0) <= 1
            with deadline.within(50):
                assert (deadline.left() or 0) <= 1
        assert (deadline.left() or 0) > 90
        with deadline.within(-1):
            assert deadline.over() and (deadline.left() or 0) > 0
    assert deadline.left() is None
