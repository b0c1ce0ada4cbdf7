"""What every event log promises: on both implementations and real servers, and of the fake that other tests trust."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from ingest.log.protocol import Consumer, LogTruncated, LogUnavailable, Record
from tests.log.conftest import Log

pytestmark = pytest.mark.services

SECONDS = 120.0  # a busy machine; what holds sooner is not waited for


def append(log: Log, records: Sequence[tuple[int, bytes]]) -> None:
    """Append at once what may go at once: the records of a partition stay in order."""

    async def run() -> None:
        producer = log.producer()
        await producer.start()
        try:
            await asyncio.gather(*(producer.append(partition, value) for partition, value in records))
        finally:
            await producer.close()

    asyncio.run(run())


def until(true: Callable[[], bool], *consumers: Consumer) -> None:
    """Poll the consumers until something holds."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "did not come to hold"
        for consumer in consumers:
            consumer.poll(0.05)


def take(consumer: Consumer, count: int) -> list[Record]:
    """Read `count` records from the beginning of every partition that is or becomes assigned."""
    records: list[Record] = []
    known: dict[int, int] = {}

    def enough() -> bool:
        records.extend(consumer.poll(0.1))
        for partition, epoch in consumer.assigned().items():
            if known.get(partition) != epoch:
                known[partition] = epoch
                consumer.seek(partition, consumer.bounds(partition).begin)
        return len(records) >= count

    until(enough)
    return records


def values(records: Sequence[Record], partition: int) -> list[bytes]:
    return [record.value for record in records if record.partition == partition]


def test_records_come_in_the_order_of_their_partition(log: Log) -> None:
    sent = [(i % 4, b"%d" % i) for i in range(400)]
    append(log, sent)
    with closing(log.consumer()) as consumer:
        records = take(consumer, 400)
        assert consumer.partitions == 4
    for partition in range(4):
        assert values(records, partition) == [value for p, value in sent if p == partition]
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == sorted(set(offsets))


def test_a_producer_takes_nothing_after_its_end(log: Log) -> None:
    async def run() -> None:
        producer = log.producer()
        await producer.start()
        assert (producer.partitions, producer.ailment) == (4, None)
        await producer.append(0, b"in time")
        await producer.close()
        with pytest.raises(LogUnavailable):
            await producer.append(0, b"too late")

    asyncio.run(run())
    with closing(log.consumer()) as consumer:
        assert [record.value for record in take(consumer, 1)] == [b"in time"]
        assert not consumer.poll(0.3)


def test_a_partition_is_silent_until_it_is_sought(log: Log) -> None:
    append(log, [(p, b"early") for p in range(4)])
    with closing(log.consumer()) as consumer:
        until(lambda: len(consumer.assigned()) == 4, consumer)
        assert not consumer.poll(0.5)
        consumer.seek(2, consumer.bounds(2).begin)
        assert [record.partition for record in take_some(consumer)] == [2]
        assert not consumer.poll(0.5)


def take_some(consumer: Consumer, count: int = 1) -> list[Record]:
    """At least `count` records from where the consumer stands."""
    found: list[Record] = []

    def enough() -> bool:
        found.extend(consumer.poll(0.1))
        return len(found) >= count

    until(enough)
    return found


def test_seek_goes_back_and_to_the_middle(log: Log) -> None:
    append(log, [(0, b"%d" % i) for i in range(10)])
    with closing(log.consumer()) as consumer:
        records = take(consumer, 10)
        consumer.seek(0, records[6].offset)
        assert take_some(consumer)[0] == records[6]
        consumer.seek(0, records[5].offset + 1)
        assert take_some(consumer)[0] == records[6]
        consumer.seek(0, records[9].offset + 1)
        assert not consumer.poll(0.3)
        append(log, [(0, b"next")])
        assert [record.value for record in take_some(consumer)] == [b"next"]


def test_offsets_may_be_sparse(log: Log) -> None:
    """On Kafka a transaction's end takes an offset, on Redis nearly every offset is unused."""
    append(log, [(0, b"first")])
    if log.kind == "kafka":
        _append_in_transactions(log, [b"second", b"third"])
    else:
        append(log, [(0, b"second")])
        append(log, [(0, b"third")])
    with closing(log.consumer()) as consumer:
        first, second, third = take(consumer, 3)
        assert third.offset > second.offset + 1
        assert consumer.read(0, first.offset, second.offset + 1) == [first, second]
        assert consumer.left(0, first.offset, third.offset) == [first, second]
        assert consumer.left(0, second.offset + 1, third.offset) == []
        consumer.seek(0, second.offset + 1)
        assert take_some(consumer)[0] == third
        assert consumer.read(0, consumer.bounds(0).begin, third.offset + 1) == [first, second, third]


