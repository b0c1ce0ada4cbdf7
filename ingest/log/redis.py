"""The event log on Redis Streams: one stream a partition, offsets made of stream ids, a group held by leases."""

import asyncio
import logging
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
from ingest.log.protocol import TOPIC, Bounds, Floor, LogTruncated, LogUnavailable, Record, whole
from ingest.log.stream import Keys

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.8
SAMPLE_SECONDS = 0.25
LOOK_SECONDS = 0.5
READ_BYTES = 32 << 20
UNACKNOWLEDGED_BYTES = 64 << 20
RECORDS_A_PIPELINE = 512
# A clock set back makes Redis count `seq` up within one ms, and a trim goes by ms: what shares one cannot be trimmed.
SEQUENCE_ALARM = 1_000

# KEYS: stream, state. ARGV: position, ms before which nothing need be kept, the id before the position, the position of
# the last commit. Answers whether the stream was put back: what was counted last is not there (the position that is
# there then stays, for it tells what was), or the position fell back, or a producer found out.
# The trim comes first: a Redis at its maxmemory refuses a script's writes until it has deleted something.
_COMMIT = """
if redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[2]) > 0 then redis.call('HSET', KEYS[2], 'floor', ARGV[2]) end
if ARGV[1] ~= '0' and #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then return 1 end
local before = redis.call('HGET', KEYS[2], 'committed') or '0'
redis.call('HSET', KEYS[2], 'committed', ARGV[1])
-- Offsets have more digits than a Lua number holds.
local known = ARGV[4]
if #before < #known or (#before == #known and before < known) then return 1 end
return redis.call('HDEL', KEYS[2], 'put back')
"""

# KEYS: stream. The last id that it gave, and that of its last entry; without the entries themselves, which XINFO sends.
_LAST = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0-0', '0-0'} end
local info, entry = redis.call('XINFO', 'STREAM', KEYS[1]), redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then return {info[i + 1], entry and entry[1] or '0-0'} end
end
"""

# KEYS: stream. ARGV: ms at which its next ids begin at the earliest. Ids never go down: XSETID alone would let them. A
# missing stream is made by an entry taken out at once.
_RAISE = """
local last = 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XADD', KEYS[1], ARGV[1] .. '-0', 'v', '')
  redis.call('XDEL', KEYS[1], ARGV[1] .. '-0')
else
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
  end
  if last < tonumber(ARGV[1]) then redis.call('XSETID', KEYS[1], ARGV[1] .. '-0') end
