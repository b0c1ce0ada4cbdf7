"""A producer over another one, which takes nothing while a disk has no room."""

import asyncio

import pytest

from ingest.log.protocol import LogUnavailable
from ingest.log.reserved import Reserved
from tests.ingest.fake import FakeProducer


def test_nothing_is_appended_while_a_disk_has_no_room() -> None:
    async def run() -> None:
        inner, said = FakeProducer(7), ["3 % of 200 MB"]
        producer = Reserved(inner, lambda: said[-1])
        await producer.start()
        assert inner.started and producer.partitions == 7
        assert producer.ailment == "events are refused until there is room: 3 % of 200 MB"
        with pytest.raises(LogUnavailable) as refused:
            await producer.append(1, b"x")
        assert refused.value.brief == "the disk is nearly full" and refused.value.retry_after == 10
        assert not inner.records
        said.append("")
        await producer.append(1, b"x")
        assert inner.records == [(1, b"x")] and producer.ailment is None
        inner.ailment = "partitions were added"
        assert producer.ailment == "partitions were added"
        await producer.close()
        assert inner.closed

    asyncio.run(run())
