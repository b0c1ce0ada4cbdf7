"""Kafka topics: made as a log needs them, what an existing one lacks, and how many partitions a log began with."""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)
from kafka.structs import TopicPartition

from ingest.log import succession
from ingest.log.kafka_address import ailment, brokers, secured
from ingest.log.protocol import LogUnavailable

logger = logging.getLogger(__name__)

START_SECONDS = 5.0
RECORD_BYTES = 4 << 20
REPLICAS = 3
# A visitor is remembered for 25 h: what is younger may be needed again.
RETENTION_MS = 25 * 3_600_000
# A broker that comes back is found within a second, however long it was away; and a group that met while the brokers
# knew no partitions yet, which then has none to share, looks again within seconds instead of five minutes.
RECONNECT = {
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": 1000,
    "retry_backoff_ms": 100,
    "metadata_max_age_ms": 5000,
}
LEAST_SESSION_MS = 6_000  # `group.min.session.timeout.ms` of brokers that nobody configured
_READ_SECONDS = 10.0
SEALED = "0"  # `max.message.bytes` of a topic that takes no records any longer
# Retention goes by the brokers' clock, and a producer whose clock is wrong is not refused for it.
_BY_BROKER = {"message.timestamp.type": "LogAppendTime"}


def shared(address: str) -> dict[str, Any]:
    """What every client of ours is made with: for a kafka:// address, or `host:port,…`."""
    timeout = {"bootstrap_timeout_ms": START_SECONDS * 1000}
    return {"bootstrap_servers": brokers(address), **timeout, **RECONNECT, **secured(address)}


def admin_client(address: str) -> Any:
    """A connected client. Blocks. Raises KafkaError; LogUnavailable where a client would only say that it waited."""
    try:
        return kafka.KafkaAdminClient(**shared(address))
    except KafkaTimeoutError as error:
        if why := ailment(address):
            raise LogUnavailable(f"Kafka: {why}") from error
        raise


def events_topic(bootstrap: str, topic: str, partitions: int, retention_hours: int) -> int:
    """Make the topic of events if it is missing. Returns the number of partitions that visitors are placed by.

    That is the number the topic had when it was first used; partitions added since do not change it. Blocks. Raises
    KafkaError, LogUnavailable.
    """
    configs = {"max.message.bytes": str(RECORD_BYTES + 1024), "retention.ms": str(retention_hours * 3_600_000)}
    found = make_topic(bootstrap, topic, partitions, configs)
    return _began_with(bootstrap, topic, str(found["topic_id"]), len(found["partitions"]))


def make_topic(bootstrap: str, topic: str, partitions: int, configs: Mapping[str, str]) -> Mapping[str, Any]:
    """Make the topic if it is missing, and log what it lacks. Returns its description.

    Two of three replicas acknowledge, so that one broker may be lost for good. With two replicas one acknowledges: two
    would refuse everything while either broker is away. Blocks. Raises KafkaError.
    """
    admin = admin_client(bootstrap)
    try:
        brokers = len(admin.describe_cluster()["brokers"])
        if topic not in admin.list_topics():
            replicas = min(REPLICAS, brokers)
            wanted = {"min.insync.replicas": "2" if replicas >= REPLICAS else "1", **_BY_BROKER, **configs}
            if replicas == 1:
                wanted["flush.messages"] = "1"  # no other broker has what is still in this one's memory
            made = {"num_partitions": partitions, "replication_factor": replicas, "configs": wanted}
            with suppress(TopicAlreadyExistsError):
                admin.create_topics({topic: made})
        # Brokers that have just started know a topic before they know its leaders.
        admin.wait_for_topics([topic])
        description: Mapping[str, Any] = admin.describe_topics([topic])[0]
        for sentence in lacks(description, _configs(admin, topic), brokers, configs):
            logger.warning("%s", sentence)
        return description
    finally:
        admin.close()


def least_session_ms(admin: Any) -> int:
    """How soon the brokers let a group give up a silent member; their default where they do not tell. Blocks."""
    with suppress(KafkaError, LookupError):
        broker = str(admin.describe_cluster()["brokers"][0]["broker_id"])
        asked = ConfigResource(ConfigResourceType.BROKER, broker)
        told = admin.describe_configs([asked], config_filter="all")["broker"][broker]
        return int(told["group.min.session.timeout.ms"]["value"])
    return LEAST_SESSION_MS


def _configs(admin: Any, topic: str) -> Mapping[str, str]:
    """The topic's configuration, its defaults included; empty if the brokers do not tell."""
    with suppress(KafkaError):
        asked = ConfigResource(ConfigResourceType.TOPIC, topic)
        told = admin.describe_configs([asked], config_filter="all")
        return {name: str(config["value"]) for name, config in told.get("topic", {}).get(topic, {}).items()}
    return {}


