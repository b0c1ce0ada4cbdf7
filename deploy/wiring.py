"""From settings to objects: the only place that looks at the scheme of an address.

A process imports only the stages that it runs: that is a second of starting and 50 MB less for each.
"""

import secrets
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import redis
import redis.asyncio
from prometheus_client import REGISTRY
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy import event_log
from deploy.event_log import consumer as consumer
from deploy.event_log import dead_letters as dead_letters
from deploy.event_log import on_kafka as on_kafka
from deploy.event_log import producer as producer
from deploy.folder import StackError
from deploy.settings import Settings
from ingest.log import redis_lacks, succession
from ingest.log.kafka_address import brokers as brokers
from ingest.log.kafka_address import topic as topic
from ingest.log.redis_pool import NO_NOTIFICATIONS, native
from rollups.client import ClickHouseUnavailable, Client, connect

if TYPE_CHECKING:
    from api.app import Api
    from api.registry.store import Registry
    from deploy.alarm.watch import Watcher
    from ingest.app import Ingest
    from ingest.contract.site import SiteSettings
    from ingest.log.succession import Link
    from workers.fold import Settings as SettingsLookup
    from workers.loop import Worker
    from workers.metrics import Metrics
    from workers.report import Report

COUNTRY_DB = Path(__file__).parent / "geo" / "country.mmdb"
_ASK_AGAIN_SECONDS = 5.0


def now() -> int:
    """The wall clock in ms; the one clock that stages are given."""
    return time.time_ns() // 1_000_000


def redis_client(settings: Settings, seconds: float = 5.0) -> redis.Redis:
    """A blocking client; connects with its first use. A Redis that hangs is waited for `seconds`, and once more."""
    return redis.Redis.from_url(
        native(settings.address("redis")),
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, 2.0),
        retry=Retry(NoBackoff(), 1),
        maint_notifications_config=NO_NOTIFICATIONS,
    )


def async_redis_client(settings: Settings) -> redis.asyncio.Redis:
    """A client for one event loop; connects with its first use."""
    return redis.asyncio.Redis.from_url(
        native(settings.address("redis")),
        socket_timeout=5.0,
        socket_connect_timeout=2.0,
        maint_notifications_config=NO_NOTIFICATIONS,
    )


def tell_redis(settings: Settings) -> None:
    """Log what the Redis of states, salts and sites lacks, in the background, once it answers.

    Where it holds the event log too, the log's own producer tells.
    """
    if _server(settings.redis) == _server(settings.event_log):
        return

    def ask() -> None:
        while True:
            try:
                with redis_client(settings) as client:
                    redis_lacks.tell(client, log=False)
                return
            except (redis.RedisError, OSError):
                time.sleep(_ASK_AGAIN_SECONDS)

    threading.Thread(target=ask, name="redis", daemon=True).start()


def clickhouse(settings: Settings) -> Client:
    """A client; connects with its first use."""
    return connect(settings.address("clickhouse"))


def ingest(settings: Settings) -> "Ingest":
    """The tracking endpoint. On the event loop that it will live on. Raises StackError."""
    from ingest.app import Ingest
    from ingest.limit import Rate

    tell_redis(settings)
    try:
        return Ingest(
            producer(settings),
            async_redis_client(settings),
            now,
            REGISTRY,
            country_database=country_db(settings),
            address_rate=Rate.of(settings.address_rate),
            site_rate=Rate.of(settings.site_rate),
            trusted=settings.networks(),
        )
    except ValueError as error:
        raise StackError(f"THROUGHLINE_COUNTRY_DB: {error}") from None


def api(settings: Settings) -> "Api":
    """The read API and the pages; connects with its start."""
    from api.app import Api
    from deploy.elsewhere import elsewhere

    # Signing in asks Redis more than once, and shall not take longer than a question may.
    return Api(
        clickhouse(settings),
        redis_client(settings, 2.0),
        now,
        trusted=settings.networks(),
        origins=settings.origins(),
        base=settings.base_path,
        registry=REGISTRY,
        elsewhere=partial(elsewhere, settings),
    )


