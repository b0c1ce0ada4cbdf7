"""How fresh the numbers are: what was received before a partition's mark is counted. Workers write, the api reads."""

from redis import Redis

KEY = "throughline:fresh"  # a hash: log, partitions, then partition → ms; before → ms, of the log before it

# Marks never go back, unless they lie ahead of the clock, for it was wrong then; those of another log, or of another
# number of partitions, say nothing about this one. But the log before it is counted, so what was said then holds until
# all partitions of this one have said more.
_PUBLISH = """
if redis.call('HGET', KEYS[1], 'log') ~= ARGV[1] or redis.call('HGET', KEYS[1], 'partitions') ~= ARGV[2] then
  local least = math.huge
  for p = 0, tonumber(redis.call('HGET', KEYS[1], 'partitions') or '0') - 1 do
    least = math.min(least, tonumber(redis.call('HGET', KEYS[1], p) or redis.call('HGET', KEYS[1], 'before') or '-1'))
  end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'log', ARGV[1], 'partitions', ARGV[2])
  if least >= 0 and least < math.huge then redis.call('HSET', KEYS[1], 'before', string.format('%.0f', least)) end
end
local held = tonumber(redis.call('HGET', KEYS[1], ARGV[3]) or '-1')
if held < tonumber(ARGV[4]) or held > tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
end
"""


def publish(redis: Redis, log: str, partitions: int, partition: int, before: int, now: int) -> None:
    """Everything of the partition received before `before` (ms) is in ClickHouse. Blocks; raises redis.RedisError."""
    redis.eval(_PUBLISH, 1, KEY, log, partitions, partition, before, now)


def read(redis: Redis) -> int | None:
    """Everything received before it (ms) is in the numbers; None until every partition has said so. Blocks."""
    marks: dict[bytes, bytes] = redis.hgetall(KEY)  # type: ignore[assignment]
    if b"partitions" not in marks:
        return None
    before = int(marks.get(b"before", -1))
    own = [int(marks.get(b"%d" % partition, before)) for partition in range(int(marks[b"partitions"]))]
    return None if -1 in own else min(own)