def lacks(
    description: Mapping[str, Any], configs: Mapping[str, str], brokers: int, made_with: Mapping[str, str]
) -> list[str]:
    """One sentence for each way in which the topic may lose what it acknowledged, or refuse what it should take.

    `made_with`: what our own topic of this use is made with.
    """
    name = description["name"]
    replicas = min((len(each["replica_nodes"]) for each in description["partitions"]), default=0)
    found = []
    if replicas < min(REPLICAS, brokers):
        found.append(
            f"topic {name} keeps {replicas} of the {min(REPLICAS, brokers)} replicas that {brokers} brokers can hold, "
            f"so one lost disk can take acknowledged records away: add replicas with kafka-reassign-partitions"
        )
    if not configs:
        return [
            *found,
            f"cannot tell whether topic {name} keeps what it acknowledged, because the brokers do not tell its "
            f"configuration: allow DescribeConfigs on it",
        ]

    def told(why: str, wanted: str) -> None:
        found.append(f"topic {name} {why}: kafka-configs --alter --topic {name} {wanted}")

    insync = int(configs.get("min.insync.replicas", 1))
    if insync < 2 and replicas >= REPLICAS:
        told(
            f"acknowledges with min.insync.replicas={insync} of {replicas}, so the loss of one broker can take "
            f"acknowledged records away",
            "--add-config min.insync.replicas=2",
        )
    elif insync > 1 and insync >= replicas:
        told(
            f"has min.insync.replicas={insync} of {replicas}, so it takes nothing while any broker of it is away",
            f"--add-config min.insync.replicas={max(1, replicas - 1)}",
        )
    if replicas == 1 and int(configs.get("flush.messages", 1)) > 1:
        told(
            "is not on disk when it acknowledges, so a power cut can take records away", "--add-config flush.messages=1"
        )
    policy, wanted = configs.get("cleanup.policy", "delete"), made_with.get("cleanup.policy", "delete")
    if policy != wanted:
        told(
            f"has cleanup.policy={policy}, so it refuses or deletes records that are needed",
            f"--add-config cleanup.policy={wanted}",
        )
    if wanted == "delete":
        kept = made_with["retention.ms"]
        least = RETENTION_MS if kept != "-1" else math.inf
        if 0 <= (age := int(configs.get("retention.ms", kept))) < least:
            told(f"has retention.ms={age}, so it may delete what is needed", f"--add-config retention.ms={kept}")
        if (size := int(configs.get("retention.bytes", -1))) >= 0:
            told(f"has retention.bytes={size}, so it may delete what is needed", "--add-config retention.bytes=-1")
    largest = made_with.get("max.message.bytes") if configs.get("max.message.bytes") != SEALED else None
    if largest and int(configs.get("max.message.bytes", largest)) < int(largest):
        told(
            f"has max.message.bytes={configs['max.message.bytes']}, so it refuses the largest records",
            f"--add-config max.message.bytes={largest}",
        )
    if configs.get("message.timestamp.type", "LogAppendTime") != "LogAppendTime":
        told(
            "goes by its producers' clocks, so where one is wrong retention deletes what is needed, or brokers refuse",
            "--add-config message.timestamp.type=LogAppendTime",
        )
    if configs.get("unclean.leader.election.enable", "false") == "true":
        told(
            "has unclean.leader.election.enable=true, so a replica that lacks acknowledged records may become leader",
            "--add-config unclean.leader.election.enable=false",
        )
    return found


def _began_with(bootstrap: str, topic: str, topic_id: str, partitions: int) -> int:
    """The number that the topic had when it was first used, from a small topic beside it that keeps everything.

    Whoever may not make that topic goes by what the topic has now.
    """
    where = beside(topic)
    try:
        make_topic(bootstrap, where, 1, {"retention.ms": "-1", "retention.bytes": "-1"})
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError) as error:
        logger.warning(
            "partitions added to topic %s while nothing runs will split visitors' sessions unnoticed by ingest, "
            "because topic %s cannot be made: %s",
            topic,
            where,
            error,
        )
        return partitions
    return int(note(bootstrap, where, topic_id, str(partitions)) or partitions)


def beside(topic: str) -> str:
    """The topic of what is noted about the logs of a chain."""
    return f"{succession.first(topic)}.partitions"


def note(bootstrap: str, topic: str, key: str, value: str) -> str | None:
    """Write a value under the key unless there is one; returns the first, which stands: another process may have been
    faster. Blocks. Raises KafkaError, LogUnavailable."""
    if (first := noted(bootstrap, topic, key)) is not None:
        return first
    producer = kafka.KafkaProducer(**shared(bootstrap), acks="all", allow_auto_create_topics=False)
    try:
        producer.send(topic, value.encode(), key=key.encode(), partition=0).get(_READ_SECONDS)
    finally:
        producer.close(_READ_SECONDS)
    return noted(bootstrap, topic, key)


def noted(bootstrap: str, topic: str, key: str) -> str | None:
    """The first value under the key; None if there is none, or no topic. Blocks. Raises KafkaError, LogUnavailable."""
    at = TopicPartition(topic, 0)
    reader = kafka.KafkaConsumer(
        **shared(bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,  # made so, it would forget after the brokers' own retention
    )
    try:
        if not reader.partitions_for_topic(topic):
            return None  # not made yet, or nobody may
        reader.assign([at])
        end = reader.end_offsets([at], timeout_ms=2000)[at]
        reader.seek(at, 0)
        deadline = time.monotonic() + _READ_SECONDS
        while reader.position(at, timeout_ms=2000) < end:
            if time.monotonic() > deadline:
                raise LogUnavailable(f"Kafka: the records of topic {topic} do not come")
            for record in reader.poll(timeout_ms=200).get(at, ()):
                if record.key == key.encode():
                    return str(record.value, "utf-8")
        return None
    finally:
        reader.close(timeout_ms=2000)


@contextmanager
def available() -> Iterator[None]:
    """Within it a Kafka that fails is a log that is away."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise LogUnavailable(f"Kafka: {error}") from error
