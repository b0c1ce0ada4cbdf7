"""Kafka topics: what they are made with, what existing ones lack, and that added partitions stop both ends."""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import kafka
import pytest

from ingest.log.kafka_topic import RECORD_BYTES, events_topic, lacks, make_topic
from ingest.log.protocol import LogUnavailable, PartitionsChanged
from tests.log.conftest import Log, on_kafka
from tests.log.test_contract import SECONDS, append, take, until

MADE = {"max.message.bytes": str(RECORD_BYTES + 1024), "retention.ms": "604800000"}
DEAD = {"max.message.bytes": "8389632", "cleanup.policy": "compact"}
KEPT = {"retention.ms": "-1", "retention.bytes": "-1"}
GOOD = {"min.insync.replicas": "2", "cleanup.policy": "delete", "retention.bytes": "-1", **MADE}


def topic(replicas: int) -> dict[str, Any]:
    return {"name": "events", "partitions": [{"replica_nodes": list(range(replicas))} for _ in range(4)]}


@pytest.mark.parametrize(
    ("replicas", "brokers", "changed"),
    [
        (1, 1, {"min.insync.replicas": "1", "flush.messages": "1"}),
        (2, 2, {"min.insync.replicas": "1"}),
        (3, 3, {}),
        (3, 9, {}),
        (5, 9, {"min.insync.replicas": "3"}),
        (3, 3, {"retention.ms": "-1"}),
        (3, 3, {"retention.ms": str(25 * 3_600_000)}),
        (3, 3, {"max.message.bytes": "999999999"}),
    ],
)
def test_a_sound_topic_lacks_nothing(replicas: int, brokers: int, changed: dict[str, str]) -> None:
    assert lacks(topic(replicas), {**GOOD, **changed}, brokers, MADE) == []


@pytest.mark.parametrize(
    ("replicas", "brokers", "changed", "named"),
    [
        (1, 3, {"min.insync.replicas": "1"}, "kafka-reassign-partitions"),
        (1, 2, {"min.insync.replicas": "1"}, "1 of the 2 replicas"),
        (2, 3, {"min.insync.replicas": "1"}, "2 of the 3 replicas"),
        (3, 3, {"min.insync.replicas": "1"}, "min.insync.replicas=2"),
        (2, 2, {"min.insync.replicas": "2"}, "--add-config min.insync.replicas=1"),
        (1, 1, {"min.insync.replicas": "2"}, "--add-config min.insync.replicas=1"),
        (3, 3, {"min.insync.replicas": "3"}, "--add-config min.insync.replicas=2"),
        (1, 1, {"min.insync.replicas": "1", "flush.messages": str(2**63 - 1)}, "--add-config flush.messages=1"),
        (3, 3, {"cleanup.policy": "compact"}, "--add-config cleanup.policy=delete"),
        (3, 3, {"cleanup.policy": "compact,delete"}, "--add-config cleanup.policy=delete"),
        (3, 3, {"retention.ms": "86400000"}, "--add-config retention.ms=604800000"),
        (3, 3, {"retention.bytes": "1073741824"}, "--add-config retention.bytes=-1"),
        (3, 3, {"max.message.bytes": "1048588"}, f"--add-config max.message.bytes={RECORD_BYTES + 1024}"),
        (3, 3, {"message.timestamp.type": "CreateTime"}, "--add-config message.timestamp.type=LogAppendTime"),
        (3, 3, {"unclean.leader.election.enable": "true"}, "--add-config unclean.leader.election.enable=false"),
    ],
)
def test_what_a_topic_lacks_is_one_sentence_that_names_the_change(
    replicas: int, brokers: int, changed: dict[str, str], named: str
) -> None:
    (sentence,) = lacks(topic(replicas), {**GOOD, **changed}, brokers, MADE)
    assert "topic events" in sentence
    assert named in sentence


