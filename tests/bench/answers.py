"""`make bench ARGS=answers`: every answer of the read API ÷ one simple rollup query through the same door.

A month of sessions, made by the server itself beneath the views that workers write through; nothing is kept between two
answers. Each is asked by turns with the simple query: CPU of the server's process, and time, the least of many runs.
"""
# ruff: noqa: S608 - numbers of our own

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.answer.breakdown import breakdown
from api.answer.custom_event_funnel import custom_event_funnel
from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.engagement_funnel import engagement_funnel
from api.answer.event_data_keys import event_data_keys
from api.answer.friction import friction
from api.answer.reach import reach
from api.answer.revenue import revenue
from api.answer.scroll_depth import scroll_depth
from api.filter import parse
from api.span import EPOCH, Span
from ingest.contract.site import Friction, Revenue
from rollups.client import Client, connect
from rollups.migrate import migrate
from rollups.read import Reader
from rollups.selection import select
from tests.bench.row import Row
from tests.services.clickhouse import open_clickhouse

TARGETS = {"dashboard": "≤ 4", "breakdown by page": "", "breakdown by source, with revenue": ""}
SITE = "site_bench"
SESSIONS = 300_000  # a million events
DAY = 86_400_000
FIRST = 1_757_808_000_000  # 14 September 2025 UTC, a midnight
DAYS = 30
NOW = FIRST + DAYS * DAY - 34_567_891  # nothing lies behind it
RUNS = 15
FILTERS: dict[str, list[str]] = {
    "": [],
    " of two sources": ["source==google|x"],
    " of pages by a pattern, not of a country": ["page=~/page-1*", "country!=DE"],
}

SPANS = {
    "whole days": Span(FIRST, FIRST + (DAYS - 1) * DAY, ZoneInfo("UTC")),
    "until now": Span(FIRST, NOW, ZoneInfo("UTC")),
    "both ends within a day": Span(FIRST + 12_345_678, NOW - DAY - 3_456_789, ZoneInfo("UTC")),
}
SIMPLE = (
    "SELECT sum(sessions) AS sessions FROM series "
    "WHERE site = {site:String} AND time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}"
)
ANSWERS: dict[str, Callable[[Reader, Span], object]] = {
    "dashboard": lambda reader, span: dashboard(reader, SITE, span, None),
    "friction": lambda reader, span: friction(reader, SITE, span, Friction()),
    "reach": lambda reader, span: reach(reader, SITE, span, "page", "/page-7"),
    "event types": lambda reader, span: custom_event_types(reader, SITE, span),
    "scroll depth": lambda reader, span: scroll_depth(reader, SITE, span, None, 20),
    "engagement funnel": lambda reader, span: engagement_funnel(reader, SITE, span, None),
    "data keys": lambda reader, span: event_data_keys(reader, SITE, span, "signup"),
    "breakdown by page": lambda reader, span: breakdown(reader, SITE, span, "page", None, 100, 1),
    "breakdown by source, with revenue": lambda reader, span: breakdown(
        reader, SITE, span, "source", Revenue(currency="EUR", type="purchase"), 100, 1
    ),
    "event funnel": lambda reader, span: custom_event_funnel(reader, SITE, span, ["signup", "purchase"]),
    "revenue": lambda reader, span: revenue(reader, SITE, span, Revenue(currency="EUR", type="purchase")),
}


class Cost(NamedTuple):
    """Seconds: of the server's CPU, and until the answer was there."""

    cpu: float
    wall: float


