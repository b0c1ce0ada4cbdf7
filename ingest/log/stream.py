"""A Redis stream as a log partition: its keys, its ids as offsets, its values compressed, what it still holds."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import zstandard
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest.log import succession
from ingest.log.protocol import Bounds
from ingest.log.redis_pool import NO_NOTIFICATIONS, native

# An id is ms-seq. Twenty bits leave room for a million records a millisecond and for the year 2500 within 64 bits.
SEQUENCE_BITS = 20
SEQUENCE_LIMIT = 1 << SEQUENCE_BITS
VALUE = b"v"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

# KEYS: stream. The last id that it gave, and that of its last entry; without the entries themselves, which XINFO sends.
LAST = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0-0', '0-0'} end
local info, entry = redis.call('XINFO', 'STREAM', KEYS[1]), redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then return {info[i + 1], entry and entry[1] or '0-0'} end
end
"""

# KEYS: stream. ARGV: ms at which its next ids begin at the earliest. Ids never go down: XSETID alone would let them. A
# missing stream is made by an entry taken out at once.
RAISE = """
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


@dataclass(frozen=True)
class Keys:
    """The keys of one topic; those of one partition share a slot of a Redis Cluster."""

    topic: str

    @property
    def log(self) -> str:
        """Hash: the log's `id` and number of `partitions`; `next`: the topic of the log after it; `ends`: once it is
        sealed, the id of the last record of each."""
        return f"throughline:{{{self.topic}}}:log"

    def stream(self, partition: int) -> str:
        return f"throughline:{{{self.topic}:{partition}}}"

    def state(self, partition: int) -> str:
        """Hash: the position `committed`, and `floor`, the ms before which records were trimmed."""
        return f"throughline:{{{self.topic}:{partition}}}:state"

    def group(self, part: str) -> str:
        return f"throughline:{{{self.topic}:group}}:{part}"


def offset_of(entry_id: bytes) -> int:
    """ms·2²⁰ + seq: grows with the ids, and never falls back after a rollback because ms is the time of the append."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    return (int(milliseconds) << SEQUENCE_BITS) + int(sequence)


def id_at(offset: int) -> str:
    """The stream id of an offset."""
    return f"{offset >> SEQUENCE_BITS}-{offset & (SEQUENCE_LIMIT - 1)}"


def appended_at(offset: int) -> int:
    """When the record was appended, ms of the clock of Redis."""
    return offset >> SEQUENCE_BITS


def compressor() -> zstandard.ZstdCompressor:
    """Makes one zstd frame of each value, that carries its size. For one thread; making one costs more than its use."""
    return zstandard.ZstdCompressor(level=1)


def compress(value: bytes) -> bytes:
    """The value as one frame."""
    return compressor().compress(value)


def decompress(stored: bytes) -> bytes:
    """What `compress` was given. What is no zstd frame comes back as it is: the worker's to judge, not ours."""
    if not stored.startswith(_ZSTD_MAGIC):
        return stored
    try:
        return zstandard.ZstdDecompressor().decompress(stored)
    except zstandard.ZstdError:
        return stored


def connect(url: str) -> redis.Redis:
    """A client of the worker's side: bounded waits, one second try at once (all it asks may be asked twice)."""
    # Longer than any XREAD blocks, short enough to notice a server that hangs.
    return redis.Redis.from_url(
        native(url),
        socket_timeout=2.0,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=10,
        maint_notifications_config=NO_NOTIFICATIONS,
    )


def create(client: redis.Redis, keys: Keys, partitions: int) -> tuple[str, int]:
    """(log id, partitions) of the log, made with `partitions` if there is none. The id is random and made once.

    Raises redis.RedisError; also where a log that follows another is gone, for only who knows that one makes it.
    """
    with client.pipeline(transaction=True) as pipe:
        if succession.number(keys.topic) == 1:
            pipe.hsetnx(keys.log, "id", secrets.token_hex(8))
            pipe.hsetnx(keys.log, "partitions", partitions)
        pipe.hmget(keys.log, ["id", "partitions"])
        log_id, count = pipe.execute()[-1]
    if log_id is None:
        raise redis.RedisError(f"log {keys.topic} is gone")
    return log_id.decode(), int(count)


def bounds(client: redis.Redis, keys: Keys, partition: int) -> Bounds:
    """What the partition holds. A stream that was put back to an earlier state ends where it ended then."""
    floor = int(client.hget(keys.state(partition), "floor") or 0) << SEQUENCE_BITS
    try:
        last = offset_of(client.xinfo_stream(keys.stream(partition))["last-generated-id"])
    except redis.ResponseError as missing:
        if "no such key" not in str(missing):
            raise
        last = 0
    return Bounds(floor, max(floor, last + 1 if last else 0))


@dataclass(frozen=True)
class Room:
    """Bytes: what the topic's streams take and may take, what the whole Redis uses and may use."""

    size: int
    limit: int
    used: int
    allowed: int

    @property
    def full(self) -> str:
        """Why the log takes no more records now; empty if it does. What else lies in Redis has budgets of its own."""
        if self.size > self.limit:
            return f"the log holds {self.size} bytes, above its limit of {self.limit}: the workers are behind"
        return ""

    @property
    def tight(self) -> bool:
        """Whether room matters more than keeping what is already counted."""
        return self.size > 0.5 * self.limit or self.used > 0.8 * self.allowed


def ask_room(pipe: Any, streams: Iterable[str]) -> None:
    """Put the questions of `room` on a pipeline. MEMORY USAGE samples: its cost does not grow with the stream."""
    for each in streams:
        pipe.memory_usage(each)
    pipe.info("memory")


def room(answers: Sequence[Any], max_bytes: int | None) -> Room:
    """What `ask_room` was answered. The limit is half of what Redis may use unless `max_bytes` says otherwise."""
    *sizes, memory = answers
    info: Mapping[str, Any] = memory
    allowed = int(info.get("maxmemory") or info["total_system_memory"])
    return Room(sum(size or 0 for size in sizes), max_bytes or allowed // 2, int(info["used_memory"]), allowed)
