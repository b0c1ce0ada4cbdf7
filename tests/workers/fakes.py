"""A world in memory for a worker: what it reads of the past, in plain words, and all fakes together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract.site import SiteSettings
from rollups.past import Asked, Found, PastEvent
from rollups.rows import TOUCH, EventRow, SessionRow
from tests.log.fake import FakeConsumer, FakeDead
from tests.workers.fake_store import FakeRedis
from tests.workers.fake_tables import Point, Tables, took
from tests.workers.fake_writer import FakeWriter
from workers.metrics import Metrics
from workers.visitor import FOREVER
from workers.world import World


def _touch(row: EventRow) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in TOUCH)


def past(tables: Tables) -> Callable[[Sequence[Asked]], list[Found]]:
    """`rollups.past.past` over `Tables`, in plain words."""

    def of(asked: Sequence[Asked]) -> list[Found]:
        found = []
        for site, visitor, begin, end, stone, *_ in asked:
            live: dict[SessionRow, int] = {}
            for row in tables.session_rows():
                if (row.site, row.visitor) == (site, visitor) and row.start <= end and row.end >= begin:
                    plus = row._replace(sign=1)
                    live[plus] = live.get(plus, 0) + row.sign
            sessions = [row for row, times in live.items() if times > 0]
            first = min([begin, *(row.start for row in sessions)])
            last = max([end, *(row.end for row in sessions)])
            events = [
                PastEvent._make((*(getattr(row, name) for name in PastEvent._fields[:-1]), _touch(row)))
                for row in tables.event_rows()
                if (row.site, row.visitor, row.reason) == (site, visitor, "")
                and first <= row.time <= last
                and not took(stone, row)
            ]
            found.append(Found(site, visitor, first, last, events, sessions))
        return found

    return of


def newest(tables: Tables) -> int:
    """`rollups.past.newest` over `Tables`."""
    return max((row.time for row in tables.event_rows()), default=0)


def world(
    tables: Tables, consumer: FakeConsumer, redis: FakeRedis | None = None, point: Point = lambda _: None, **parts: Any
) -> World:
    """What a worker over fakes is given, that never fail by themselves; `parts` of it may be others."""
    made = World(
        consumer=consumer,
        writer=FakeWriter(tables, point, lambda _: None),
        redis=cast(Redis, redis or FakeRedis()),
        past=past(tables),
        newest=lambda: newest(tables),
        dead=FakeDead(),
        lookup=lambda _site, _revision: SiteSettings(),
        metrics=Metrics(CollectorRegistry()),
        nonce=lambda: "n",
        now=lambda: FOREVER,
    )
    return replace(made, **parts)