def fill(client: Client, sessions: int = SESSIONS) -> None:
    """A third as many visitors as sessions, 3.3 events a session, a transaction in every 33rd."""

    def draw(seed: int) -> str:
        return f"cityHash64({seed}, number)"

    def pick(seed: int, names: list[str]) -> str:
        return f"arrayElement({names}, 1 + {draw(seed)} % {len(names)})"

    def spread(rows: int, until: int) -> str:
        return f"fromUnixTimestamp64Milli(toInt64({FIRST} + intDiv(number * {until - FIRST}, {rows})), 'UTC')"

    events = sessions * 10 // 3
    fields = {
        "site": f"'{SITE}'",
        "visitor": f"leftPad(lower(hex(cityHash64('v', {draw(1)} % {sessions // 3}))), 16, '0')",
        "session": "leftPad(lower(hex(number)), 16, '0')",
        "start": spread(sessions, NOW - 3_600_000),
        "end": "start + toIntervalSecond(60 * (views + acts))",
        "source": pick(2, ["google", "direct", "newsletter", "x", "bing"]),
        "campaign": pick(3, ["(none)", "(none)", "spring", "autumn"]),
        "country": pick(4, ["DE", "US", "FR", "JP", "unknown"]),
        "device": pick(5, ["Desktop", "Phone", "Tablet"]),
        "bucket": pick(6, ["bouncer", "skimmer", "hesitator", "engaged"]),
        "pageviews": "views",
        "events": "views + acts",
        "pv_page": "arrayMap(n -> concat('/page-', toString(cityHash64(number, n) % 200)), range(views))",
        "pv_time": "arrayMap(n -> start + toIntervalSecond(60 * n), range(views))",
        "pv_depth": "arrayMap(n -> [-1, 0, 2500, 7500, 10000][1 + cityHash64(number, n, 'd') % 5], range(views))",
        "pv_engaged_ms": "arrayMap(n -> 9000, range(views))",
        "ev_type": "arrayMap(n -> ['signup', 'purchase', 'download'][1 + (number + n) % 3], range(acts))",
        "ev_time": "arrayMap(n -> start + toIntervalSecond(60 * (views + n)), range(acts))",
        "ev_seq": "arrayMap(n -> 0, range(acts))",
        "tx_transaction": "if(pays, [session], [])",
        "tx_time": "if(pays, [start], [])",
        "tx_seq": "if(pays, [0], [])",
        "tx_event": "if(pays, [session], [])",
        "tx_type": "if(pays, ['purchase'], [])",
        "tx_amount": "if(pays, [toDecimal64(9.5, 4)], [])",
        "tx_currency": "if(pays, [''], [])",
        "sign": "1",
        "version": "1",
    }
    shape = (
        f"[1, 1, 2, 5][1 + {draw(7)} % 4] AS views, [0, 1, 1, 2][1 + {draw(8)} % 4] AS acts, number % 33 = 0 AS pays"
    )
    _insert(client, "sessions", fields, shape, sessions)
    fields = {
        "site": f"'{SITE}'",
        "visitor": fields["visitor"],
        "id": "toString(number)",
        "type": "if(number % 4 = 0, 'signup', 'pageview')",
        "time": spread(events, NOW - 1),
        "received": "time",
        "page": "concat('/page-', toString(number % 200))",
        "keys": "if(type = 'signup', ['plan', 'team.size'], [])",
    }
    _insert(client, "events", fields, "1 AS one", events)


def _insert(client: Client, table: str, fields: dict[str, str], shape: str, rows: int) -> None:
    step = 100_000
    for first in range(0, rows, step):
        chosen = ", ".join(f"{expression} AS {name}" for name, expression in fields.items())
        client.command(
            f"INSERT INTO {table} ({', '.join(fields)}) SELECT {', '.join(fields)} FROM "
            f"(WITH {shape} SELECT {chosen} FROM numbers({first}, {min(step, rows - first)}))",
            settings={"async_insert": 0, "max_insert_threads": 1},
        )


def measured(client: Client, pid: int, runs: int = RUNS) -> dict[str, dict[str, Cost]]:
    """By span and answer: its cost ÷ that of the simple query, the least of `runs` by turns. `pid`: the server's."""
    reader = Reader(client, now=lambda: NOW / 1000)
    return {
        said: {
            name + of: _ratio(
                pid,
                partial(answer, reader.selecting(select([parse(each) for each in filters])), span),
                partial(_simple, client, span),
                runs,
            )
            for of, filters in FILTERS.items()
            for name, answer in ANSWERS.items()
            if not (filters and name == "data keys")
        }
        for said, span in SPANS.items()
    }


def _ratio(pid: int, work: Callable[[], object], simple: Callable[[], object], runs: int) -> Cost:
    pairs = [(_cost(pid, work), _cost(pid, simple)) for _ in range(runs)]
    ours, least = (Cost(*(min(each) for each in zip(*costs, strict=True))) for costs in zip(*pairs, strict=True))
    return Cost(ours.cpu / least.cpu, ours.wall / least.wall)


def _simple(client: Client, span: Span) -> None:
    client.rows(SIMPLE, {"site": SITE, "from": _at(span.start), "to": _at(span.end)})


def _at(moment: int) -> datetime:
    return EPOCH + timedelta(milliseconds=moment)


def _cost(pid: int, work: Callable[[], object]) -> Cost:
    cpu, wall = _cpu_seconds(pid), time.perf_counter()
    work()
    return Cost(_cpu_seconds(pid) - cpu, time.perf_counter() - wall)


def _cpu_seconds(pid: int) -> float:
    """Of another process, finer than the ticks of /proc."""
    return time.clock_gettime((~pid << 3) | 2)


def measure() -> list[Row]:
    """CPU of the server a row; time beside it."""
    before = _children()
    with tempfile.TemporaryDirectory() as folder:
        service = open_clickhouse(Path(folder))
        try:
            url = f"{service.url}/bench"
            migrate(url)
            with closing(connect(url)) as client:
                fill(client)
                (pid,) = _children() - before
                found = measured(client, pid)
        finally:
            service.end()
    return [
        Row(
            f"{name} ÷ simple query, {said}",
            "≤ 6" if " of " in name else TARGETS.get(name, "≤ 3"),
            [cost.cpu],
            f"time {cost.wall:.1f}",
        )
        for said, costs in found.items()
        for name, cost in costs.items()
    ]


def _children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