def worker(settings: Settings, report: "Report | None" = None) -> "Worker":
    """A worker that has joined the group of the log to be counted now, and writes into the report. Blocks.

    Raises LogUnavailable; where there is more than one log ClickHouseUnavailable, LogTruncated.
    """
    from ingest.contract.revision import Revisions
    from rollups.mend import settle
    from rollups.past import newest, past
    from rollups.values import day_values
    from rollups.write import Writer
    from workers.loop import Worker
    from workers.names import Names
    from workers.state import BYTES, leave
    from workers.world import World

    client, revisions = clickhouse(settings), Revisions(redis_client(settings), now)
    logs = event_log.succession(settings)
    states, writer = redis_client(settings), Writer(client)

    def over(link: "Link") -> None:
        with suppress(redis.RedisError):  # the next worker that starts does it
            leave(states, link.log, link.partitions)

    log = event_log.take_up(logs, client, over)
    own = log.topic if log else event_log.first_topic(settings)

    def due() -> bool:
        found = succession.due(logs.chain(), writer.positions)
        return found is None or found.topic == own

    world = World(
        consumer=consumer(settings, log),
        writer=writer,
        redis=states,
        past=partial(past, client),
        newest=partial(newest, client),
        settle=partial(settle, client, wait_seconds=5, claim_seconds=1),
        dead=dead_letters(settings),
        lookup=_lookup(client),
        metrics=_metrics(),
        nonce=lambda: secrets.token_hex(8),
        now=now,
        names=Names(settings.values_a_day, partial(day_values, client)),
        state_bytes=settings.state_bytes or quarter(redis_client(settings), BYTES),
        lacking=event_log.room(settings).lacking,
        changing=revisions.changing,
        left=revisions.left,
        secret=_secret(client),
        followed=partial(logs.followed, own),
        due=due,
        ends=partial(logs.ends, own),
        cuts=writer.cuts,
    )
    tell_redis(settings)
    made = Worker(world, report=report)
    weakref.finalize(made, logs.close)
    return made


def quarter(client: redis.Redis, otherwise: int) -> int:
    """A quarter of what the Redis may use: the log has half of it, if it lies there."""
    with suppress(redis.RedisError):
        return int(client.info("memory").get("maxmemory") or 0) // 4 or otherwise
    return otherwise


@lru_cache(1)
def _metrics() -> "Metrics":
    """A process may make one worker after the other."""
    from workers.metrics import Metrics

    return Metrics(REGISTRY)


def _lookup(client: Client) -> "SettingsLookup":
    """Settings by site and revision; a revision never changes, so what was read once is remembered."""
    from ingest.contract.site import Site, SiteSettings
    from rollups.registry import body_as_of

    @lru_cache(maxsize=10_000)
    def lookup(site: str, revision: int) -> "SiteSettings":
        body = body_as_of(client, "site", site, revision)
        return Site.model_validate_json(body).settings if body else SiteSettings()

    return lookup


def watcher(settings: Settings) -> "Watcher":
    """What looks after everything and tells alarms, beside the api."""
    from deploy.alarm.book import Book
    from deploy.alarm.look import Look
    from deploy.alarm.send import targets
    from deploy.alarm.watch import Watcher

    client, told = redis_client(settings), targets(settings)
    return Watcher(Look(settings, client, now), Book(client, list(told)), told, now, REGISTRY)


def _secret(client: Client) -> Callable[[str], str]:
    """A site's secret, which never changes.

    Asked of sites where somebody was erased, and they have a row: where none is found it is not there yet, or lost, and
    under another secret whoever was erased would be somebody new. Raises ClickHouseUnavailable.
    """
    from ingest.contract.site import Site
    from rollups.registry import body_as_of

    @lru_cache(maxsize=10_000)
    def secret(site: str) -> str:
        body = body_as_of(client, "site", site, 2**63)
        if body is None:
            raise ClickHouseUnavailable(f"the registry does not hold the site {site}")
        return Site.model_validate_json(body).secret

    return secret


def country_db(settings: Settings) -> Path | None:
    """The database of places: the operator's (which must exist), else the fetched one, else none. Raises StackError."""
    if settings.country_db:
        path = Path(settings.country_db)
        if not path.is_file():
            raise StackError(f"there is no country database at {path} (THROUGHLINE_COUNTRY_DB)")
        return path
    return COUNTRY_DB if COUNTRY_DB.is_file() else None


def registry(settings: Settings) -> "Registry":
    """The registry, read once. Raises ClickHouseUnavailable."""
    from api.registry.store import Registry

    made = Registry(clickhouse(settings), redis_client(settings), now)
    made.refresh()
    return made


def _server(address: str) -> str:
    """What names the server in an address: `host:port`, or the path of a socket."""
    parts = urlsplit(address)
    return parts.netloc.rpartition("@")[2] or parts.path
