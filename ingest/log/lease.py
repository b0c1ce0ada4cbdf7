"""Who reads which partition on Redis: members hold leases, a fair share each, renewed by a thread of their own.

A member that is not heard of for `seconds` loses its partitions to the others. One that must give some up does so
between two batches, in `Leases.settle`, so that handing over never cuts a batch in two.
"""

import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

import redis

from ingest.log.stream import Keys

# A member that stands still keeps the numbers of its partitions back for so long. Shorter, and a busy machine takes
# partitions from the living.
SECONDS = 3.0

# KEYS: members (name → expires, ms), owners (partition → name), epochs (partition → ms of the last claim).
# ARGV: name, lease in ms, partitions, then the partitions given back.
# Answers: how many too many I hold, then partition, epoch, … of those I hold. One script is one moment for the group.
_BEAT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, count = ARGV[1], tonumber(ARGV[3])
local mine = tonumber(redis.call('ZSCORE', KEYS[1], me) or '0')
-- Who is late itself, or new, lets others be late for as long again: Redis or the machine may have stood still.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', mine > now and now or now - tonumber(ARGV[2]))
-- Who was last heard of under a clock that was ahead would else be waited for until the clock comes there again.
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 2 * tonumber(ARGV[2]), '+inf')
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), me)
for i = 4, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) == me then redis.call('HDEL', KEYS[2], ARGV[i]) end
end
local held, names = {}, redis.call('ZRANGE', KEYS[1], 0, -1)
for _, name in ipairs(names) do held[name] = 0 end
local owner = {}
for p = 0, count - 1 do
  owner[p] = redis.call('HGET', KEYS[2], p)
  if owner[p] and held[owner[p]] then held[owner[p]] = held[owner[p]] + 1 else owner[p] = false end
end
-- Those who hold most keep the odd ones: nothing moves that need not.
table.sort(names, function(a, b) if held[a] == held[b] then return a < b end return held[a] > held[b] end)
local share = math.floor(count / #names)
for rank, name in ipairs(names) do
  if name == me and rank <= count % #names then share = share + 1 end
end
for p = 0, count - 1 do
  if not owner[p] and held[me] < share then
    local last = tonumber(redis.call('HGET', KEYS[3], p) or 0)
    redis.call('HSET', KEYS[2], p, me)
    redis.call('HSET', KEYS[3], p, string.format('%.0f', math.max(now, last + 1)))
    owner[p] = me
    held[me] = held[me] + 1
  end
end
local answer = {held[me] - share}
for p = 0, count - 1 do
  if owner[p] == me then
    answer[#answer + 1] = p
    answer[#answer + 1] = redis.call('HGET', KEYS[3], p)
  end
end
return answer
"""

_LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
for p = 0, tonumber(ARGV[2]) - 1 do
  if redis.call('HGET', KEYS[2], p) == ARGV[1] then redis.call('HDEL', KEYS[2], p) end
end
"""


class Leases:
    """One member's leases. `held` and `settle` are for the reading thread; beating goes on in the background."""

    def __init__(self, client: redis.Redis, keys: Keys, partitions: int, seconds: float = SECONDS) -> None:
        self._client = client
        self._keys = [keys.group("members"), keys.group("owners"), keys.group("epochs")]
        self._partitions = partitions
        self._seconds = seconds
        self._member = uuid.uuid4().hex
        self._epochs: dict[int, int] = {}
        self._surplus = 0
        self._good_until = 0.0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat_forever, name="log leases", daemon=True)

    def start(self) -> None:
        """Join the group. Raises redis.RedisError."""
        self.beat(())
        self._thread.start()

    def held(self) -> dict[int, int]:
        """partition → epoch of the leases that are surely ours now; none once the group may have given us up."""
        return dict(self._epochs) if time.monotonic() < self._good_until else {}

    def settle(self) -> None:
        """Give back what is more than our share; call between two batches. Raises redis.RedisError."""
        if self._surplus > 0:
            self.beat(sorted(self._epochs)[-self._surplus :])

    def close(self) -> None:
        """Leave the group at once. Raises redis.RedisError."""
        self._closing.set()
        self._thread.join()
        self._epochs = {}
        self._client.eval(_LEAVE, len(self._keys), *self._keys, self._member, self._partitions)

    def beat(self, given_back: Sequence[int]) -> None:
        """Say that we are here, take what is our share, and give back. Raises redis.RedisError."""
        with self._lock:
            # From before the question: the server's clock starts later, so it never ends our lease before we do.
            good_until = time.monotonic() + self._seconds
            arguments: list[Any] = [self._member, int(self._seconds * 1000), self._partitions, *given_back]
            surplus, *pairs = self._client.eval(_BEAT, len(self._keys), *self._keys, *arguments)
            self._epochs = {int(p): int(epoch) for p, epoch in zip(pairs[::2], pairs[1::2], strict=True)}
            self._surplus = int(surplus)
            self._good_until = good_until

    def _beat_forever(self) -> None:
        while not self._closing.wait(self._seconds / 5):
            try:
                self.beat(())
            except redis.RedisError:
                # Away: the leases run out by themselves; `held` sees to it.
                continue
