"""Joining the worker group on Kafka while the brokers take their time."""

# ruff: noqa: SLF001 - the client has no other way to let a join be late

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.log.conftest import on_kafka

pytestmark = pytest.mark.services


def test_a_join_that_is_answered_after_the_poll_is_gone_on_with(kafka_bootstrap: str) -> None:
    consumer: Any = on_kafka(kafka_bootstrap).consumer()
    coordinator = consumer._consumer._coordinator
    answered, joins = coordinator._do_join_and_sync_async, 0

    async def late() -> Any:
        nonlocal joins
        answer = await answered()
        joins += 1
        await coordinator._net.sleep(1.0)
        return answer

    def until(true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline, "the join is forgotten"
            consumer.poll(0.05)

    try:
        until(lambda: len(consumer.assigned()) == 4 and not coordinator.rejoining)
        coordinator._do_join_and_sync_async = late
        coordinator._assignment_snapshot = {}  # as if the partitions had only become known since
        until(lambda: joins > 0)
        until(lambda: not coordinator.rejoining)
        assert len(consumer.assigned()) == 4
    finally:
        consumer.close()
