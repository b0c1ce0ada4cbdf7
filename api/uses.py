"""The days on which keys were used last, which Redis keeps."""

import logging
from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError

from ingest.contract.used import KEY, day

log = logging.getLogger("throughline.api")


def note(redis: Redis, key: str, now: int) -> None:
    """Write that the key is used. Blocks on Redis; without it the day is not known, and nobody waits twice."""
    try:
        redis.hset(KEY, key, day(now))
    except RedisError as error:
        log.warning("the use of a key is not noted: %s", type(error).__name__)


def last_used(redis: Redis, keys: Iterable[str]) -> dict[str, str]:
    """The days of those keys for which one is known. Blocks on Redis; empty while it is away."""
    asked = list(keys)
    try:
        found = redis.hmget(KEY, asked) if asked else []
    except RedisError:
        return {}
    return {key: each.decode() for key, each in zip(asked, list(found), strict=True) if isinstance(each, bytes)}
