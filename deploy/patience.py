"""What to do about a store that is away: try again for a while, then say so in one sentence."""

import time
from collections.abc import Callable
from typing import TypeVar

import redis

from deploy.folder import StackError
from deploy.reason import reason, store
from deploy.settings import Settings, redacted
from ingest.log.protocol import LogUnavailable
from rollups.client import ClickHouseUnavailable

_T = TypeVar("_T")


def patiently(settings: Settings, seconds: float, attempt: Callable[[], _T]) -> _T:
    """What `attempt` returns, tried again while the stores are away. Raises StackError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except (ClickHouseUnavailable, LogUnavailable, redis.RedisError) as error:
            if time.monotonic() > end or (isinstance(error, ClickHouseUnavailable) and error.code is not None):
                raise StackError(away(settings, error)) from error
        time.sleep(0.1)


def away(settings: Settings, error: Exception) -> str:
    """One sentence for a store that fails: which one, where, and why, without any password."""
    what, setting = store(error)
    return f"{what} at {redacted(getattr(settings, setting))} cannot be used: {reason(error)}"
