"""The states of one partition in Redis: a bounded cache that says up to which offset of the log it is true.

One msgpack blob a visitor. All keys of a partition share a hash tag, so a script touches one slot of a Redis Cluster.
The tag names the log and its number of partitions: another log or count starts from nothing. States are of a
*generation*, which the position names: to forget them all is to name another. A blob has no TTL: while ClickHouse is
away for a day, a TTL would expire the states of the very backlog that waits.

States that go — the visitors longest unheard, by age or past the budget — leave the *horizon* behind: of a visitor
without a state there is no event after it, and what lies before it is read back from ClickHouse.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from redis import Redis
from redis.exceptions import OutOfMemoryError

from workers.memory import HOUR, MINUTE
from workers.visitor import State

FORGET = 25 * HOUR  # without a receipt
SLACK = 10 * MINUTE  # how far receipts in the log may be out of order
BYTES = 256 * 1024 * 1024  # a worker group's states, shared evenly by the partitions
OVERHEAD = 350  # bytes that Redis spends on a state beyond its blob and its name

# KEYS: position, heard (ZSET of visitors), bytes, generations, then a key a state. ARGV: expected offset, generation,
# new offset, new clock, prefix of the states, oldest to keep, budget, overhead, then score, name, blob of each; where
# the blob is '' the state goes, where it is '-' for ever. Where there is room, states are written over; else all of
# them go, and then the oldest.
# Deleting comes first: a Redis at its maxmemory refuses a script's writes until it has deleted something.
_SAVE = """
local offset, horizon, generation = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) %S+ (%S+) (%S+)$')
if offset ~= ARGV[1] or generation ~= ARGV[2] then return false end
horizon = tonumber(horizon)
local bytes, budget, overhead = tonumber(redis.call('GET', KEYS[3]) or '0'), tonumber(ARGV[7]), tonumber(ARGV[8])
local function cost(size, name) return size + #name + overhead end
local function drop(name, score)
  local size = redis.call('STRLEN', ARGV[5] .. name)
  if size > 0 then bytes = bytes - cost(size, name) end
  redis.call('UNLINK', ARGV[5] .. name)
  redis.call('ZREM', KEYS[2], name)
  if score and tonumber(score) > horizon then horizon = tonumber(score) end
end
redis.call('UNLINK', ARGV[5])
local replaced, coming, crowded = 0, 0, false
for i = 5, #KEYS do
  local at = 9 + (i - 5) * 3
  local name, blob, size = ARGV[at + 1], ARGV[at + 2], redis.call('STRLEN', KEYS[i])
  if blob == '-' then
    drop(name, false)
  else
    if size > 0 then replaced = replaced + cost(size, name) end
    if blob == '' then crowded = true else coming = coming + cost(#blob, name) end
  end
end
crowded = crowded or bytes - replaced + coming > budget
local scores = {}
for i = 5, #KEYS do
  local at = 9 + (i - 5) * 3
  local score, name, blob = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if crowded and blob ~= '-' then
    scores[i] = math.max(tonumber(score), tonumber(redis.call('ZSCORE', KEYS[2], name) or '0'))
    drop(name, blob == '' and scores[i])
  elseif blob ~= '-' then
    redis.call('SET', KEYS[i], blob)
    redis.call('ZADD', KEYS[2], 'GT', score, name)
  end
end
if not crowded then bytes = bytes - replaced + coming end
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[6], 'WITHSCORES', 'LIMIT', 0, 1000)
for i = 1, #old, 2 do drop(old[i], old[i + 1]) end
while crowded and bytes + coming > budget do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 99, 'WITHSCORES')
  if #oldest == 0 then break end
  for i = 1, #oldest, 2 do
    if bytes + coming > budget then drop(oldest[i], oldest[i + 1]) end
  end
end
for i = 5, #KEYS do
  local at = 9 + (i - 5) * 3
  local name, blob = ARGV[at + 1], ARGV[at + 2]
  if crowded and blob ~= '' and blob ~= '-' then
    if bytes + cost(#blob, name) <= budget then
      redis.call('SET', KEYS[i], blob)
      redis.call('ZADD', KEYS[2], string.format('%.0f', scores[i]), name)
      bytes = bytes + cost(#blob, name)
    elseif scores[i] > horizon then
      horizon = scores[i]
    end
  end
end
redis.call('SET', KEYS[3], string.format('%.0f', bytes))
redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. ARGV[4] .. string.format(' %.0f ', horizon) .. generation)
return {string.format('%.0f', bytes), redis.call('SCARD', KEYS[4])}
"""
# KEYS: position, generations. ARGV: the new position, its generation.
_RESET = """
redis.call('UNLINK', KEYS[1])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1])
"""
# KEYS: position, generations. ARGV: tag. Deletes some of what other generations left; answers how many states went.
_SWEEP = """
local current = string.match(redis.call('GET', KEYS[1]) or '', '(%S+)$')
local gone = 0
for _, generation in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if generation ~= current and gone == 0 then
    local tag = ARGV[1] .. generation .. ':'
    local names = redis.call('ZRANGE', tag .. 'heard', 0, 999)
    for _, name in ipairs(names) do redis.call('UNLINK', tag .. 'visitor:' .. name) end
    if #names > 0 then redis.call('ZREM', tag .. 'heard', unpack(names)) end
    gone = #names
    if gone == 0 then
      redis.call('UNLINK', tag .. 'bytes')
      redis.call('SREM', KEYS[2], generation)
    end
  end
