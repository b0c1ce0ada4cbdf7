"""Dead letters on Redis: a hash of those that wait, sets of origins begun and replayed."""

from collections.abc import Callable, Sequence
from typing import Any

import redis

from ingest.log import stream
from ingest.log.dead import LIMIT, DeadLetter, TooManyDeadLetters, decode
from ingest.log.protocol import DEAD_TOPIC, LogUnavailable

MAX_BYTES = 64 << 20

# KEYS: letters, begun, replayed, bytes. ARGV: origin, letter, limit, max bytes.
_APPEND = """
if redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 1 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
local bytes = tonumber(redis.call('GET', KEYS[4]) or 0)
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) or bytes + #ARGV[2] > tonumber(ARGV[4]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('INCRBY', KEYS[4], #ARGV[2])
return 1
"""

_FINISH = """
redis.call('DECRBY', KEYS[4], redis.call('HSTRLEN', KEYS[1], ARGV[1]))
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
"""


class RedisDeadLetters:
    """Implements `DeadLetters`. `limit` counts letters; their bytes are limited too: Redis holds them in memory."""

    def __init__(self, url: str, *, limit: int = LIMIT, max_bytes: int = MAX_BYTES, topic: str = DEAD_TOPIC) -> None:
        self._client = stream.connect(url)
        self._keys = [f"throughline:{{{topic}}}:{part}" for part in ("letters", "begun", "replayed", "bytes")]
        self._limit = limit
        self._max_bytes = max_bytes

    def append(self, letter: DeadLetter) -> bool:
        added: int = self._eval(_APPEND, letter.origin, letter.encode(), self._limit, self._max_bytes)
        if added == -1:
            raise TooManyDeadLetters(f"{self.count()} dead letters wait; the last: {letter.reason}")
        return added == 1

    def count(self) -> int:
        return int(self._ask(lambda: self._client.hlen(self._keys[0])))

    def letters(self) -> Sequence[DeadLetter]:
        found: dict[bytes, bytes] = self._ask(lambda: self._client.hgetall(self._keys[0]))
        return [decode(found[origin]) for origin in sorted(found)]

    def begin(self, origin: str) -> bool:
        return bool(self._ask(lambda: self._client.sadd(self._keys[1], origin)))

    def finish(self, origin: str) -> None:
        self._eval(_FINISH, origin)

    def close(self) -> None:
        self._client.close()

    def _eval(self, script: str, *arguments: Any) -> Any:
        return self._ask(lambda: self._client.eval(script, len(self._keys), *self._keys, *arguments))

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except redis.RedisError as error:
            raise LogUnavailable(f"Redis: {error}") from error