end
"""

# KEYS: stream, state. ARGV: ms as above; then the id that a record got below it, and its value, to be appended above.
_PUT_BACK = f"""
{_RAISE}
redis.call('HSET', KEYS[2], 'put back', 1)
if ARGV[2] then
  redis.call('XDEL', KEYS[1], ARGV[2])
  return redis.call('XADD', KEYS[1], '*', 'v', ARGV[3])
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
        self._last: dict[int, int] = {}  # partition → the highest offset that it was seen to give
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
            outcome: Any = answer
            if not isinstance(outcome, Exception) and stream.offset_of(outcome) <= self._last.get(entry.partition, 0):
                outcome = await self._again(entry, outcome)
            if not isinstance(outcome, Exception):
                self._last[entry.partition] = stream.offset_of(outcome)
            if entry.done.done():
                continue
            if isinstance(outcome, Exception):
                entry.done.set_exception(LogUnavailable(f"Redis: {outcome}"))
            else:
                entry.done.set_result(None)
        for partition in {entry.partition for entry in entries}:
            last = self._last.get(partition, 0)
            if last & (stream.SEQUENCE_LIMIT - 1) > SEQUENCE_ALARM:
                with suppress(redis.RedisError, OSError):
                    following = str((last >> stream.SEQUENCE_BITS) + 1)
                    await self._client.eval(_RAISE, 1, self._keys.stream(partition), following)

    async def _again(self, entry: _Append, low: bytes) -> Any:
        """The id of the record appended anew: it had got an offset that may have been counted already, where nobody
        would read it, for the log was put back and the clock was behind. Or why it could not be."""
        try:
            return await self._goes_on_above(entry.partition, low, entry.stored)
        except (redis.RedisError, OSError) as error:
            return error

    async def _goes_on_above(self, partition: int, *anew: bytes) -> Any:
        logger.error("the log was put back to an earlier state: partition %d goes on above", partition)
        keys = self._keys.stream(partition), self._keys.state(partition)
        ms = (self._last[partition] >> stream.SEQUENCE_BITS) + 1
        return await self._client.eval(_PUT_BACK, 2, *keys, str(ms), *anew)

    async def holds(self) -> bool:
        """Whether the streams still have the last of each that this producer appended. Raises LogUnavailable."""
        try:
            for partition, offset in self._last.items():
                last = stream.id_at(offset)
                floor: Any = await self._client.hget(self._keys.state(partition), "floor")
                there = await self._client.xrange(self._keys.stream(partition), last, last)
                if not there and int(floor or 0) <= offset >> stream.SEQUENCE_BITS:
                    return False
        except (redis.RedisError, OSError) as error:
            raise LogUnavailable(f"Redis: {error}") from error
        return True

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
            seen = dict(self._last)
            for partition in seen:
                pipe.eval(_LAST, 1, self._keys.stream(partition))
            ends: list[Any] = await pipe.execute()
        for (partition, last), (given, _) in zip(seen.items(), ends, strict=True):
            if stream.offset_of(given) < last:
                await self._goes_on_above(partition)

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
        self._committed: dict[int, int] = {}
        self._put_back: set[int] = set()
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

    def reach(self, partition: int) -> int:
        """The offset after the last record that is there. Raises LogUnavailable."""
        try:
            _, entry = self._client.eval(_LAST, 1, self._keys.stream(partition))
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
        last = stream.offset_of(entry)
        return last + 1 if last else 0

    def read(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """Exactly the records in [begin, end). Raises LogUnavailable, LogTruncated."""
        records = self.left(partition, begin, end)
        if begin < (held := self.bounds(partition)).begin:
            raise LogTruncated(f"partition {partition}: [{begin}, {end}) is not within [{held.begin}, {held.end})")
        return whole(partition, records, begin, end)

    def left(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """What there is of [begin, end). Raises LogUnavailable."""
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
        """Store positions and trim what lies an hour behind them. Raises LogUnavailable, also once for a log that was
        put back since the last commit: `raise_floor` is to be asked then.

        When room is tight, trim right behind them: refusing new events for the sake of counted ones is the worse loss.
        """
        try:
            keep = 0 if self._tight() else self._keep
            with self._client.pipeline(transaction=False) as pipe:
                for partition, offset in offsets.items():
                    floor = max(0, offset - 1 - keep) >> stream.SEQUENCE_BITS
                    keys = self._keys.stream(partition), self._keys.state(partition)
                    last, before = stream.id_at(max(0, offset - 1)), str(self._committed.get(partition, 0))
                    pipe.eval(_COMMIT, 2, *keys, str(offset), floor, last, before)
                answers: list[Any] = pipe.execute()
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
        behind = {partition for partition, told in zip(offsets, answers, strict=True) if told}
        self._committed |= offsets
        self._put_back = self._put_back - offsets.keys() | behind
        if behind:
            raise LogUnavailable("the log was put back to an earlier state")

    def _tight(self) -> bool:
        """Asked at most once a second."""
        if time.monotonic() >= self._ask_again:
            with self._client.pipeline(transaction=False) as pipe:
                stream.ask_room(pipe, self._keys, self._partitions)
                self._was_tight = stream.room(pipe.execute(), self._max_bytes).tight
            self._ask_again = time.monotonic() + 1.0
        return self._was_tight

    def raise_floor(self, partition: int, offset: int) -> Floor:
        """See the protocol: from now on no record gets an offset below `offset`. Raises LogUnavailable."""
        key = self._keys.stream(partition)
        try:
            held = stream.bounds(self._client, self._keys, partition)
            if held.end < offset:
                # The next millisecond, so that all the bits for `seq` are free.
                self._client.eval(_RAISE, 1, key, str((offset >> stream.SEQUENCE_BITS) + 1))
            last = stream.id_at(offset - 1)
            lacks = held.begin < offset and not self._client.xrange(key, last, last)
            committed: Any = self._client.hget(self._keys.state(partition), "committed")
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
        put_back = held.end < offset or lacks or partition in self._put_back
        return Floor(put_back, min(int(committed or 0), offset))

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
