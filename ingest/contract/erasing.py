"""That somebody is to be erased, told from whoever accepts the wish to whoever sees to it; the record is ClickHouse."""

from redis import Redis

_KEY = "throughline:erasing"


def wake(redis: Redis) -> None:
    """There is a new wish. Blocks; raises redis.RedisError."""
    redis.incr(_KEY)


def woken(redis: Redis) -> int:
    """Another number than before once there is a new wish. Blocks; raises redis.RedisError."""
    return int(redis.get(_KEY) or 0)
