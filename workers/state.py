"""The states of one partition in Redis: a cache that says up to which offset of the log it is true.

One msgpack blob a visitor. All keys of a partition share a hash tag, so a script touches one slot of a Redis Cluster.
The tag names the log and its number of partitions: another log or count starts from nothing. A blob has no TTL: while
ClickHouse is away for a day, a TTL would expire the states of the very backlog that waits.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from redis import Redis

from workers.fold import SLACK, State
from workers.memory import FORGET

# KEYS: position, receipts (ZSET of visitors by newest receipt), then a key a state.
# ARGV: expected position, new position and clock, prefix of the state keys, oldest receipt, then receipt, name, blob …
_SAVE = """
local held = redis.call('GET', KEYS[1])
if not held or string.match(held, '^%d+') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
for i = 3, #KEYS do
  local at = 5 + (i - 3) * 3
  redis.call('SET', KEYS[i], ARGV[at + 2])
  redis.call('ZADD', KEYS[2], ARGV[at], ARGV[at + 1])
end
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[4], 'LIMIT', 0, 1000)
for _, name in ipairs(old) do
  redis.call('UNLINK', ARGV[3] .. name)
  redis.call('ZREM', KEYS[2], name)
end
return 1
"""
# KEYS: position, rebuild. ARGV: the rebuild key's value. From here on nobody's save finds its position.
_BEGIN = "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[2], ARGV[1])"
# A rebuild's key holds its nonce and the number of its writes so far: a Redis that was put back to a moment within this
# very rebuild has the nonce, but not all that was written since.
# KEYS: rebuild, receipts. ARGV: key's value before, after, prefix. Answers how many went, -1 if the rebuild has ended.
_CLEAR = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[1], ARGV[2])
local old = redis.call('ZRANGE', KEYS[2], 0, 999)
for _, name in ipairs(old) do
  redis.call('UNLINK', ARGV[3] .. name)
  redis.call('ZREM', KEYS[2], name)
end
return #old
"""
# KEYS: rebuild, receipts, then a key a state. ARGV: key's value before, after, then receipt, name, blob …
_PUT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
for i = 3, #KEYS do
  local at = 3 + (i - 3) * 3
  redis.call('SET', KEYS[i], ARGV[at + 2])
  redis.call('ZADD', KEYS[2], ARGV[at], ARGV[at + 1])
end
return 1
"""
# KEYS: rebuild, position. ARGV: key's value, position and clock.
_END = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
"""

_LOST = "the rebuild of the states is no longer this worker's, or Redis was put back while it went on"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


class Moved(Exception):
    """The states are not at the offset they should be at: somebody else went on, or Redis lost or rolled them back."""


class Position(NamedTuple):
    """The states are those after every record below `offset`; `clock`: the newest receipt among them, ms."""

    offset: int
    clock: int


class Store:
    """The states of a partition of one log. Every method blocks and raises redis.RedisError."""

    def __init__(self, redis: Redis, log: str, partitions: int, partition: int) -> None:
        tag = "throughline:{state:" + f"{log}:{partitions}:{partition}" + "}:"
        self._redis = redis
        self._position = tag + "position"
        self._rebuild = tag + "rebuild"
        self._receipts = tag + "receipts"
        self._prefix = tag + "visitor:"
        self._nonce, self._writes = "", 0  # of the rebuild under way

    def position(self) -> Position | None:
        """Where the states stand; None: nowhere, rebuild them."""
        return _position(self._redis.get(self._position))

    def load(self, offset: int, names: Iterable[str]) -> dict[str, State]:
        """The states of these visitors, those that exist. Raises Moved unless all stand at `offset`."""
        wanted = list(names)
        answer: list[Any] = self._redis.mget([self._position, *(self._prefix + name for name in wanted)])
        held, *blobs = answer
        position = _position(held)
        if position is None or position.offset != offset:
            raise Moved(f"the states stand at {position}, not at {offset}")
        return {name: _decoder.decode(blob) for name, blob in zip(wanted, blobs, strict=True) if blob is not None}

    def save(self, a: int, after: Position, states: Mapping[str, State]) -> None:
        """Put the states of a batch in place of those at `a`, all or nothing. Raises Moved.

        After a RedisError the outcome is unknown: read `position`.
        """
        oldest = after.clock - FORGET - SLACK
        keys, values = self._pairs(states)
        arguments = [str(a), _text(after), self._prefix, str(oldest), *values]
        if not self._redis.eval(_SAVE, 2 + len(keys), self._position, self._receipts, *keys, *arguments):
            raise Moved(f"the states no longer stand at {a}")

    def begin(self, nonce: str) -> None:
        """Start a rebuild: there are no states any more. A later one by another nonce ends this one. Raises Moved."""
        self._nonce, self._writes = nonce, 0
        self._redis.eval(_BEGIN, 2, self._position, self._rebuild, self._mark())
        while left := int(self._redis.eval(_CLEAR, 2, self._rebuild, self._receipts, *self._step(), self._prefix)):
            if left < 0:
                raise Moved(_LOST)

    def put(self, states: Mapping[str, State]) -> None:
        """Add rebuilt states. Raises Moved."""
        keys, values = self._pairs(states)
        if not self._redis.eval(_PUT, 2 + len(keys), self._rebuild, self._receipts, *keys, *self._step(), *values):
            raise Moved(_LOST)

    def end(self, position: Position) -> None:
        """Say that the rebuilt states are complete, at `position`. Raises Moved."""
        if not self._redis.eval(_END, 2, self._rebuild, self._position, self._mark(), _text(position)):
            raise Moved(_LOST)

    def _mark(self) -> str:
        return f"{self._nonce} {self._writes}"

    def _step(self) -> tuple[str, str]:
        before = self._mark()
        self._writes += 1
        return before, self._mark()

    def _pairs(self, states: Mapping[str, State]) -> tuple[list[str], list[str | bytes]]:
        keys: list[str] = []
        values: list[str | bytes] = []
        for name, state in states.items():
            keys.append(self._prefix + name)
            values += (str(state.received), name, _encoder.encode(state))
        return keys, values


def wipe(redis: Redis) -> None:
    """Make every worker rebuild the states of every partition before its next batch. Blocks."""
    for name in ("position", "rebuild"):
        for key in list(redis.scan_iter("throughline:{state:*}:" + name)):
            redis.delete(key)


def _text(position: Position) -> str:
    return f"{position.offset} {position.clock}"


def _position(held: Any) -> Position | None:
    if held is None:
        return None
    offset, clock = held.split()
    return Position(int(offset), int(clock))
