"""Logs on Kafka that follow each other: topics whose names are numbered. One that is sealed takes no record at all."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import MessageSizeTooLargeError
from kafka.structs import TopicPartition

from ingest.log import succession
from ingest.log.kafka_topic import SEALED, admin_client, available, beside, events_topic, note, noted, shared
from ingest.log.protocol import LogUnavailable
from ingest.log.succession import Link

_SECONDS = 30.0
# A broker answers no append later than its producers wait; by then the end that it tells holds all it acknowledged.
_SETTLE_SECONDS = 3.0


def topics(admin: Any, topic: str) -> list[str]:
    """The topics of the chain, or what its first will be. Raises KafkaError."""
    own = [name for name in admin.list_topics() if succession.first(name) == topic]
    return sorted(own, key=succession.number) or [topic]


def followed(admin: Any, topic: str) -> bool:
    """Whether there is the next topic. Raises KafkaError."""
    return not admin.describe_topics([succession.following(topic)])[0]["error_code"]


class KafkaSuccession:
    """Implements `Succession`. It remembers what cannot change."""

    def __init__(self, address: str, topic: str, retention_hours: int = 168) -> None:
        """Connect. Raises LogUnavailable."""
        self._address, self._topic, self._retention_hours = address, topic, retention_hours
        self._ended: dict[str, Sequence[int]] = {}
        self._counts: dict[str, int] = {}
        with available():
            self._admin = admin_client(address)
            self._reader = kafka.KafkaConsumer(
                **shared(address), enable_auto_commit=False, allow_auto_create_topics=False
            )
            self._cluster = self._admin.describe_cluster()["cluster_id"]

    def chain(self) -> Sequence[Link]:
        with available():
            names = topics(self._admin, self._topic)
            # Without one of several, the next would be taken for the one to be counted.
            told = {each["name"]: each for each in self._admin.describe_topics(names)}
            if len(names) > 1 and any(told[name]["error_code"] for name in names):
                raise LogUnavailable(f"Kafka: not every topic of {', '.join(names)} is told of")
            made = [told[name] for name in names if not told[name]["error_code"]]
            return [*(self._before(each) for each in made[:-1]), *(self._link(each) for each in made[-1:])]

    def _link(self, told: Any) -> Link:
        topic, name = told["name"], str(told["topic_id"])
        if name not in self._counts:
            if (first := noted(self._address, beside(topic), name)) is None:
                return Link(topic, f"{self._cluster}.{name}", len(told["partitions"]))
            self._counts[name] = int(first)
        return Link(topic, f"{self._cluster}.{name}", self._counts[name])

    def _before(self, told: Any) -> Link:
        link, name = self._link(told), str(told["topic_id"])
        begins = self._reader.beginning_offsets(every := _every(link), timeout_ms=2000)
        return Link(link.topic, link.log, link.partitions, [begins[at] for at in every], self._ends(link.topic, name))

    def followed(self, topic: str) -> bool:
        with available():
            return followed(self._admin, topic)

    def extend(self, last: Link, partitions: int) -> None:
        with available():
            events_topic(self._address, succession.following(last.topic), partitions, self._retention_hours)

    def seal(self, link: Link) -> None:
        """By a configuration that refuses every record. It has arrived where a record of ours is refused."""
        with available():
            resource = ConfigResource(ConfigResourceType.TOPIC, link.topic, {"max.message.bytes": SEALED})
            self._admin.alter_configs([resource])
            producer = kafka.KafkaProducer(
                **shared(self._address), acks="all", enable_idempotence=False, allow_auto_create_topics=False
            )
            try:
                for at in _every(link):
                    _until_refused(producer, at)
            finally:
                producer.close(_SECONDS)
            time.sleep(_SETTLE_SECONDS)
            ends = self._reader.end_offsets(every := _every(link), timeout_ms=2000)
            note(
                self._address,
                beside(link.topic),
                f"{link.log.rpartition('.')[2]}/ends",
                json.dumps([ends[at] for at in every]),
            )

    def ends(self, topic: str) -> Sequence[int] | None:
        """A record may lie behind them that a replica had late."""
        if not self.followed(topic):
            return None
        with available():
            return self._ends(topic, str(self._admin.describe_topics([topic])[0]["topic_id"]))

    def _ends(self, topic: str, name: str) -> Sequence[int] | None:
        if name not in self._ended and (ends := noted(self._address, beside(topic), f"{name}/ends")):
            self._ended[name] = json.loads(ends)
        return self._ended.get(name)

    def release(self, link: Link) -> None:
        """Its retention sees to it."""

    def keep(self, link: Link) -> None:
        """The same."""

    def close(self) -> None:
        self._reader.close(timeout_ms=2000)
        self._admin.close()


def _every(link: Link) -> list[TopicPartition]:
    return [TopicPartition(link.topic, number) for number in range(link.partitions)]


def _until_refused(producer: Any, at: TopicPartition) -> None:
    """Raises LogUnavailable if the partition goes on taking records, empty ones that are no lines."""
    deadline = time.monotonic() + _SECONDS
    with suppress(MessageSizeTooLargeError):
        while True:
            producer.send(at.topic, b"", partition=at.partition).get(_SECONDS)
            if time.monotonic() > deadline:
                raise LogUnavailable(f"topic {at.topic} is not sealed: partition {at.partition} still takes records")
            time.sleep(0.1)