def test_what_is_not_whole_is_not_read(log: Log) -> None:
    """A batch ends with a record: where that one is not there, the log was put back, and more may be missing."""
    append(log, [(0, b"first"), (0, b"second")])
    with closing(log.consumer()) as consumer:
        first, second = take(consumer, 2)
        end = second.offset + 10
        with pytest.raises(LogTruncated):
            consumer.read(0, first.offset, end)
        assert consumer.left(0, first.offset, end) == [first, second]
        if log.kind == "redis":  # elsewhere offsets are not skipped at will
            assert consumer.raise_floor(0, end).put_back
            with pytest.raises(LogTruncated):
                consumer.read(0, first.offset, end)
            assert consumer.left(0, first.offset, end) == [first, second]


def _append_in_transactions(log: Log, contents: Sequence[bytes]) -> None:
    import kafka

    producer = kafka.KafkaProducer(bootstrap_servers=log.address, transactional_id=log.topic)
    producer.init_transactions()
    for content in contents:
        producer.begin_transaction()
        producer.send(log.topic, content, partition=0)
        producer.commit_transaction()
    producer.close()


def test_read_is_exact_and_leaves_the_position_alone(log: Log) -> None:
    append(log, [(0, b"%d" % i) for i in range(2000)])
    with closing(log.consumer()) as consumer:
        records = take(consumer, 2000)
        consumer.seek(0, records[700].offset)
        assert consumer.read(0, records[100].offset, records[1899].offset + 1) == records[100:1900]
        assert consumer.read(0, records[100].offset, records[100].offset) == []
        assert take_some(consumer)[0] == records[700]
        with pytest.raises(LogTruncated):
            consumer.read(0, records[0].offset, records[-1].offset + 10)


def test_bounds_of_an_empty_and_a_written_partition(log: Log) -> None:
    append(log, [(1, b"a"), (1, b"b")])
    with closing(log.consumer()) as consumer:
        empty = consumer.bounds(0)
        assert empty.begin == empty.end
        records = take(consumer, 2)
        assert consumer.bounds(1).begin <= records[0].offset
        assert consumer.bounds(1).end == records[1].offset + 1


def test_the_reach_of_a_log_that_can_be_put_back_is_its_last_record(log: Log) -> None:
    append(log, [(0, b"a"), (0, b"b")])
    with closing(log.consumer()) as consumer:
        records = take(consumer, 2)
        assert consumer.reach(1) == 0
        assert consumer.reach(0) == (0 if log.kind == "kafka" else records[-1].offset + 1)


def test_paused_partitions_wait(log: Log) -> None:
    append(log, [(p, b"one") for p in range(4)])
    with closing(log.consumer()) as consumer:
        take(consumer, 4)
        consumer.pause([0, 1])
        append(log, [(p, b"two") for p in range(4)])
        found = [*take_some(consumer, 2), *consumer.poll(0.5)]
        assert {record.partition for record in found} == {2, 3}
        consumer.seek(1, consumer.bounds(1).begin)
        assert not consumer.poll(0.3), "seek must not resume"
        consumer.resume([0, 1])
        more = take_some(consumer, 3)
        assert values(more, 0) == [b"two"]
        assert values(more, 1) == [b"one", b"two"]


def test_a_commit_is_taken_and_changes_nothing(log: Log) -> None:
    append(log, [(0, b"%d" % i) for i in range(10)])
    with closing(log.consumer()) as consumer:
        records = take(consumer, 10)
        consumer.commit({0: records[-1].offset + 1, 1: consumer.bounds(1).end})
    with closing(log.consumer()) as consumer:
        assert take(consumer, 10) == records


def test_big_records(log: Log) -> None:
    big = os.urandom(1 << 20)
    append(log, [(3, big), (3, b"small"), (3, big + big)])
    with closing(log.consumer()) as consumer:
        records = take(consumer, 3)
        assert [record.value for record in records] == [big, b"small", big + big]
        assert consumer.read(3, records[0].offset, records[2].offset + 1) == records


def test_an_unreadable_value_comes_as_it_is(log: Log) -> None:
    append(log, [(0, b"\xff\x00{"), (0, b"\x28\xb5\x2f\xfdnot zstd"), (0, b"")])
    with closing(log.consumer()) as consumer:
        assert [record.value for record in take(consumer, 3)] == [b"\xff\x00{", b"\x28\xb5\x2f\xfdnot zstd", b""]


def test_a_poll_gives_at_most_as_many_records_as_asked_for(log: Log) -> None:
    append(log, [(0, b"%d" % i) for i in range(50)])
    with closing(log.consumer()) as consumer:
        take(consumer, 50)
        consumer.seek(0, consumer.bounds(0).begin)
        found: list[Record] = []

        def all_of_them() -> bool:
            some = consumer.poll(0.2, max_records=7)
            assert len(some) <= 7
            found.extend(some)
            return len(found) == 50

        until(all_of_them)


def test_a_log_made_again_has_another_id(log: Log) -> None:
    append(log, [(0, b"x")])
    with closing(log.consumer()) as consumer:
        log_id = consumer.log_id()
        assert consumer.log_id() == log_id
    with closing(log.consumer()) as consumer:
        assert consumer.log_id() == log_id
    log.delete()
    append(log, [(0, b"x")])
    with closing(log.consumer()) as consumer:
        assert consumer.log_id() != log_id
    assert "/" not in log_id
