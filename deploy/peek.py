"""A look at the event log that an address names, which makes nothing and joins nothing."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from deploy import wiring
from deploy.settings import Settings
from ingest.contract.event import receipt
from ingest.log.kafka_address import topic
from ingest.log.protocol import TOPIC, LogUnavailable

if TYPE_CHECKING:
    from ingest.log.dead import DeadLetter

_SECONDS = 10.0


@dataclass(frozen=True)
class LogState:
    """`id`: "" when there is no log yet; `ends`: the offset after the last record of each partition; `size`: bytes,
    and `limit`, what they may be; None where the log does not tell.
    """

    id: str
    ends: Sequence[int]
    size: int | None
    limit: int | None = None


NO_LOG = LogState("", [], None)


class Peek(Protocol):
    """Calls block, and raise LogUnavailable."""

    def state(self) -> LogState: ...

    def waits_since(self, partition: int, offset: int) -> int | None:
        """When the first record at or after `offset` was received, ms; None if there is none."""
        ...

    def dead(self) -> "Sequence[DeadLetter]": ...


@contextmanager
def peek(settings: Settings) -> Iterator[Peek]:
    """The log that takes records, for a while."""
    with _kafka(settings) if wiring.on_kafka(settings.address("event_log")) else _redis(settings) as log:
        yield log


def log_state(settings: Settings) -> LogState:
    """The log that the settings name. Blocks; raises LogUnavailable."""
    with peek(settings) as log:
        return log.state()


@contextmanager
def _redis(settings: Settings) -> Iterator[Peek]:
    from redis import RedisError

    from ingest.log import redis_succession, stream

    client = stream.connect(settings.event_log)

    def used() -> stream.Keys:
        return stream.Keys(redis_succession.topics(client, TOPIC)[-1][0])

    class Log:
        def state(self) -> LogState:
            keys = used()
            made: Any = client.hgetall(keys.log)
            if not made:
                return NO_LOG
            log_id, count = made[b"id"].decode(), int(made[b"partitions"])
            ends = [stream.bounds(client, keys, number).end for number in range(count)]
            with client.pipeline(transaction=False) as pipe:
                stream.ask_room(pipe, redis_succession.streams(client, TOPIC))
                room = stream.room(pipe.execute(), settings.log_max_bytes or None)
            return LogState(log_id, ends, room.size, room.limit)

        def waits_since(self, partition: int, offset: int) -> int | None:
            found: Any = client.xrange(used().stream(partition), stream.id_at(offset), "+", 1)
            for entry_id, values in found:
                appended = stream.offset_of(entry_id) >> stream.SEQUENCE_BITS
                return receipt(stream.decompress(values.get(stream.VALUE, b""))) or appended
            return None

        def dead(self) -> "Sequence[DeadLetter]":
            return _letters(settings)

    try:
        yield Log()
    except RedisError as error:
        raise LogUnavailable(f"Redis: {error}") from error
    finally:
        client.close()


@contextmanager
def _kafka(settings: Settings) -> Iterator[Peek]:
    import kafka
    from kafka.errors import KafkaError
    from kafka.structs import TopicPartition

    from ingest.log.kafka_succession import topics
    from ingest.log.kafka_topic import admin_client, shared

    address, first = settings.event_log, topic(settings.event_log)

    class Log:
        def state(self) -> LogState:
            name = topics(admin, first)[-1]
            if name not in admin.list_topics():
                return NO_LOG
            topic = admin.describe_topics([name])[0]
            every = [TopicPartition(name, number) for number in range(len(topic["partitions"]))]
            ends = reader.end_offsets(every)
            log_id = f"{admin.describe_cluster()['cluster_id']}.{topic['topic_id']}"
            return LogState(log_id, [ends[one] for one in every], None)

        def waits_since(self, partition: int, offset: int) -> int | None:
            at = TopicPartition(topics(admin, first)[-1], partition)
            begin, end = reader.beginning_offsets([at])[at], reader.end_offsets([at])[at]
            reader.assign([at])
            reader.seek(at, max(offset, begin))
            deadline = time.monotonic() + _SECONDS
            while reader.position(at) < end:
                if time.monotonic() > deadline:
                    raise LogUnavailable("Kafka: the records do not come")
                for record in reader.poll(timeout_ms=200, max_records=1).get(at, ()):
                    return receipt(record.value or b"") or int(record.timestamp)
            return None

        def dead(self) -> "Sequence[DeadLetter]":
            return _letters(settings) if f"{first}.dead" in admin.list_topics() else []

    try:
        admin = admin_client(address)
        try:
            reader = kafka.KafkaConsumer(**shared(address), enable_auto_commit=False, allow_auto_create_topics=False)
            try:
                yield Log()
            finally:
                reader.close()
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise LogUnavailable(f"Kafka: {error}") from error


def _letters(settings: Settings) -> "Sequence[DeadLetter]":
    dead = wiring.dead_letters(settings)
    try:
        return dead.letters()
    finally:
        dead.close()
