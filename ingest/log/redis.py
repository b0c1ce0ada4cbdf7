"""The event log on Redis Streams: one stream a partition, offsets made of stream ids, a group held by leases."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ingest.log import lease, redis_lacks, stream
from ingest.log.lease import Leases
from ingest.log.protocol import TOPIC, Bounds, LogTruncated, LogUnavailable, Record
from ingest.log.stream import Keys

PATIENCE_SECONDS = 1.8
SAMPLE_SECONDS = 0.25
LOOK_SECONDS = 0.5
READ_BYTES = 32 << 20
UNACKNOWLEDGED_BYTES = 64 << 20
RECORDS_A_PIPELINE = 512
# A clock set back makes Redis count `seq` up within one ms; long before it leaves the bits an offset has for it, go on.
SEQUENCE_ALARM = stream.SEQUENCE_LIMIT // 2


# KEYS: stream, state. ARGV: position, ms before which nothing need be kept.
# The trim comes first: a Redis at its maxmemory refuses a script's writes until it has deleted something.
_COMMIT = """
if redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[2]) > 0 then redis.call('HSET', KEYS[2], 'floor', ARGV[2]) end
redis.call('HSET', KEYS[2], 'committed', ARGV[1])
"""

# KEYS: stream. ARGV: the last id that must not come again. A missing stream is made by an entry taken out at once.
_RAISE = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XADD', KEYS[1], ARGV[1], 'v', '')
  redis.call('XDEL', KEYS[1], ARGV[1])
else
  redis.call('XSETID', KEYS[1], ARGV[1])
end
"""


class _Append(NamedTuple):
    partition: int
    stored: bytes
    done: asyncio.Future[None]


class RedisProducer:
    """Appends to the streams of one Redis. Appends that wait at the same time share a round trip.

    `max_bytes` bounds the memory of all streams of the topic (default: half of what Redis may use). It is measured, by
    MEMORY USAGE every quarter of a second, not counted: it is right whatever trimmed or restored the streams.
    """

    def __init__(self, url: str, *, partitions: int = 4, max_bytes: int | None = None, topic: str = TOPIC) -> None:
        # No second try: what may have been written must not be written again behind the caller's back.
        self._client = redis.asyncio.Redis.from_url(
            url, socket_timeout=1.5, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0), health_check_interval=10
        )
        self._url = url
        self._keys = Keys(topic)
        self._partitions = partitions
        self._max_bytes = max_bytes
        self._full = ""
        self._queue: deque[_Append] = deque()
        self._unacknowledged = 0
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def partitions(self) -> int:
        return self._partitions

    @property
    def ailment(self) -> str | None:
        """That the log is full, if it is."""
        return self._full or None

    async def start(self) -> None:
        """Connect, making the log if it is missing. Raises LogUnavailable."""
        try:
            _, self._partitions = await asyncio.to_thread(self._create)
            await self._sample()
        except (redis.RedisError, OSError) as error:
            raise LogUnavailable(f"Redis: {error}") from error
        self._tasks = [asyncio.create_task(self._flush_forever()), asyncio.create_task(self._sample_forever())]

    def _create(self) -> tuple[str, int]:
        with stream.connect(self._url) as client:
            redis_lacks.tell(client, log=True)
            return stream.create(client, self._keys, self._partitions)

    async def append(self, partition: int, value: bytes) -> None:
        """Return once the record is in the stream (and on disk with `appendfsync always`). Raises LogUnavailable."""
        if not self._tasks:
            raise LogUnavailable("the log is closed")
        if self._full:
            raise LogUnavailable(self._full, retry_after=5)
        if self._unacknowledged > UNACKNOWLEDGED_BYTES:
            raise LogUnavailable("too much waits for Redis")
        entry = _Append(partition, stream.compress(value), asyncio.get_running_loop().create_future())
        self._unacknowledged += len(entry.stored)
        self._queue.append(entry)
        self._wake.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await entry.done
        except TimeoutError:
            raise LogUnavailable(f"Redis did not acknowledge within {PATIENCE_SECONDS} s") from None
        finally:
            self._unacknowledged -= len(entry.stored)

    async def _flush_forever(self) -> None:
        """One pipeline under way, the next one gathering: a batch is as large as the round trip is slow."""
        while not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                taken = [self._queue.popleft() for _ in range(min(len(self._queue), RECORDS_A_PIPELINE))]
                await self._flush([entry for entry in taken if not entry.done.done()])

    async def _flush(self, entries: Sequence[_Append]) -> None:
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for entry in entries:
                    pipe.xadd(self._keys.stream(entry.partition), {stream.VALUE: entry.stored})
                answers: list[Any] = await pipe.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as error:
            answers = [error] * len(entries)
        for entry, answer in zip(entries, answers, strict=True):
            if entry.done.done():
                continue
            if isinstance(answer, Exception):
                entry.done.set_exception(LogUnavailable(f"Redis: {answer}"))
            else:
                entry.done.set_result(None)
                if int(answer.rpartition(b"-")[2]) > SEQUENCE_ALARM:
                    await self._next_millisecond(entry.partition, answer)

    async def _next_millisecond(self, partition: int, entry_id: bytes) -> None:
        # Refused when somebody else was faster, which is as good.
        with suppress(redis.RedisError, OSError):
            key, following = self._keys.stream(partition), f"{int(entry_id.partition(b'-')[0]) + 1}-0"
            await self._client.eval("redis.call('XSETID', KEYS[1], ARGV[1])", 1, key, following)

    async def _sample_forever(self) -> None:
        while not self._closing.is_set():
            # Away: the appends themselves say so.
            with suppress(redis.RedisError, OSError):
                await self._sample()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), SAMPLE_SECONDS)

    async def _sample(self) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            stream.ask_room(pipe, self._keys, self._partitions)
            self._full = stream.room(await pipe.execute(), self._max_bytes).full

    async def close(self) -> None:
        """Write what is in hand and disconnect."""
        tasks, self._tasks = self._tasks, []
        # The tasks end by themselves, within the client's own timeouts: a cancelled command may pass for a failed one.
        self._closing.set()
        self._wake.set()
        await asyncio.gather(*tasks)
        await self._client.aclose()