end
return gone
"""

_GONE = b"-"  # no msgpack of a state
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


_EVERY_POSITION = "throughline:{state:*}:position"


def counted(redis: Redis) -> bool:
    """Whether any states, of whatever log, stand behind its begin. Blocks; raises redis.RedisError."""
    return any((held := _position(redis.get(key))[0]) and held.offset for key in redis.scan_iter(_EVERY_POSITION, 1000))


def forget(redis: Redis) -> bool:
    """Forget where all states stand, so that they begin anew; returns whether any did. Blocks; raises RedisError."""
    stood = counted(redis)
    for key in redis.scan_iter(_EVERY_POSITION, 1000):
        redis.unlink(key)
    return stood


def leave(redis: Redis, log: str, partitions: int) -> None:
    """Delete all states of a log that is counted to its end. Blocks; raises redis.RedisError."""
    for partition in range(partitions):
        Store(redis, log, partitions, partition).leave()


class Moved(Exception):
    """The states are not at the offset they should be at: somebody else went on, or Redis lost or rolled them back."""


class Position(NamedTuple):
    """The states are those after every record below `offset`; `clock`: the newest receipt among them, ms.

    `horizon`: of a visitor without a state there is no event after it, ms.
    """

    offset: int
    clock: int
    horizon: int


class Store:
    """The states of a partition of one log. Every method blocks and raises redis.RedisError."""

    def __init__(self, redis: Redis, log: str, partitions: int, partition: int, budget: int = BYTES) -> None:
        """`budget`: bytes that all partitions' states may take together."""
        self._tag = "throughline:{state:" + f"{log}:{partitions}:{partition}" + "}:"
        self._redis = redis
        self._position = self._tag + "position"
        self._generations = self._tag + "generations"
        self._budget = budget // partitions
        self.generation = ""  # of the position as last read
        self.bytes = 0  # that the states take, as of the last save

    def position(self) -> Position | None:
        """Where the states stand; None: nowhere."""
        held: Any = self._redis.get(self._position)
        if held is not None and len(held.split()) == 2:
            self._delete_ungenerated()
        position, self.generation = _position(held)
        return position

    def taken(self) -> int:
        """Bytes that the states take now."""
        _, generation = _position(self._redis.get(self._position))
        held: Any = self._redis.get(f"{self._tag}{generation}:bytes")
        return int(held or 0)

    def load(self, offset: int, names: Iterable[str]) -> tuple[dict[str, State], int]:
        """The states of these visitors, those that exist, and the horizon. Raises Moved unless at `offset`."""
        wanted = list(names)
        answer: list[Any] = self._redis.mget([self._position, *(self._key(name) for name in wanted)])
        position, generation = _position(answer[0])
        if position is None or position.offset != offset or generation != self.generation:
            raise Moved(f"the states stand at {position}, not at {offset}")
        found = {name: _decoder.decode(blob) for name, blob in zip(wanted, answer[1:], strict=True) if blob is not None}
        return found, position.horizon

    def save(self, a: int, b: int, clock: int, states: Mapping[str, State], gone: Iterable[str] = ()) -> None:
        """Put the states of a batch [a, b) in place of those at `a`, all or nothing. Raises Moved.

        Of `gone` visitors there is nothing any longer, so their states leave no horizon behind.

        The visitors longest unheard go, those of before 25 h and what the budget has no room for; so do the new ones if
        Redis has none. After another RedisError the outcome is unknown: read `position`.
        """
        values = [(name, state.heard, _encoder.encode(state)) for name, state in states.items()]
        erased = [(name, 0, _GONE) for name in gone]
        try:
            self._save(a, b, clock, [*erased, *values])
        except OutOfMemoryError:
            self._save(a, b, clock, [*erased, *((name, heard, b"") for name, heard, _ in values)])

    def tidy(self, offset: int, clock: int) -> None:
        """Delete what the clock has passed, while nothing comes. Raises Moved."""
        self._save(offset, offset, clock, [])

    def _save(self, a: int, b: int, clock: int, values: list[tuple[str, int, bytes]]) -> None:
        own = self._tag + self.generation + ":"
        keys = [self._position, own + "heard", own + "bytes", self._generations]
        oldest = clock - FORGET - SLACK
        arguments: list[Any] = [a, self.generation, b, clock, own + "visitor:", oldest, self._budget, OVERHEAD]
        for name, heard, blob in values:
            keys.append(self._key(name))
            arguments += (heard, name, blob)
        answer: Any = self._redis.eval(_SAVE, len(keys), *keys, *arguments)
        if not answer:
            raise Moved(f"the states no longer stand at {a}")
        self.bytes = int(answer[0])
        if int(answer[1]) > 1:
            self._sweep()

    def reset(self, position: Position, generation: str) -> None:
        """Forget every state, and stand at `position`. `generation` is a name that was never used."""
        self.generation = generation
        text = f"{position.offset} {position.clock} {position.horizon} {generation}"
        self._redis.eval(_RESET, 2, self._position, self._generations, text, generation)
        self._sweep()

    def leave(self) -> None:
        """Delete every state: nobody will stand here again, or begins anew."""
        self._redis.unlink(self._position)
        while self._redis.exists(self._generations):
            self._sweep()

    def _delete_ungenerated(self) -> None:
        """What an earlier build left, whose states had no generations."""
        for key in self._redis.scan_iter(f"{self._tag}visitor:*", count=1_000):
            self._redis.unlink(key)
        self._redis.unlink(f"{self._tag}receipts", f"{self._tag}rebuild")

    def _sweep(self) -> None:
        self._redis.eval(_SWEEP, 2, self._position, self._generations, self._tag)

    def _key(self, name: str) -> str:
        return f"{self._tag}{self.generation}:visitor:{name}"


def _position(held: Any) -> tuple[Position | None, str]:
    if held is None or len(held.split()) != 4:
        return None, ""
    offset, clock, horizon, generation = held.decode().split()
    return Position(int(offset), int(clock), int(horizon)), generation
