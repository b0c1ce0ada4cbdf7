"""The consuming end of a log on Redis Streams: offsets made of stream ids, a group held by leases."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import redis

from ingest.log import lease, redis_succession, stream
from ingest.log.lease import Leases
from ingest.log.protocol import TOPIC, Bounds, Floor, LogTruncated, LogUnavailable, Record, whole
from ingest.log.stream import Keys
from ingest.log.succession import first

LOOK_SECONDS = 0.5
READ_BYTES = 32 << 20

# KEYS: stream, state. ARGV: position, ms before which nothing need be kept, the id before the position, the position of
# the last commit, the Redis process as the partition was taken. Answers 1 if the stream was put back: what was counted
# last is not there (the position that is there then stays, for it tells what was), or the position fell back, or a
# producer found out; 2 if this is another process: it may have less than there was, also of dead letters.
# The trim comes first: a Redis at its maxmemory refuses a script's writes until it has deleted something.
_COMMIT = """
if redis.call('XTRIM', KEYS[1], 'MINID', '~', ARGV[2]) > 0 then redis.call('HSET', KEYS[2], 'floor', ARGV[2]) end
if ARGV[1] ~= '0' and #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then return 1 end
if ARGV[5] ~= '' and string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') ~= ARGV[5] then return 2 end
local before = redis.call('HGET', KEYS[2], 'committed') or '0'
redis.call('HSET', KEYS[2], 'committed', ARGV[1])
-- Offsets have more digits than a Lua number holds.
local known = ARGV[4]
if #before < #known or (#before == #known and before < known) then return 1 end
return redis.call('HDEL', KEYS[2], 'put back')
"""


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
        self._taken_of: dict[int, str] = {}  # partition → the Redis process, as it was taken
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
            _, entry = self._client.eval(stream.LAST, 1, self._keys.stream(partition))
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
        put back since the last commit, and for a Redis that restarted since: `raise_floor` is to be asked then.

        When room is tight, trim right behind them: refusing new events for the sake of counted ones is the worse loss.
        """
        try:
            keep = 0 if self._tight() else self._keep
            with self._client.pipeline(transaction=False) as pipe:
                for partition, offset in offsets.items():
                    floor = max(0, offset - 1 - keep) >> stream.SEQUENCE_BITS
                    keys = self._keys.stream(partition), self._keys.state(partition)
                    last, before = stream.id_at(max(0, offset - 1)), str(self._committed.get(partition, 0))
                    pipe.eval(_COMMIT, 2, *keys, str(offset), floor, last, before, self._taken_of.get(partition, ""))
                answers: list[Any] = pipe.execute()
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
        told = dict(zip(offsets, answers, strict=True))
        behind = {partition for partition, answer in told.items() if answer == 1}
        self._committed |= {partition: offsets[partition] for partition, answer in told.items() if answer != 2}
        self._put_back = self._put_back - offsets.keys() | behind
        if behind:
            raise LogUnavailable("the log was put back to an earlier state")
        if any(told.values()):
            raise LogUnavailable("Redis has restarted: what it has is looked at again")

    def _tight(self) -> bool:
        """Asked at most once a second."""
        if time.monotonic() >= self._ask_again:
            with self._client.pipeline(transaction=False) as pipe:
                stream.ask_room(pipe, redis_succession.streams(self._client, first(self._keys.topic)))
                self._was_tight = stream.room(pipe.execute(), self._max_bytes).tight
            self._ask_again = time.monotonic() + 1.0
        return self._was_tight

    def raise_floor(self, partition: int, offset: int) -> Floor:
        """See the protocol: from now on no record gets an offset below `offset`. Raises LogUnavailable."""
        key = self._keys.stream(partition)
        try:
            server: Any = self._client.info("server")
            self._taken_of[partition] = str(server["run_id"])
            held = stream.bounds(self._client, self._keys, partition)
            if held.end < offset:
                # The next millisecond, so that all the bits for `seq` are free.
                self._client.eval(stream.RAISE, 1, key, str((offset >> stream.SEQUENCE_BITS) + 1))
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