@pytest.mark.parametrize(
    ("changed", "made_with", "named"),
    [
        (DEAD, DEAD, None),
        ({**DEAD, "cleanup.policy": "delete"}, DEAD, "--add-config cleanup.policy=compact"),
        ({**DEAD, "cleanup.policy": "compact,delete"}, DEAD, "--add-config cleanup.policy=compact"),
        ({**DEAD, "retention.ms": "1", "retention.bytes": "1"}, DEAD, None),
        (KEPT, KEPT, None),
        ({"retention.ms": "604800000"}, KEPT, "--add-config retention.ms=-1"),
    ],
)
def test_other_topics_are_kept_as_they_need_it(
    changed: dict[str, str], made_with: dict[str, str], named: str | None
) -> None:
    found = "\n".join(lacks(topic(3), {**GOOD, **changed}, 3, made_with))
    assert named in found if named else not found


def test_a_topic_nobody_tells_about_is_said_to_be_unknown() -> None:
    (sentence,) = lacks(topic(3), {}, 3, MADE)
    assert "cannot tell whether topic events" in sentence
    assert len(lacks(topic(1), {}, 3, MADE)) == 2


@pytest.fixture
def log(kafka_bootstrap: str) -> Log:
    return on_kafka(kafka_bootstrap)


@pytest.fixture
def admin(kafka_bootstrap: str) -> Iterator[Any]:
    client = kafka.KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    yield client
    client.close()


@pytest.mark.services
def test_our_own_topics_lack_nothing_and_an_old_one_is_told(
    kafka_bootstrap: str, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"events-{uuid.uuid4().hex[:8]}"
    with caplog.at_level(logging.WARNING, "ingest.log"):
        assert events_topic(kafka_bootstrap, name, 4, 168) == 4
        assert make_topic(kafka_bootstrap, f"{name}.dead", 1, DEAD)["partitions"]
    assert caplog.messages == []
    configs = {"cleanup.policy": "compact", "retention.ms": "1000", "retention.bytes": "1", "min.insync.replicas": "2"}
    admin.create_topics({f"{name}-old": {"num_partitions": 1, "replication_factor": 1, "configs": configs}})
    with caplog.at_level(logging.WARNING, "ingest.log"):
        make_topic(kafka_bootstrap, f"{name}-old", 4, MADE)
    told = "\n".join(caplog.messages)
    assert len(caplog.messages) == 7
    assert "flush.messages=1" in told
    assert "message.timestamp.type=LogAppendTime" in told
    for config in (*configs, "max.message.bytes"):
        assert f"has {config}=" in told


@pytest.mark.services
def test_partitions_added_while_running_stop_both_ends_and_whoever_starts_later(log: Log, admin: Any) -> None:
    append(log, [(p, b"before") for p in range(4)])

    async def produce() -> None:
        producer = log.producer()
        await producer.start()
        assert producer.ailment is None
        await producer.append(3, b"last")
        await asyncio.to_thread(admin.create_partitions, {log.topic: 8})
        deadline = time.monotonic() + SECONDS
        while producer.ailment is None:  # without a single append
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert producer.partitions == 4
        with pytest.raises(LogUnavailable, match="has 8 partitions, but visitors are placed by 4"):
            await producer.append(0, b"refused")
        await producer.close()
        # Started again, it remembers, though the setting and the topic agree now.
        producer = log.producer(partitions=8)
        await producer.start()
        assert producer.partitions == 4
        assert "8 partitions" in (producer.ailment or "")
        with pytest.raises(LogUnavailable, match="THROUGHLINE_EVENT_LOG"):
            await producer.append(0, b"refused")
        await producer.close()

    with closing(log.consumer()) as consumer:
        assert len(take(consumer, 4)) == 4
        asyncio.run(produce())
        with pytest.raises(PartitionsChanged, match="has 8 partitions, but visitors are placed by 4"):
            until(lambda: False, consumer)
    with closing(log.consumer(partitions=8)) as consumer:
        assert consumer.partitions == 4
        with pytest.raises(PartitionsChanged):
            until(lambda: False, consumer)


@pytest.mark.services
def test_a_topic_made_again_begins_with_its_own_number(log: Log) -> None:
    append(log, [(0, b"x")])
    log.delete()
    with closing(log.consumer(partitions=2)) as consumer:
        assert consumer.partitions == 2
        until(lambda: len(consumer.assigned()) == 2, consumer)
