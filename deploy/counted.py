"""Waiting for the workers: until what went on the log is in the numbers."""

import time
from collections.abc import Callable

from redis.exceptions import RedisError

from deploy import patience, wiring
from deploy.folder import StackError
from deploy.settings import Settings
from ingest.contract import freshness

STALL_SECONDS = 15.0  # workers whose freshness stands still so long are not waited for


def wait_until_counted(
    settings: Settings, moment: int, tick: Callable[[], None], stall_seconds: float = STALL_SECONDS
) -> bool:
    """Wait until all that was received before `moment` (ms) is in the numbers; False when the workers stand still.

    Calls `tick` now and then. Blocks. Raises StackError when Redis stays away.
    """
    redis = wiring.redis_client(settings)
    best, since = -1, time.monotonic()
    away: RedisError | None = None
    try:
        while time.monotonic() - since < stall_seconds:
            try:
                fresh, away = freshness.read(redis), None
            except RedisError as error:
                fresh, away = None, error
            if fresh is not None and fresh >= moment:
                return True
            if fresh is not None and fresh > best:
                best, since = fresh, time.monotonic()
            tick()
            time.sleep(0.1)
    finally:
        redis.close()
    if away is not None:
        raise StackError(patience.away(settings, away))
    return False
