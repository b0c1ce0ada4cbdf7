"""That there is a new wish, told from whoever accepts it to whoever sees to it; the record is ClickHouse."""

from typing import Literal, TypeAlias

from redis import Redis

Kind: TypeAlias = Literal["erasing", "rebuilding"]


def wake(redis: Redis, kind: Kind) -> None:
    """There is a new wish. Blocks; raises redis.RedisError."""
    redis.incr(f"throughline:{kind}")


def woken(redis: Redis, kind: Kind) -> int:
    """Another number than before once there is a new wish. Blocks; raises redis.RedisError."""
    return int(redis.get(f"throughline:{kind}") or 0)
