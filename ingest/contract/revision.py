"""Which state a site's data is in: a name that workers change around each batch, so that answers may be kept by it.

While a batch of a site is being inserted the site has no revision: parts of it may be visible. A worker that dies there
leaves it so, until whoever takes its partition has made the batch whole.
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from redis import Redis

# Hashes: site → revision, and * → that of all others; site → how many batches of it are under way; such a batch, named
# by its place and a revision → its sites.
KEYS = ("throughline:{revision}", "throughline:{revision}:busy", "throughline:{revision}:batches")
# Redis may have lost all of this within a batch, of which nobody knows then. After so long it has ended.
UNSURE_MS = 30_000
# Nothing is inserted any longer of a batch that somebody left so long ago; its log may be gone for ever.
LEFT_MS = 3_600_000

# ARGV: a new revision, the batch that begins ('' if none), how many end, those, sites. Deleting comes first, as a Redis
# at its maxmemory lets only those scripts write on.
_CHANGE = """
redis.call('HDEL', KEYS[3], '')
redis.call('HSETNX', KEYS[1], '*', ARGV[1])
local ended = 3 + tonumber(ARGV[3])
for i = 4, ended do
  local sites = redis.call('HGET', KEYS[3], ARGV[i])
  for _, site in ipairs(sites and cmsgpack.unpack(sites) or {}) do
    redis.call('HSET', KEYS[1], site, ARGV[1])
    if redis.call('HINCRBY', KEYS[2], site, -1) < 1 then redis.call('HDEL', KEYS[2], site) end
  end
  redis.call('HDEL', KEYS[3], ARGV[i])
end
local begun = {}
for i = ended + 1, #ARGV do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[1])
  if ARGV[2] ~= '' then redis.call('HINCRBY', KEYS[2], ARGV[i], 1) end
  begun[#begun + 1] = ARGV[i]
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[3], ARGV[2], cmsgpack.pack(begun)) end
"""
# ARGV: a new revision, sites. Answers which Redis this is, the revision that all sites had first, and each one's, with
# a ! before it while a batch is under way.
_READ = """
if redis.call('HEXISTS', KEYS[1], '*') == 0 then redis.call('HSET', KEYS[1], '*', ARGV[1]) end
local first = redis.call('HGET', KEYS[1], '*')
local found = {string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), first}
for i = 2, #ARGV do
  local under_way = redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1
  found[i + 1] = (under_way and '!' or '') .. (redis.call('HGET', KEYS[1], ARGV[i]) or first)
end
return found
"""


class Revision(NamedTuple):
    """Of one site or several: the same `name`, the same data. Since `at` (ms) nothing has changed."""

    name: str
    at: int


class Revisions:
    """Of every site, in Redis. Methods block and raise redis.RedisError."""

    def __init__(self, redis: Redis, now: Callable[[], int]) -> None:
        """`now`: ms."""
        self._redis = redis
        self._now = now

    @contextmanager
    def changing(self, place: str, sites: Collection[str]) -> Iterator[None]:
        """Within it rows of the sites are inserted at one place, a partition of a log; also after an error."""
        batch = f"{place} {self._new()}"
        self._change(batch, (), sites)
        yield
        self._change("", (batch,), sites)  # sites, for Redis may have lost the batch

    def left(self, place: str) -> Callable[[], None]:
        """To be called once every batch is whole that was begun at the place before now."""
        known: Any = self._redis.hkeys(KEYS[2])
        batches = [batch for batch in known if batch.startswith(f"{place} ".encode())]
        return lambda: self._change("", batches, ())

    def read(self, sites: Sequence[str]) -> Revision | None:
        """To be read before the data that it names; None while there is none.

        A Redis that was put back to an older copy has another name than the one that it is a copy of.
        """
        server, first, *found = self._ask(_READ, self._new(), *sites)
        now = self._now()
        if _made(first) + UNSURE_MS >= now or any(one[:1] == b"!" and _made(one) + LEFT_MS >= now for one in found):
            return None
        return Revision(b" ".join((server, first, *found)).decode(), max(map(_made, found), default=0))

    def _change(self, begins: str, end: Sequence[str | bytes], sites: Collection[str]) -> None:
        self._ask(_CHANGE, self._new(), begins, len(end), *end, *sites)

    def _new(self) -> str:
        return f"{self._now()}.{secrets.token_hex(8)}"

    def _ask(self, script: str, *arguments: Any) -> Any:
        return self._redis.eval(script, len(KEYS), *KEYS, *arguments)


def _made(revision: bytes) -> int:
    return int(revision.lstrip(b"!").partition(b".")[0])
