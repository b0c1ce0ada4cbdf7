"""The producing end of a log on Apache Kafka: `acks=all`, sent from a thread of its own."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import kafka
from kafka.errors import KafkaError

from ingest.log.kafka_succession import followed, topics
from ingest.log.kafka_topic import RECORD_BYTES, admin_client, events_topic, shared
from ingest.log.protocol import TOPIC, LogUnavailable, PartitionsChanged

PATIENCE_SECONDS = 1.8
UNACKNOWLEDGED_BYTES = 64 << 20
LOOK_SECONDS = 1.0
CHANGED_RETRY_SECONDS = 30


class _Append(NamedTuple):
    partition: int
    value: bytes
    done: asyncio.Future[None]


class KafkaProducer:
    """Appends to a topic from one event loop. kafka-python's `send` may block, so a thread of its own calls it."""

    def __init__(self, bootstrap: str, *, partitions: int = 4, topic: str = TOPIC, retention_hours: int = 168) -> None:
        self._bootstrap = bootstrap
        self._first = topic
        self._topic = topic  # of the log in use, once started
        self._partitions = partitions
        self._retention_hours = retention_hours
        self._changed = ""
        self._succeeded = False
        self._producer: Any = None
        self._admin: Any = None
        self._thread = ThreadPoolExecutor(1, "kafka send")
        self._queue: deque[_Append] = deque()
        self._outcomes: deque[tuple[asyncio.Future[None], BaseException | None]] = deque()
        self._unacknowledged = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = threading.Event()

    @property
    def partitions(self) -> int:
        return self._partitions

    @property
    def succeeded(self) -> bool:
        return self._succeeded

    def successor(self) -> "KafkaProducer":
        return KafkaProducer(
            self._bootstrap, partitions=self._partitions, topic=self._first, retention_hours=self._retention_hours
        )

    async def start(self) -> None:
        """See the protocol."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connect)
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka: {error}") from error
        self._task = asyncio.create_task(self._send_forever())
        threading.Thread(target=self._look_forever, name="kafka next", daemon=True).start()

    def _connect(self) -> None:
        self._admin = self._admin or admin_client(self._bootstrap)
        self._topic = topics(self._admin, self._first)[-1]
        self._partitions = events_topic(self._bootstrap, self._topic, self._partitions, self._retention_hours)
        # The client keeps records without a limit until they expire: after as long as the caller waits, no longer.
        # No idempotence: kafka-python 3.0.12 forgets its producer id when a batch that it had sent expires, never asks
        # for another, and is stuck for good. A resent batch doubles records, which the ids of their events make
        # harmless. One request under way keeps the order when one is resent; large batches let the next ones gather.
        self._producer = kafka.KafkaProducer(
            **shared(self._bootstrap),
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
        )
        self._look()

    def _look_forever(self) -> None:
        """For the next log; in a thread that nobody waits for, as brokers that are away hold it up."""
        while not (self._succeeded or self._closing.wait(LOOK_SECONDS)):
            with suppress(KafkaError, OSError):
                self._succeeded = followed(self._admin, self._topic)
        with suppress(KafkaError, OSError):
            self._admin.close()

    def _look(self) -> None:
        """Compare with what the client knows of the topic, at most `metadata_max_age_ms` old. Raises KafkaError."""
        now = len(self._producer.partitions_for(self._topic))
        same = now == self._partitions
        self._changed = "" if same else str(PartitionsChanged(f"topic {self._topic}", self._partitions, now))

    @property
    def ailment(self) -> str | None:
        """That partitions were added, if they were."""
        return self._changed or None

    async def write(self, records: Sequence[tuple[int, bytes]]) -> Sequence[LogUnavailable | None]:
        """See the protocol: a partition whose leader is away fails for itself."""
        appends = [self.append(partition, value) for partition, value in records]
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None and not isinstance(outcome, LogUnavailable):
                raise outcome
        return [outcome if isinstance(outcome, LogUnavailable) else None for outcome in outcomes]

    async def append(self, partition: int, value: bytes) -> None:
        """Return once all in-sync replicas have the record. Raises LogUnavailable."""
        if self._task is None:
            raise LogUnavailable("the log is closed")
        if self._changed:
            raise LogUnavailable(self._changed, CHANGED_RETRY_SECONDS)
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
        """One trip to the sending thread for all that wait, and one now and then to look at the topic."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            entries = [entry for entry in self._queue if not entry.done.done()]
            self._queue.clear()
            await loop.run_in_executor(self._thread, self._send, entries, loop)

    def _send(self, entries: Iterable[_Append], loop: asyncio.AbstractEventLoop) -> None:
        """Runs in the sending thread. What is under way when partitions are added is placed as it always was."""
        # A topic that nobody tells about: the sends themselves say so.
        with suppress(KafkaError):
            self._look()
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

    async def holds(self) -> bool:
        """True: brokers that lose what all in-sync replicas had are told by offsets that do not fit."""
        return True

    async def close(self) -> None:
        """Send what is in hand and disconnect."""
        task, self._task = self._task, None
        self._closing.set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._unacknowledged and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            # Raises when something could not be flushed in time; its callers were told long ago.
            with suppress(KafkaError):
                await asyncio.to_thread(self._producer.close, PATIENCE_SECONDS)
        elif self._admin is not None:  # it never started
            with suppress(KafkaError, OSError):
                await asyncio.to_thread(self._admin.close)
        self._thread.shutdown(wait=False)
