"""The event log on Apache Kafka: a topic, a consumer group with cooperative rebalancing, `acks=all`."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import kafka
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata, TopicPartition

from ingest.log.protocol import TOPIC, Bounds, LogTruncated, LogUnavailable, Record

PATIENCE_SECONDS = 1.8
START_SECONDS = 5.0
UNACKNOWLEDGED_BYTES = 64 << 20
RECORD_BYTES = 4 << 20
# A broker that comes back is found within a second, however long it was away; and a group that met while the brokers
# knew no partitions yet, which then has none to share, looks again within seconds instead of five minutes.
RECONNECT = {
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": 1000,
    "retry_backoff_ms": 100,
    "metadata_max_age_ms": 5000,
}


def create_topic(bootstrap: str, topic: str, partitions: int, configs: Mapping[str, str]) -> int:
    """Make the topic if it is missing, with the brokers' own replication factor. Returns its number of partitions.

    Blocks. Raises KafkaError.
    """
    admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=START_SECONDS * 1000, **RECONNECT)
    try:
        if topic not in admin.list_topics():
            wanted = {topic: {"num_partitions": partitions, "replication_factor": -1, "configs": dict(configs)}}
            with suppress(TopicAlreadyExistsError):
                admin.create_topics(wanted)
        # Brokers that have just started know a topic before they know its leaders.
        admin.wait_for_topics([topic])
        return len(admin.describe_topics([topic])[0]["partitions"])
    finally:
        admin.close()


class _Append(NamedTuple):
    partition: int
    value: bytes
    done: asyncio.Future[None]


class KafkaProducer:
    """Appends to a topic from one event loop. kafka-python's `send` may block, so a thread of its own calls it."""

    def __init__(self, bootstrap: str, *, partitions: int = 4, topic: str = TOPIC, retention_hours: int = 168) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._retention = retention_hours * 3_600_000
        self._producer: Any = None
        self._thread = ThreadPoolExecutor(1, "kafka send")
        self._queue: deque[_Append] = deque()
        self._outcomes: deque[tuple[asyncio.Future[None], BaseException | None]] = deque()
        self._unacknowledged = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def partitions(self) -> int:
        return self._partitions

    async def start(self) -> None:
        """Connect, making the topic if it is missing. Raises LogUnavailable."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect)
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error
        self._task = asyncio.create_task(self._send_forever())

    def _connect(self) -> None:
        configs = {"max.message.bytes": str(RECORD_BYTES + 1024), "retention.ms": str(self._retention)}
        self._partitions = create_topic(self._bootstrap, self._topic, self._partitions, configs)
        # The client keeps records without a limit until they expire: after as long as the caller waits, no longer.
        # No idempotence: kafka-python 3.0.12 forgets its producer id when a batch that it had sent expires, never asks
        # for another, and is stuck for good. A resent batch doubles records, which the ids of their events make
        # harmless. One request under way keeps the order when one is resent; large batches let the next ones gather.
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=self._bootstrap,
            bootstrap_timeout_ms=START_SECONDS * 1000,
            acks="all",
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            compression_type="zstd",
            batch_size=1 << 20,
            max_request_size=RECORD_BYTES,
            max_block_ms=1000,
            request_timeout_ms=1500,
            delivery_timeout_ms=PATIENCE_SECONDS * 1000,
            allow_auto_create_topics=False,
            **RECONNECT,
        )
        self._producer.partitions_for(self._topic)

    async def append(self, partition: int, value: bytes) -> None:
        """Return once all in-sync replicas have the record. Raises LogUnavailable."""
        if self._task is None:
            raise LogUnavailable("the log is closed")
        if self._unacknowledged > UNACKNOWLEDGED_BYTES:
            raise LogUnavailable("too much waits for Kafka")
        entry = _Append(partition, value, asyncio.get_running_loop().create_future())
        self._unacknowledged += len(value)
        self._queue.append(entry)
        self._wake.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await entry.done
        except TimeoutError:
            raise LogUnavailable(f"Kafka did not acknowledge within {PATIENCE_SECONDS} s") from None
        finally:
            self._unacknowledged -= len(value)

    async def _send_forever(self) -> None:
        """One trip to the sending thread for all that wait."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            entries = [entry for entry in self._queue if not entry.done.done()]
            self._queue.clear()
            await loop.run_in_executor(self._thread, self._send, entries, loop)

    def _send(self, entries: Iterable[_Append], loop: asyncio.AbstractEventLoop) -> None:
        """Runs in the sending thread."""
        for entry in entries:
            settle = self._settler(entry.done, loop)
            try:
                future = self._producer.send(self._topic, entry.value, partition=entry.partition)
                future.add_callback(lambda _, settle=settle: settle(None))
                future.add_errback(settle)
            except (KafkaError, ValueError, OSError) as error:
                settle(error)

    def _settler(
        self, done: asyncio.Future[None], loop: asyncio.AbstractEventLoop
    ) -> Callable[[BaseException | None], None]:
        """A callback for any thread; outcomes that arrive together wake the loop once."""

        def settle(error: BaseException | None) -> None:
            self._outcomes.append((done, error))
            if len(self._outcomes) == 1:
                # The loop may be closed when a producer that was given up hears of a late record.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._tell)

        return settle

    def _tell(self) -> None:
        while self._outcomes:
            done, error = self._outcomes.popleft()
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(LogUnavailable(f"Kafka: {error}"))

    async def close(self) -> None:
        """Send what is in hand and disconnect."""
        task, self._task = self._task, None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._unacknowledged and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            # Raises when something could not be flushed in time; its callers were told long ago.
            with suppress(KafkaError):
                await asyncio.to_thread(self._producer.close, PATIENCE_SECONDS)
        self._thread.shutdown(wait=False)


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
        session_seconds: float = 10.0,
        retention_hours: int = 168,
    ) -> None:
        """Connect, make the topic if it is missing, join the group. Raises LogUnavailable."""
        self._topic = topic
        self._epochs: dict[int, int] = {}
        self._sought: dict[int, int] = {}
        self._paused: set[int] = set()
        shared = {"bootstrap_servers": bootstrap, "bootstrap_timeout_ms": START_SECONDS * 1000, **RECONNECT}
        fetching = {
            **shared,
            "enable_auto_commit": False,
            # Never to a place nobody chose: a position that retention overtook must stop the worker.
            "auto_offset_reset": "none",
            "max_partition_fetch_bytes": RECORD_BYTES,
            "allow_auto_create_topics": False,
        }
        try:
            configs = {"max.message.bytes": str(RECORD_BYTES + 1024), "retention.ms": str(retention_hours * 3_600_000)}
            self._partitions = create_topic(bootstrap, topic, partitions, configs)
            self._admin = kafka.KafkaAdminClient(**shared)
            self._reader = kafka.KafkaConsumer(**fetching)
            self._consumer = kafka.KafkaConsumer(
                **fetching,
                group_id=group,
                partition_assignment_strategy=(CooperativeStickyAssignor,),
                session_timeout_ms=int(session_seconds * 1000),
                heartbeat_interval_ms=int(session_seconds * 100),
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
        return [
            Record(at.partition, record.offset, record.value or b"")
            for at, records in found.items()
            if self._sought.get(at.partition) == self._epochs.get(at.partition, -1)
            for record in records
        ]

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

    def read(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """Exactly the records in [begin, end). Raises LogUnavailable, LogTruncated."""
        held = self.bounds(partition)
        if begin < held.begin or end > held.end:
            raise LogTruncated(f"partition {partition}: [{begin}, {end}) is not within [{held.begin}, {held.end})")
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

    def raise_floor(self, partition: int, offset: int) -> bool:
        """Kafka's offsets cannot be moved: a topic that ends before `offset` is another log. Raises LogTruncated."""
        held = self.bounds(partition)
        if held.end < offset:
            raise LogTruncated(f"partition {partition} ends at {held.end}, before {offset}")
        return False

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
