"""What is wrong with the addresses that a service was given, said at its start: a password, a certificate.

A store that is merely away is not told here: it may come.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

from redis import RedisError

from deploy import wiring
from deploy.patience import away
from deploy.peek import log_state
from deploy.reason import reason
from deploy.settings import Settings
from ingest.log.protocol import LogUnavailable
from rollups.client import ClickHouseUnavailable

log = logging.getLogger("throughline")


def tell(settings: Settings, stores: Sequence[str]) -> None:
    """Log, in the background, a sentence for each store (event_log, redis, clickhouse) that turns us away."""

    def ask() -> None:
        for sentence in wrong(settings, stores):
            log.error("%s", sentence)

    threading.Thread(target=ask, name="addresses", daemon=True).start()


def wrong(settings: Settings, stores: Sequence[str]) -> Iterator[str]:
    """A sentence, which names the setting, for each of the stores that turns us away. Blocks."""
    for store in stores:
        if not getattr(settings, store):
            continue
        try:
            _ask(settings, store)
        except (RedisError, ClickHouseUnavailable, LogUnavailable) as error:
            if "THROUGHLINE_" in reason(error):
                yield away(settings, error)


def _ask(settings: Settings, store: str) -> None:
    if store == "event_log":
        log_state(settings)
    elif store == "redis":
        with closing(wiring.redis_client(settings)) as redis:
            redis.ping()
    else:
        with closing(wiring.clickhouse(settings)) as client:
            client.rows("SELECT 1")
