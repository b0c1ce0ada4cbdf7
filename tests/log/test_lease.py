"""Who is given up, and when nobody is: beats by hand on a real Redis."""

import time
from collections.abc import Iterator

import pytest
import redis

from ingest.log import stream
from ingest.log.lease import Leases

pytestmark = pytest.mark.services

SECONDS = 2.0


@pytest.fixture
def pair(redis_url: str) -> Iterator[tuple[Leases, Leases]]:
    """Two members with two partitions each."""
    with redis.Redis.from_url(redis_url) as client:
        first, second = (Leases(client, stream.Keys("leases"), 4, SECONDS) for _ in range(2))
        first.beat(())
        second.beat(())
        first.beat(())  # learns that there is a second
        first.settle()
        second.beat(())
        assert len(first.held()) == len(second.held()) == 2
        yield first, second


def test_who_is_silent_alone_is_given_up(pair: tuple[Leases, Leases]) -> None:
    first, second = pair
    own, lost = first.held(), second.held()
    end = time.monotonic() + 1.2 * SECONDS
    while time.monotonic() < end:
        first.beat(())
        time.sleep(0.1)
    assert len(first.held()) == 4 and not second.held()
    assert first.held().items() >= own.items()
    assert all(first.held()[partition] > epoch for partition, epoch in lost.items())


def test_when_all_stood_still_nobody_loses_anything(pair: tuple[Leases, Leases]) -> None:
    first, second = pair
    before = first.held(), second.held()
    time.sleep(1.2 * SECONDS)
    assert not first.held() and not second.held()
    first.beat(())
    second.beat(())
    first.beat(())
    assert (first.held(), second.held()) == before


def test_who_is_new_gives_up_only_those_long_gone(pair: tuple[Leases, Leases], redis_url: str) -> None:
    time.sleep(2.2 * SECONDS)
    with redis.Redis.from_url(redis_url) as client:
        third = Leases(client, stream.Keys("leases"), 4, SECONDS)
        third.beat(())
        assert len(third.held()) == 4
