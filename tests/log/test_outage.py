"""What both logs promise while their server is away, and when it is back."""

import asyncio
import os
import signal
import time
from contextlib import closing

import pytest

from ingest.log.protocol import Consumer, LogUnavailable, Record
from tests.log.conftest import Broken
from tests.log.test_contract import SECONDS, append, take, take_some, until

pytestmark = pytest.mark.services


def test_records_survive_the_server_being_killed(own: Broken) -> None:
    append(own.log, [(0, b"%d" % i) for i in range(100)])
    with closing(own.log.consumer()) as consumer:
        log_id = consumer.log_id()
        records = take(consumer, 100)
    own.server.kill()
    own.server.start()
    with closing(own.log.consumer()) as consumer:
        assert take(consumer, 100) == records
        assert consumer.log_id() == log_id
        append(own.log, [(0, b"later")])
        (later,) = take_some(consumer)
        assert later.offset > records[-1].offset


@pytest.mark.parametrize("how", ["gone", "hanging"])
def test_an_absent_server_is_said_within_two_seconds_and_forgotten_when_it_is_back(own: Broken, how: str) -> None:
    async def run() -> None:
        producer = own.log.producer()
        await producer.start()
        await producer.append(0, b"before")
        pid = own.server.process.pid
        if how == "gone":
            own.server.kill()
        else:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(2):
            began = time.monotonic()
            outcomes = await asyncio.gather(*(producer.append(0, b"away") for _ in range(20)), return_exceptions=True)
            assert time.monotonic() - began < 2.5  # Two seconds are the promise; the machine may be busy.
            assert all(isinstance(outcome, LogUnavailable) for outcome in outcomes), outcomes
        if how == "gone":
            # On this thread: the server dies with the thread that starts it.
            own.server.start()
        else:
            os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                await producer.append(0, b"after")
                break
            except LogUnavailable:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)
        await producer.close()

    asyncio.run(run())
    with closing(own.log.consumer()) as consumer:
        found = [record.value for record in take(consumer, 2)]
        while found[-1] != b"after":
            found += [record.value for record in take_some(consumer)]
        assert found[0] == b"before"
        assert set(found[1:-1]) <= {b"away"}


def test_a_consumer_outlives_its_server(own: Broken) -> None:
    append(own.log, [(0, b"one")])
    with closing(own.log.consumer()) as consumer:
        (one,) = take(consumer, 1)
        own.server.kill()
        _poll_for(consumer, 1.0)
        own.server.start()
        append(own.log, [(0, b"two")])
        found: list[Record] = []
        epochs: dict[int, int] = {}

        def two() -> bool:
            found.extend(_poll_for(consumer, 0.1))
            if consumer.assigned().get(0, -1) != epochs.get(0):
                epochs.update(consumer.assigned())
                consumer.seek(0, one.offset + 1)
            return bool(found)

        until(two)
        assert [record.value for record in found] == [b"two"]


def _poll_for(consumer: Consumer, seconds: float) -> list[Record]:
    """Poll as a worker does: an absent log is no reason to stop."""
    found: list[Record] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found.extend(consumer.poll(0.1))
        except LogUnavailable:
            time.sleep(0.1)
    return found
