"""Gathering when somebody leaves: a request, the process, the log of before."""

import asyncio

import pytest

from ingest.gather import Gatherer
from ingest.log.protocol import LogUnavailable
from tests.ingest.fake import UNAVAILABLE, FakeProducer
from tests.ingest.test_gather import line, run


def test_a_cancelled_request_does_not_harm_those_it_shares_a_record_with() -> None:
    producer = FakeProducer(partitions=1)

    async def main() -> None:
        gatherer = Gatherer(producer)
        await gatherer.start()
        gone = asyncio.create_task(gatherer.write([line("gone")]))
        stays = asyncio.create_task(gatherer.write([line("stays")]))
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    run(main())
    assert len(producer.records) == 1


def test_an_answer_that_cannot_be_given_does_not_keep_the_others_from_theirs() -> None:
    producer = FakeProducer(partitions=1)
    told: list[LogUnavailable | None] = []

    def broken(_: LogUnavailable | None) -> None:
        raise RuntimeError("the connection is closed")

    async def main() -> None:
        gatherer = Gatherer(producer)
        await gatherer.start()
        gatherer.add([line("one")], broken)
        gatherer.add([line("other")], told.append)
        await gatherer.close()

    run(main())
    assert told == [None]


def test_closing_appends_what_is_in_hand() -> None:
    """R3: requests in flight are answered."""
    producer = FakeProducer()

    async def main() -> None:
        gatherer = Gatherer(producer, delay=60)
        await gatherer.start()
        write = asyncio.create_task(gatherer.write([line()]))
        await asyncio.sleep(0)
        await gatherer.close()
        await write

    run(main())
    assert len(producer.events) == 1
    assert producer.closed


def test_before_it_is_connected_everything_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(LogUnavailable, match="not connected"):
            await Gatherer(FakeProducer()).write([line()])

    run(main())


def test_what_ails_the_producer_is_said_without_an_append() -> None:
    producer = FakeProducer()

    async def main() -> None:
        gatherer = Gatherer(producer)
        await gatherer.start()
        assert gatherer.ailment is None
        producer.ailment = "partitions were added"
        assert gatherer.ailment == "partitions were added"

    run(main())


def test_what_is_gathered_goes_where_it_was_placed_and_the_next_to_the_next_log() -> None:
    one, four = FakeProducer(partitions=1), FakeProducer(partitions=4)
    one.following = four

    async def main() -> None:
        gatherer = Gatherer(one, delay=0.02)
        await gatherer.start()
        await gatherer.follow()
        first = asyncio.create_task(gatherer.write([line("1")]))
        await asyncio.sleep(0)
        one.succeeded = True
        four.broken = UNAVAILABLE
        await gatherer.follow()  # the next log is away: the one that there is goes on
        assert not one.closed
        four.broken, four.closed = None, False
        await gatherer.follow()
        await gatherer.write([line(str(number)) for number in range(2, 30)])
        await first
        assert len(one.events) == 1
        assert len(four.events) == 28
        assert {number for number, _ in four.records} == {0, 1, 2, 3}
        await gatherer.close()
        assert one.closed and four.closed

    run(main())
