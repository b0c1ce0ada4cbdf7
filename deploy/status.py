"""How a running system does: positions of the workers against the log's ends, freshness, dead letters, health."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from deploy import wiring
from deploy.settings import Settings
from ingest.contract import freshness
from ingest.log.protocol import TOPIC
from rollups.write import Writer


class Lag(NamedTuple):
    """What lies between a partition's counted position and its end: in seconds of log on Redis, in records on Kafka."""

    partition: int
    behind: str


@dataclass(frozen=True)
class LogState:
    """`ends`: the offset after the last record of each partition; `size`: bytes, None where the log does not tell."""

    id: str
    ends: Sequence[int]
    size: int | None


@dataclass(frozen=True)
class Status:
    """`fresh`: ms before which everything is in the numbers, None until every partition has said so."""

    log: LogState
    lags: Sequence[Lag]
    fresh: int | None
    dead: int


def status(settings: Settings) -> Status:
    """Ask the stores. Blocks; raises LogUnavailable, ClickHouseUnavailable, RedisError."""
    on_kafka = _on_kafka(settings)
    state = log_state(settings)
    writer = Writer(wiring.clickhouse(settings))
    lags = []
    for number, end in enumerate(state.ends):
        position = writer.position(state.id, number)
        lags.append(Lag(number, _behind(end, position, on_kafka)))
    dead = wiring.dead_letters(settings)
    try:
        return Status(state, lags, freshness.read(wiring.redis_client(settings)), dead.count())
    finally:
        dead.close()


def log_state(settings: Settings) -> LogState:
    """The log that the settings name. Blocks; raises LogUnavailable, RedisError."""
    return _kafka(settings) if _on_kafka(settings) else _redis(settings)


def _on_kafka(settings: Settings) -> bool:
    return settings.address("event_log").startswith("kafka://")


def _behind(end: int, position: int | None, on_kafka: bool) -> str:
    if (position is not None and position >= end) or not end:
        return "nothing"
    if on_kafka:
        return f"{end - (position or 0):,} records"
    from ingest.log.stream import SEQUENCE_BITS

    return f"{((end - position) >> SEQUENCE_BITS) / 1000:.1f} s" if position else "everything"


def _redis(settings: Settings) -> LogState:
    from ingest.log import stream

    keys = stream.Keys(TOPIC)
    client = stream.connect(settings.event_log)
    log_id, partitions = stream.create(client, keys, settings.partitions)
    ends = [stream.bounds(client, keys, number).end for number in range(partitions)]
    with client.pipeline(transaction=False) as pipe:
        stream.ask_room(pipe, keys, partitions)
        size = stream.room(pipe.execute(), settings.log_max_bytes or None).size
    client.close()
    return LogState(log_id, ends, size)


def _kafka(settings: Settings) -> LogState:
    import kafka
    from kafka.errors import KafkaError
    from kafka.structs import TopicPartition

    from ingest.log.protocol import LogUnavailable

    brokers, name = wiring.brokers(settings.event_log), wiring.topic(settings.event_log)
    try:
        admin = kafka.KafkaAdminClient(bootstrap_servers=brokers)
        reader = kafka.KafkaConsumer(bootstrap_servers=brokers)
        try:
            topic = admin.describe_topics([name])[0]
            log_id = f"{admin.describe_cluster()['cluster_id']}.{topic['topic_id']}"
            every = [TopicPartition(name, number) for number in range(len(topic["partitions"]))]
            ends = reader.end_offsets(every)
            return LogState(log_id, [ends[one] for one in every], None)
        finally:
            reader.close()
            admin.close()
    except (KafkaError, OSError) as error:
        raise LogUnavailable(f"Kafka: {error}") from error
