"""Group commit."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from ingest.contract.event import Event, Filtered, decode
from ingest.gather import Gatherer
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable
from tests.ingest.fake import NOW, UNAVAILABLE, FakeProducer

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def line(visitor: str = "00", title: str = "") -> Event:
    return Event(site="shop01", visitor=visitor, id="e", type="pageview", time=NOW, received=NOW, title=title)


def visitors_of(wanted: int, partitions: int) -> list[str]:
    return [name for name in map(str, range(400)) if partition("shop01", name, partitions) == wanted]


def test_concurrent_requests_share_a_record_and_an_append() -> None:
    producer = FakeProducer(partitions=1)

    async def main() -> None:
        gatherer = Gatherer(producer)
        await gatherer.start()
        await asyncio.gather(*(gatherer.write([line(str(number))]) for number in range(50)))

    run(main())
    assert len(producer.records) == 1
    assert len(producer.events) == 50


def test_each_line_goes_to_its_visitors_partition() -> None:
    producer = FakeProducer(partitions=4)

    async def main() -> None:
        gatherer = Gatherer(producer)
        await gatherer.start()
        await gatherer.write([line(str(number)) for number in range(40)] + [Filtered("shop01", "bot", NOW)])

    run(main())
    assert len(producer.records) == 4
    for number, value in producer.records:
        for text in value.splitlines():
            found = decode(text)
            assert partition("shop01", found.visitor if isinstance(found, Event) else "", 4) == number


def test_a_write_returns_only_after_the_append() -> None:
    """R2: 202 means durable."""
    producer = FakeProducer()

    async def main() -> None:
        producer.gate = asyncio.Event()
        gatherer = Gatherer(producer)
        await gatherer.start()
        write = asyncio.create_task(gatherer.write([line()]))
        await asyncio.sleep(0.03)
        assert not write.done()
        assert gatherer.waiting > 0
        producer.gate.set()
        await write
        assert gatherer.waiting == 0

    run(main())


def test_what_comes_during_a_write_is_written_together_when_it_ends() -> None:
    producer = FakeProducer(partitions=1)

    async def main() -> None:
        producer.gate = first = asyncio.Event()
        gatherer = Gatherer(producer, delay=0.001, longest=3600.0)
        await gatherer.start()
        writes = [asyncio.create_task(gatherer.write([line("0")]))]
        await asyncio.sleep(0.02)  # it is under way
        for number in range(1, 4):
            writes.append(asyncio.create_task(gatherer.write([line(str(number))])))
            await asyncio.sleep(0.02)
        assert len(producer.records) == 0
        first.set()
        await asyncio.gather(*writes)

    run(main())
    assert [value.count(b"\n") for _, value in producer.records] == [1, 3]


def test_a_write_that_hangs_holds_up_the_next_ones_for_a_moment_only() -> None:
    producer = FakeProducer(partitions=1)

    async def main() -> None:
        producer.gate = asyncio.Event()
        gatherer = Gatherer(producer, delay=0.001, longest=0.02)
        await gatherer.start()
        hanging = asyncio.create_task(gatherer.write([line("0")]))
        await asyncio.sleep(0.02)
        hung, producer.gate = producer.gate, None
        await asyncio.wait_for(gatherer.write([line("1")]), 60)
        assert not hanging.done()
        hung.set()
        await hanging

    run(main())


def test_one_failed_partition_fails_the_request_and_not_its_neighbours() -> None:
    """Part may be written: the answer is 503, and the ids make the retry harmless."""

    class HalfBroken(FakeProducer):
        async def append(self, partition: int, value: bytes) -> None:
            if partition == 1:
                raise UNAVAILABLE
            await super().append(partition, value)

    producer = HalfBroken(partitions=2)
    healthy, ailing = visitors_of(0, 2)[0], visitors_of(1, 2)[0]

    async def main() -> tuple[BaseException | None, BaseException | None]:
        gatherer = Gatherer(producer)
        await gatherer.start()
        return await asyncio.gather(
            gatherer.write([line(healthy), line(ailing)]), gatherer.write([line(healthy)]), return_exceptions=True
        )

    both, one = run(main())
    assert isinstance(both, LogUnavailable)
    assert both.retry_after == 3
    assert one is None
    assert len(producer.events) == 2


def test_an_unexpected_error_is_unavailability_too() -> None:
    producer = FakeProducer()

    async def main() -> None:
        gatherer = Gatherer(producer)
        await gatherer.start()
        producer.broken = RuntimeError("bug")
        with pytest.raises(LogUnavailable, match="RuntimeError"):
            await gatherer.write([line()])

    run(main())


def test_a_log_that_hangs_is_unavailable_in_time() -> None:
    """R4: 503 within 2 s."""
    producer = FakeProducer()

    async def main() -> None:
        producer.gate = asyncio.Event()
        gatherer = Gatherer(producer, patience=0.05)
        await gatherer.start()
        with pytest.raises(LogUnavailable, match="in time"):
            await gatherer.write([line()])
        producer.gate.set()
        await gatherer.close()

    run(main())
    assert len(producer.events) == 1


def test_memory_is_bounded_while_the_log_hangs() -> None:
    """R4: memory bounded; what does not fit is refused at once."""
    producer = FakeProducer()

    async def main() -> None:
        producer.gate = asyncio.Event()
        gatherer = Gatherer(producer, max_waiting=10_000)
        await gatherer.start()
        writes = [asyncio.create_task(gatherer.write([line(title="a" * 900)])) for _ in range(100)]
        _, pending = await asyncio.wait(writes, timeout=0.05)
        assert gatherer.waiting <= 10_000
        refused = [write for write in writes if write.done()]
        assert all(isinstance(write.exception(), LogUnavailable) for write in refused)
        assert len(refused) == 100 - len(pending) >= 88
        producer.gate.set()
        await asyncio.gather(*pending)
        await gatherer.write([line()])

    run(main())


def test_a_record_stays_below_its_size() -> None:
    producer = FakeProducer(partitions=1)

    async def main() -> None:
        gatherer = Gatherer(producer, max_record=5_000)
        await gatherer.start()
        await gatherer.write([line(title="a" * 1000) for _ in range(20)])

    run(main())
    assert len(producer.events) == 20
    assert max(len(value) for _, value in producer.records) <= 5_000


@pytest.mark.parametrize("failing", [None, 0, 1])
def test_lines_that_need_two_writes_are_durable_after_both(failing: int | None) -> None:
    class Slow(FakeProducer):
        writes = 0

        async def write(self, records: Sequence[tuple[int, bytes]]) -> Sequence[LogUnavailable | None]:
            number, self.writes = self.writes, self.writes + 1
            await asyncio.sleep(0.02 * number)
            return [UNAVAILABLE] if number == failing else await super().write(records)

    producer = Slow(partitions=1)

    async def main() -> None:
        gatherer = Gatherer(producer, max_record=5_000)
        await gatherer.start()
        await gatherer.write([line(title="a" * 1000) for _ in range(8)])

    if failing is None:
        run(main())
        assert (len(producer.events), producer.writes) == (8, 2)
    else:
        with pytest.raises(LogUnavailable):
            run(main())
