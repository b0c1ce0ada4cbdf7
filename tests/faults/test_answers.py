"""Answers that are lost on the way: of the log to ingest, of ClickHouse and of Redis to the workers.

Holds of docs/reliability.md: R5 (no event twice), R6 (an insert that went in and whose answer did not come).
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.deploy.stack import Stack
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal, settled
from tests.faults.world import site
from tests.services.kafka import KafkaBroker
from tests.services.process import ServiceUnavailable, free_port
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services

SEED = 20_261_204
PRODUCE = b"\0\0"  # a request's api key, behind its length


def appends(request: bytes) -> bool:
    """A record that ingest appends, on Redis or Kafka."""
    return b"XADD" in request or request[4:6] == PRODUCE


def inserts(request: bytes) -> bool:
    """A worker's insert: of a decision, of events, of sessions, of the marker."""
    return b"insert_deduplication_token" in request


def saves(request: bytes) -> bool:
    """A worker's states."""
    return b"EVAL" in request and b"generation ~= ARGV[2]" in request


@dataclass
class Proxied:
    stack: Stack
    log: Proxy
    clickhouse: Proxy
    states: Proxy


@pytest.fixture(params=["redis", "kafka"])
def proxied(request: pytest.FixtureRequest, tmp_path: Path, clickhouse_url: str) -> Iterator[Proxied]:
    """A stack on servers of this test's own, each behind a proxy."""
    with ExitStack() as ends:
        redis, broker = RedisServer(tmp_path), KafkaBroker(tmp_path, advertised=free_port())
        try:
            redis.start()
            ends.callback(redis.kill)
            if request.param == "kafka":
                broker.start()
                ends.callback(broker.kill)
        except ServiceUnavailable as why:
            pytest.skip(str(why))
        log = Proxy(redis.port if request.param == "redis" else broker.port, appends, SEED)
        log.port = broker.advertised if request.param == "kafka" else 0
        place = urlsplit(clickhouse_url)
        assert place.port
        # Swallowed, an insert is waited for 20 s and longer each time: the worker's patience is test_slow's.
        clickhouse = Proxy(place.port, inserts, SEED, 0.05, ("cut", "hold"))
        states = Proxy(redis.port, saves, SEED)
        for proxy in (log, clickhouse, states):
            ends.enter_context(proxy)
        address = f"redis://127.0.0.1:{log.port}/0" if request.param == "redis" else f"kafka://127.0.0.1:{log.port}"
        behind = place._replace(netloc=f"{place.username}:{place.password}@127.0.0.1:{clickhouse.port}").geturl()
        flags = ["--event-log", address, "--clickhouse", behind, "--redis", f"redis://127.0.0.1:{states.port}/0"]
        env = {"THROUGHLINE_ADDRESS_RATE": "0"}
        stack = ends.enter_context(Stack(tmp_path / "data", "--workers", "2", *flags, env=env))
        yield Proxied(stack, log, clickhouse, states)


@pytest.mark.parametrize("seconds", [3, pytest.param(300, marks=pytest.mark.nightly)])
def test_what_was_done_and_never_answered_is_not_done_twice(proxied: Proxied, seconds: float, tell: Tell) -> None:
    proxies = {"log": proxied.log, "ClickHouse": proxied.clickhouse, "states": proxied.states}
    with Load(proxied.stack, site(proxied.stack), SEED) as load:
        time.sleep(seconds)
        end = time.monotonic() + 60
        while time.monotonic() < end and not (
            len(load.acknowledged) > 500 and all(set(proxy.spoilt) >= {"cut"} for proxy in proxies.values())
        ):
            time.sleep(0.5)
    spoilt = {name: dict(proxy.spoilt) for name, proxy in proxies.items()}
    for proxy in proxies.values():
        proxy.chance = 0.0
    must_equal(load)
    assert all(spoilt.values()), spoilt
    again = sum(row[2] == "duplicate" for row in settled(load))
    assert again > 0, "no lost acknowledgement made a client send again"
    tell(f"seed {SEED}: {len(load.acknowledged)} acknowledged, {again} came again, answers lost {spoilt}")
