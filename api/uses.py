"""The day on which each key was used last: kept in Redis, written at most once a day a key by each process."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from redis import Redis
from redis.exceptions import RedisError

KEY = "throughline:key:used"  # a hash: key's id → day
_DAY_MS = 86_400_000

log = logging.getLogger("throughline.api")


class Uses:
    """Safe to share between threads: at worst a day is written twice."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._written: dict[str, int] = {}

    def is_new(self, key: str, now: int) -> bool:
        """Whether this process has not noted a use of the key yet on the day (UTC) of `now`, ms. Asks nothing."""
        return self._written.get(key) != now // _DAY_MS

    def note(self, key: str, now: int) -> None:
        """Write that the key is used. Blocks on Redis; without it the day is not known, and nobody waits twice."""
        self._written[key] = now // _DAY_MS
        try:
            self._redis.hset(KEY, key, day(now))
        except RedisError as error:
            log.warning("the use of a key is not noted: %s", type(error).__name__)


def day(now: int) -> str:
    """The day in UTC, ISO 8601."""
    return datetime.fromtimestamp(now / 1000, UTC).date().isoformat()


def last_used(redis: Redis, keys: Iterable[str]) -> dict[str, str]:
    """The days of those keys for which one is known. Blocks on Redis; empty while it is away."""
    asked = list(keys)
    try:
        found = redis.hmget(KEY, asked) if asked else []
    except RedisError:
        return {}
    return {key: each.decode() for key, each in zip(asked, list(found), strict=True) if isinstance(each, bytes)}
