"""R20: what the worst admissible events cost, from admission to the last view and in answers."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.event_data_keys import event_data_keys
from api.answer.friction import friction
from api.answer.reach import reach
from api.answer.scroll_depth import scroll_depth
from api.answer.visitors import visitors
from api.span import Span
from ingest.admission import Knowledge, Sender, admit
from ingest.contract.batch import read
from ingest.contract.event import Event, encode
from ingest.contract.site import SiteSettings
from ingest.enrich import Place
from rollups.client import Client, connect
from rollups.read import Reader
from rollups.write import Writer
from tests.ingest.fake import ADDRESS, FIREFOX, NOW, a_site
from tests.services.schema import migrated
from workers.fold import Entry, Known, fold, visits
from workers.raw import event_columns
from workers.rows import version

pytestmark = pytest.mark.services

EVENTS = 1_000
TIMES = 8  # measured: 4 for a url of which little is kept, about 1 for what is small, less for what is long
DAY = 24 * 3_600_000
KNOWLEDGE = Knowledge(lambda address: Place("DE"), lambda time, received: b"salt")
SETTINGS = SiteSettings()

Posted = dict[str, Any]


def wide(number: int) -> str:
    """64 distinct characters that take four bytes each."""
    return f"{number:05}" + "".join(chr(0x10400 + n) for n in range(59))


def leaves(prefix: str, count: int) -> dict[str, int]:
    return {f"{prefix}{n}": 0 for n in range(count)}


def under(prefixes: list[str], inside: Any) -> Any:
    for prefix in reversed(prefixes):
        inside = {prefix: inside}
    return inside


def long_path(number: int) -> str:
    return f"/{number:05}" + "%e2%82%ac" * 215


WORST: dict[str, Callable[[int], Posted]] = {
    "braces in a string": lambda n: {"data": {f"k{n:05}" + "x" * 1_300: leaves("", 9), "b": "{" * 2_650}},
    "32 long keys": lambda n: {"data": leaves(f"{n:05}" + "k" * 110, 32)},
    "keys under a long one": lambda n: {"data": {f"{n:05}" + "k" * 3_800: leaves("", 31)}},
    "16 levels": lambda n: {"data": under([f"{n:05}" + "k" * 220] * 16, leaves("", 16))},
    "31 levels": lambda n: {"data": under([f"{n:05}" + "k" * 110] * 31, 1)},
    "arrays": lambda n: {"data": {f"a{n}": [[[0] * 50] * 10] * 2, "b": [{}] * 500}},
    "the longest page": lambda n: {"url": "https://example.com" + long_path(n)},
    "the longest type": lambda n: {"type": wide(n)},
    "many parameters": lambda n: {
        "url": "https://example.com/?" + "&".join(f"utm_{k}{n}=%e2%82%ac" for k in range(300))
    },
    "sources": lambda n: {"url": f"https://example.com/?utm_source=s{n}{'s' * 190}&utm_campaign=c{n}{'c' * 190}"},
    "the longest referrer": lambda n: {"referrer": f"https://r{n}.example.org" + long_path(n) * 4},
    "revenue": lambda n: {
        "type": "purchase",
        "revenue": {"amount": f"{n}.1234", "currency": "EUR", "transaction": f"{n:05}" + "t" * 120},
    },
    "engagement": lambda n: {
        "type": "engagement" if n else "pageview",
        "view": "v",
        "scroll": n % 100,
        "engaged_ms": n,
    },
    "long names": lambda n: {
        "id": wide(n),
        "view": wide(n),
        "visitor": f"{n % 200}" + "v" * 120,
        "title": "😀" * 1_000,
    },
}


def admitted(number: int, visitors: int, posted: Posted) -> Event:
    body = {
        "site": "site_x",
        "type": "pageview",
        "url": f"https://example.com/{number % 50}",
        "visitor": f"v{number % visitors}",
        "id": f"{number}",
        "seq": number,
        **posted,
    }
    batch = read(json.dumps(body, ensure_ascii=False).encode())
    assert not batch.problems, batch.problems
    line = admit(batch.events[0][1], a_site(), Sender(NOW + number, ADDRESS, FIREFOX), KNOWLEDGE)
    assert isinstance(line, Event)
    return line


class Counting:
    """Counts batches as a worker does, each under a token of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._writer = Writer(client)
        self._batches = 0

    def cost(self, make: Callable[[int], Posted], events: int, visitors: int) -> float:
        """Seconds a byte of a batch of these events, from the request's body to the last view; the least of three."""
        return min(self._run(make, events, visitors) for _ in range(3))

    def less(self, most: float, make: Callable[[int], Posted], events: int, visitors: int) -> float:
        """The same of the first one that costs less than `most`, else of the third."""
        for _ in range(3):
            if (cost := self._run(make, events, visitors)) < most:
                break
        return cost

    def seconds(self, work: Callable[[], object]) -> float:
        """Processor time of some work, of this process and of the engine."""
        begun = time.process_time() + self._engine_seconds()
        work()
        return time.process_time() + self._engine_seconds() - begun

    def count(self, lines: list[Event]) -> None:
        self._batches += 1
        token = self._writer.token("log", 0, self._batches)
        entries = [Entry(offset, 0, line) for offset, line in enumerate(lines)]
        folded = fold(Known({}, {}, 0), 0, visits(entries), version(token), lambda site, revision: SiteSettings())
        assert not folded.errors and not folded.reasons
        self._writer.insert_columns(token, event_columns(entries, {}, {}, "log", 0))
        self._writer.insert_sessions(token, folded.rows)

    def _run(self, make: Callable[[int], Posted], events: int, visitors: int) -> float:
        lines: list[Event] = []

        def work() -> None:
            lines.extend(admitted(number, visitors, make(number)) for number in range(events))
            self.count(lines)

        return self.seconds(work) / len(encode([*lines]))

    def _engine_seconds(self) -> float:
        kinds = ["UserTimeMicroseconds", "SystemTimeMicroseconds"]
        sql = "SELECT sum(value) AS us FROM system.events WHERE event IN {kinds:Array(String)}"
        (row,) = self._client.rows(sql, {"kinds": kinds})
        return float(row["us"]) / 1e6


