"""The consuming end of a log on Apache Kafka: a member of a group with cooperative rebalancing."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import kafka
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata, TopicPartition

from ingest.log import lease
from ingest.log.kafka_topic import RECORD_BYTES, admin_client, events_topic, least_session_ms, shared
from ingest.log.protocol import TOPIC, Bounds, Floor, LogTruncated, LogUnavailable, PartitionsChanged, Record, whole


class _Assignment(kafka.ConsumerRebalanceListener):
    """Counts an epoch up whenever a partition comes; called in kafka-python's own thread, so it only takes notes."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._given = 0
        self.epochs: dict[int, int] = {}

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for each in revoked:
            self.epochs.pop(each.partition, None)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for each in assigned:
            # Silent until the worker seeks: the group's position is never where reading starts.
            self._consumer.seek(each, 0)
            self._consumer.pause(each)
            self._given += 1
            self.epochs[each.partition] = self._given


class KafkaConsumer:
    """One member of the worker group on Kafka."""

    def __init__(
        self,
        bootstrap: str,
        *,
        partitions: int = 4,
        topic: str = TOPIC,
        group: str = "throughline-workers",
        session_seconds: float = lease.SECONDS,
        retention_hours: int = 168,
    ) -> None:
        """Connect, make the topic if it is missing, join the group. Raises LogUnavailable.

        A member that is not heard of for `session_seconds`, or for as long as the brokers demand, loses its partitions.
        """
        self._topic = topic
        self._epochs: dict[int, int] = {}
        self._sought: dict[int, int] = {}
        self._paused: set[int] = set()
        fetching = {
            **shared(bootstrap),
            "enable_auto_commit": False,
            # Never to a place nobody chose: a position that retention overtook must stop the worker.
            "auto_offset_reset": "none",
            "max_partition_fetch_bytes": RECORD_BYTES,
            "allow_auto_create_topics": False,
        }
        try:
            self._partitions = events_topic(bootstrap, topic, partitions, retention_hours)
            self._admin = admin_client(bootstrap)
            session_ms = max(int(session_seconds * 1000), least_session_ms(self._admin))
            self._reader = kafka.KafkaConsumer(**fetching)
            self._consumer = kafka.KafkaConsumer(
                **fetching,
                group_id=group,
                partition_assignment_strategy=(CooperativeStickyAssignor,),
                session_timeout_ms=session_ms,
                heartbeat_interval_ms=session_ms // 10,
                max_poll_interval_ms=600_000,
            )
            self._assignment = _Assignment(self._consumer)
            self._consumer.subscribe([topic], listener=self._assignment)
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error

    def log_id(self) -> str:
        """Cluster id and topic id: a topic made again has another. Raises LogUnavailable."""
        try:
            cluster = self._admin.describe_cluster()["cluster_id"]
            return f"{cluster}.{self._admin.describe_topics([self._topic])[0]['topic_id']}"
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error

    @property
    def partitions(self) -> int:
        return self._partitions

    def _at(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        """See the protocol."""
        try:
            found = self._consumer.poll(timeout_ms=timeout * 1000, max_records=max_records)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            raise LogTruncated(f"Kafka: {error}") from error
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error
        finally:
            self._epochs = dict(self._assignment.epochs)
            self._remember_join()
        self._look()
        return [
            Record(at.partition, record.offset, record.value or b"")
            for at, records in found.items()
            if self._sought.get(at.partition) == self._epochs.get(at.partition, -1)
            for record in records
        ]

    def _look(self) -> None:
        """Compare with what the client knows of the topic. Raises PartitionsChanged."""
        # Its own `partitions_for_topic` would wait without an end for brokers that are away.
        known = self._consumer._cluster.partitions_for_topic(self._topic) or set()  # noqa: SLF001
        now = len(known | self._epochs.keys())
        if known and now != self._partitions:
            raise PartitionsChanged(f"topic {self._topic}", self._partitions, now)

    def _remember_join(self) -> None:
        """Have the next poll go on with a join that this one left under way.

        A join that the client began because the topic's partitions changed is no longer wanted as soon as they are
        given out. If the answer came after that poll, nobody would ever take it: no partitions, no heartbeats.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001
        if coordinator.rejoining:
            coordinator.request_rejoin()

    def assigned(self) -> Mapping[int, int]:
        """partition → epoch as of the last poll."""
        return dict(self._epochs)

    def seek(self, partition: int, offset: int) -> None:
        """The next poll goes on at the first record with an offset ≥ `offset`, in the epoch of the last poll."""
        if self._assignment.epochs.get(partition) != self._epochs.get(partition, -1):
            return
        # ValueError: the partition went away this very moment; the next poll says so.
        with suppress(ValueError, KeyError):
            self._consumer.seek(self._at(partition), offset)
            self._sought[partition] = self._epochs[partition]
            if partition not in self._paused:
                self._consumer.resume(self._at(partition))

    def pause(self, partitions: Sequence[int]) -> None:
        self._paused.update(partitions)
        for partition in partitions:
            with suppress(ValueError, KeyError):
                self._consumer.pause(self._at(partition))

    def resume(self, partitions: Sequence[int]) -> None:
        self._paused.difference_update(partitions)
        for partition in partitions:
            if self._sought.get(partition) == self._epochs.get(partition, -1):
                with suppress(ValueError, KeyError):
                    self._consumer.resume(self._at(partition))

    def bounds(self, partition: int) -> Bounds:
        """What the partition holds. Raises LogUnavailable."""
        at = self._at(partition)
        try:
            begin = self._reader.beginning_offsets([at], timeout_ms=2000)[at]
            return Bounds(begin, self._reader.end_offsets([at], timeout_ms=2000)[at])
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error

    def reach(self, partition: int) -> int:
        """Brokers keep what all in-sync replicas have."""
        return 0

    def read(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """Exactly the records in [begin, end). Raises LogUnavailable, LogTruncated."""
        held = self.bounds(partition)
        if begin < held.begin or end > held.end:
            raise LogTruncated(f"partition {partition}: [{begin}, {end}) is not within [{held.begin}, {held.end})")
        return whole(partition, self._read(partition, begin, end), begin, end)

    def left(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """What there is of [begin, end). Raises LogUnavailable; LogTruncated while retention takes it away."""
        held = self.bounds(partition)
        return self._read(partition, max(begin, held.begin), min(end, held.end))

    def _read(self, partition: int, begin: int, end: int) -> list[Record]:
        if begin >= end:
            return []
        at, records = self._at(partition), list[Record]()
        deadline = time.monotonic() + 30.0
        try:
            self._reader.assign([at])
            self._reader.seek(at, begin)
            # The position, not the last record: offsets may be missing before `end`.
            while self._reader.position(at, timeout_ms=2000) < end:
                if time.monotonic() > deadline:
                    raise LogUnavailable("Kafka: the records do not come")
                for record in self._reader.poll(timeout_ms=200).get(at, ()):
                    records.append(Record(partition, record.offset, record.value or b""))
        except OffsetOutOfRangeError as error:
            raise LogTruncated(f"Kafka: {error}") from error
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error
        return [record for record in records if record.offset < end]

    def raise_floor(self, partition: int, offset: int) -> Floor:
        """Kafka's offsets cannot be moved: a topic that ends before `offset` is another log. Raises LogTruncated."""
        held = self.bounds(partition)
        if held.end < offset:
            raise LogTruncated(f"partition {partition} ends at {held.end}, before {offset}")
        return Floor(False, offset)

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Store positions with the group. A rebalance under way, or a partition given away, is not an error."""
        wanted = {self._at(p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
        try:
            self._consumer.commit(wanted, timeout_ms=2000)
        except KafkaError as error:
            if not _of_membership(error):
                raise LogUnavailable(f"Kafka: {error}") from error

    def close(self) -> None:
        """Leave the group and disconnect."""
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=2000)
        self._reader.close(timeout_ms=2000)
        self._admin.close()


def _of_membership(error: KafkaError) -> bool:
    return type(error).__name__ in {
        "RebalanceInProgressError",
        "CommitFailedError",
        "IllegalGenerationError",
        "UnknownMemberIdError",
    }