class RedisConsumer:
    """One member of the worker group on Redis."""

    def __init__(
        self,
        url: str,
        *,
        partitions: int = 4,
        topic: str = TOPIC,
        max_bytes: int | None = None,
        keep_seconds: int = 3600,
        lease_seconds: float = lease.SECONDS,
    ) -> None:
        """Connect, make the log if it is missing, join the group. Raises LogUnavailable."""
        self._client = stream.connect(url)
        self._keys = Keys(topic)
        self._max_bytes = max_bytes
        self._keep = keep_seconds * 1000 << stream.SEQUENCE_BITS
        self._positions: dict[int, tuple[int, int]] = {}
        self._paused: set[int] = set()
        self._assigned: dict[int, int] = {}
        self._record_bytes = 1
        self._was_tight = False
        self._ask_again = 0.0
        try:
            _, self._partitions = stream.create(self._client, self._keys, partitions)
            self._leases = Leases(self._client, self._keys, self._partitions, lease_seconds)
            self._leases.start()
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error

    def log_id(self) -> str:
        """The random id beside the streams. Raises LogUnavailable."""
        try:
            return stream.create(self._client, self._keys, self._partitions)[0]
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error

    @property
    def partitions(self) -> int:
        return self._partitions

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        """See the protocol. Returns early when the assignment changed."""
        deadline = time.monotonic() + timeout
        try:
            self._leases.settle()
            before = self._leases.held()
            while True:
                wait = max(0.0, deadline - time.monotonic())
                records = self._read_next(before, min(wait, LOOK_SECONDS), max_records)
                after = self._leases.held()
                if records or after != before or wait == 0.0:
                    break
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
        self._assigned = after
        # A lease may have ended while this thread waited, or while the machine slept.
        kept = [record for record in records if after.get(record.partition) == before[record.partition]]
        for record in kept:
            self._positions[record.partition] = (after[record.partition], record.offset + 1)
        return kept

    def _read_next(self, held: Mapping[int, int], wait: float, max_records: int) -> list[Record]:
        """The next records of what is held, sought in this epoch and not paused."""
        positions = {
            p: offset
            for p, (epoch, offset) in self._positions.items()
            if held.get(p) == epoch and p not in self._paused
        }
        if not positions:
            time.sleep(min(wait, 0.05))
            return []
        names = {self._keys.stream(p).encode(): p for p in positions}
        count = max(1, min(max_records, READ_BYTES // self._record_bytes) // len(positions))
        block = int(wait * 1000) or None
        after = {self._keys.stream(p): id_before(offset) for p, offset in positions.items()}
        answer: Any = self._client.xread(after, count=count, block=block)  # type: ignore[arg-type]
        found = answer.items() if isinstance(answer, dict) else answer
        records = [_record(names[name], entry) for name, entries in found for entry in entries]
        if records:
            self._record_bytes = max(1, sum(len(record.value) for record in records) // len(records))
        return records

    def assigned(self) -> Mapping[int, int]:
        """partition → epoch as of the last poll."""
        return dict(self._assigned)

    def seek(self, partition: int, offset: int) -> None:
        """The next poll goes on at the first record with an offset ≥ `offset`, in the epoch of the last poll."""
        if partition in self._assigned:
            self._positions[partition] = (self._assigned[partition], offset)

    def pause(self, partitions: Sequence[int]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[int]) -> None:
        self._paused.difference_update(partitions)

    def bounds(self, partition: int) -> Bounds:
        """What the partition holds. Raises LogUnavailable."""
        try:
            return stream.bounds(self._client, self._keys, partition)
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error

    def read(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """Exactly the records in [begin, end). Raises LogUnavailable, LogTruncated."""
        held = self.bounds(partition)
        if begin < held.begin or end > held.end:
            raise LogTruncated(f"partition {partition}: [{begin}, {end}) is not within [{held.begin}, {held.end})")
        records: list[Record] = []
        try:
            while begin < end:
                chunk: Any = self._client.xrange(
                    self._keys.stream(partition), stream.id_at(begin), stream.id_at(end - 1), 500
                )
                records += [_record(partition, entry) for entry in chunk]
                begin = records[-1].offset + 1 if chunk else end
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
        return records

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Store positions and trim what lies an hour behind them. Raises LogUnavailable.

        When room is tight, trim right behind them: refusing new events for the sake of counted ones is the worse loss.
        """
        try:
            keep = 0 if self._tight() else self._keep
            with self._client.pipeline(transaction=False) as pipe:
                for partition, offset in offsets.items():
                    floor = max(0, offset - 1 - keep) >> stream.SEQUENCE_BITS
                    pipe.eval(_COMMIT, 2, self._keys.stream(partition), self._keys.state(partition), str(offset), floor)
                pipe.execute()
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error

    def _tight(self) -> bool:
        """Asked at most once a second."""
        if time.monotonic() >= self._ask_again:
            with self._client.pipeline(transaction=False) as pipe:
                stream.ask_room(pipe, self._keys, self._partitions)
                self._was_tight = stream.room(pipe.execute(), self._max_bytes).tight
            self._ask_again = time.monotonic() + 1.0
        return self._was_tight

    def raise_floor(self, partition: int, offset: int) -> bool:
        """See the protocol: from now on no record gets an offset below `offset`. Raises LogUnavailable."""
        key = self._keys.stream(partition)
        try:
            held = stream.bounds(self._client, self._keys, partition)
            if held.end < offset:
                # The next millisecond, so that all the bits for `seq` are free.
                self._client.eval(_RAISE, 1, key, f"{(offset >> stream.SEQUENCE_BITS) + 1}-0")
                return True
            last = stream.id_at(offset - 1)
            return held.begin < offset and not self._client.xrange(key, last, last)
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error

    def close(self) -> None:
        """Give all leases back at once and disconnect."""
        with suppress(redis.RedisError):
            self._leases.close()
        self._client.close()


def id_before(offset: int) -> str:
    """XREAD gives what comes after an id."""
    return stream.id_at(max(0, offset - 1))


def _record(partition: int, entry: tuple[bytes, dict[bytes, bytes]]) -> Record:
    entry_id, fields = entry
    return Record(partition, stream.offset_of(entry_id), stream.decompress(fields.get(stream.VALUE, b"")))