@pytest.fixture
def counting(clickhouse_url: str) -> Iterator[Counting]:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    client.command("SYSTEM STOP MERGES")
    yield Counting(client)
    client.command("SYSTEM START MERGES")
    client.close()


def test_no_event_costs_more_than_plain_ones_of_the_same_bytes(counting: Counting) -> None:
    plain = counting.cost(lambda number: {}, 5 * EVENTS, EVENTS)
    times = {}
    for kind, make in WORST.items():
        for people in (1, EVENTS):
            times[kind, people] = counting.less(TIMES * plain, make, EVENTS, people) / plain
    assert max(times.values()) < TIMES, times


def test_no_answer_is_slower_for_them_than_for_as_many_bytes_of_plain_ones(
    counting: Counting, clickhouse_url: str
) -> None:
    kinds = [*WORST.values()]
    worst = [admitted(number, EVENTS, make(number)) for make in kinds for number in range(EVENTS // 4)]
    size, plain = len(encode([*worst])), 0
    counting.count([replace(line, id=f"{number}") for number, line in enumerate(worst)])
    while size > 0:  # of another site
        lines = [replace(admitted(plain + n, 10_000, {}), site="plain1") for n in range(2 * EVENTS)]
        counting.count(lines)
        size, plain = size - len(encode([*lines])), plain + len(lines)

    reader = Reader(connect(clickhouse_url), max_seconds=60)
    span = Span(NOW - DAY, NOW + DAY, ZoneInfo("UTC"))
    questions: dict[str, Callable[[str], object]] = {
        "dashboard": lambda site: dashboard(reader, site, span, None),
        "scroll depth": lambda site: scroll_depth(reader, site, span, None, 100),
        "event types": lambda site: custom_event_types(reader, site, span),
        "data keys": lambda site: event_data_keys(reader, site, span, "pageview"),
        "reach": lambda site: reach(reader, site, span, "page", "/"),
        "friction": lambda site: friction(reader, site, span, SETTINGS.friction),
        "visitors": lambda site: visitors(reader, site, 1),
    }
    times = {}
    for name, ask in questions.items():
        spent = {
            site: min(counting.seconds(partial(ask, site)) for _ in range(3)) for site in ("plain1", worst[0].site)
        }
        times[name] = spent[worst[0].site] / spent["plain1"]
    assert max(times.values()) < TIMES, times
