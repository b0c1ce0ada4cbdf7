"""The days on which keys were used last, which Redis keeps."""

from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError

from ingest.contract.used import KEY


def last_used(redis: Redis, keys: Iterable[str]) -> dict[str, str]:
    """The days of those keys for which one is known. Blocks on Redis; empty while it is away."""
    asked = list(keys)
    try:
        found = redis.hmget(KEY, asked) if asked else []
    except RedisError:
        return {}
    return {key: each.decode() for key, each in zip(asked, list(found), strict=True) if isinstance(each, bytes)}
