"""More keys than an answer has rows: what is named, what is `(other)`, and that sums hold; against plain lists."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.event_data_keys import event_data_keys
from api.answer.friction import friction
from api.answer.reach import reach
from api.answer.revenue import revenue
from api.answer.scroll_depth import scroll_depth
from api.answer.session_events import session_events
from api.answer.sites import sparklines
from api.answer.visitor_sessions import visitor_sessions
from api.span import Span
from ingest.contract.site import Friction, Revenue
from rollups.rows import SessionRow
from tests.api.answer.conftest import Store
from tests.api.answer.made import acting, at, event, paying, session, viewing
from tests.oracle import answers, deeds
from tests.oracle.bucket import BUCKETS
from tests.oracle.number import percent, shares

pytestmark = pytest.mark.services

NOON = at("2025-03-10T12:00:00+00:00")
HOUR = 3_600_000
DAY = 24 * HOUR
MONTH = Span(NOON - 10 * DAY + 1, NOON + 20 * DAY + 1, ZoneInfo("UTC"))  # days from the rollup, edges from sessions
EUR = Revenue(currency="EUR", type="purchase")
OTHER = "(other)"


@dataclass(frozen=True)
class Touch:
    """One session to be written."""

    source: str
    campaign: str
    bucket: str = "bouncer"
    page: str = "/"
    types: tuple[str, ...] = ()

    def row(self, number: int, start: int) -> SessionRow:
        visitor = f"{number:016x}"
        return acting(
            visitor,
            start,
            list(self.types),
            source=self.source,
            campaign=self.campaign,
            bucket=self.bucket,
            pv_page=(self.page,),
        )


def body(answer: BaseModel) -> Any:
    """What a client reads."""
    return json.loads(answer.model_dump_json())


def spread(count: int) -> Iterator[int]:
    """Times of sessions, most in whole days, some at both edges of the range."""
    for number in range(count):
        yield MONTH.start + number * (MONTH.end - MONTH.start - 1) // max(count - 1, 1)


def written(store: Store, touches: list[Touch]) -> None:
    store.write(
        sessions=[touch.row(*each) for touch, each in zip(touches, enumerate(spread(len(touches))), strict=True)]
    )


def many_sources() -> list[Touch]:
    """5,000 sources of a few campaigns, so of many equals; `(other)`, stored by a worker, is the largest of all."""
    random = Random(7)
    names = [*(f"source{number}" for number in range(5_000)), *[OTHER] * 300]
    names += random.choices(names, weights=range(len(names), 0, -1), k=3_000)
    return [Touch(name, random.choice(("(none)", "Spring", f"of {name}", OTHER)), *_what(random)) for name in names]


def many_campaigns() -> list[Touch]:
    """A source of 1,500 campaigns, 150 of 80, 400 of one: every limit of campaigns is past."""
    random = Random(8)
    sizes = [("big", 1_500), *((f"middle{number}", 80) for number in range(150)), *((f"s{n}", 1) for n in range(400))]
    pairs = [(source, f"campaign{number}") for source, size in sizes for number in range(size)]
    pairs += [("big", OTHER)] * 9 + [("middle3", OTHER)] + random.choices(pairs, k=500)
    return [Touch(source, campaign, *_what(random)) for source, campaign in pairs]


def _what(random: Random) -> tuple[str, str, tuple[str, ...]]:
    return random.choice(BUCKETS), random.choice(("/", "/pricing")), random.choice(((), ("signup",), ("signup", "buy")))


def described(metric: str | None = None) -> Any:
    def by_bucket(touches: list[Touch]) -> dict[str, Any]:
        counts = Counter(touch.bucket for touch in touches)
        buckets = {bucket: counts[bucket] for bucket in BUCKETS}
        return {"buckets": buckets, "bucket_pct": shares(buckets)}

    def by_reach(touches: list[Touch]) -> dict[str, Any]:
        hits = sum(touch.page == "/pricing" if metric == "page" else "buy" in touch.types for touch in touches)
        return {"reached": hits, "pct": percent(hits, len(touches))}

    return by_reach if metric else by_bucket


def check_touches(store: Store, touches: list[Touch]) -> list[Any]:
    """Friction and reach say what the model says of the sessions; returns friction's sources."""
    written(store, touches)
    pairs = [(touch.source, touch.campaign, touch) for touch in touches]
    sources = body(friction(store.reader, "s1", MONTH, Friction()))["sources"]
    assert sources == answers.grouped(pairs, described())
    metrics: list[tuple[Literal["page", "event"], str]] = [("page", "/pricing"), ("event", "buy")]
    for metric, value in metrics:
        answer = body(reach(store.reader, "s1", MONTH, metric, value))
        assert answer["sources"] == answers.grouped(pairs, described(metric))
        assert answer["total_sessions"] == len(touches)
        assert answer["reached_sessions"] == described(metric)(touches)["reached"]
    assert sum(source["total"] for source in sources) == len(touches)
    for source in sources:
        assert sum(campaign["total"] for campaign in source["campaigns"]) == source["total"]
    return list(sources)


def test_many_sources(store: Store) -> None:
    sources = check_touches(store, many_sources())
    assert len(sources) == 1_000
    assert [source["key"] for source in sources].index(OTHER) == 999
    assert sources[-1]["campaigns"][0]["key"] in ("(none)", "Spring")  # what the rest have in common keeps its name
    assert sum(len(source["campaigns"]) for source in sources) <= 10_000
    top = dashboard(store.reader, "s1", MONTH, None).referrers
    assert len(top) == 10
    assert OTHER not in [each.source for each in top]


def test_many_campaigns(store: Store) -> None:
    sources = check_touches(store, many_campaigns())
    lengths = {source["key"]: len(source["campaigns"]) for source in sources}
    deepest = lengths["big"]
    assert 50 < deepest < 80
    assert set(lengths.values()) == {deepest, 1}
    assert sum(lengths.values()) <= 10_000
    assert sources[0]["campaigns"][-1]["key"] == OTHER


@pytest.mark.parametrize(
    ("named", "stored", "rows"), [(1_000, 0, 1_000), (1_001, 0, 1_000), (999, 1, 1_000), (1_000, 1, 1_000), (3, 9, 4)]
)
def test_the_edge_of_a_list(store: Store, named: int, stored: int, rows: int) -> None:
    touches = [Touch(f"source{number}", "(none)") for number in range(named)] + [Touch(OTHER, "(none)")] * stored
    sources = check_touches(store, touches)
    assert len(sources) == rows
    last = sources[-1]
    if named + min(stored, 1) > 1_000:
        assert (last["key"], last["total"]) == (OTHER, named + stored - 999)
    else:
        assert last["total"] == max(stored, 1)
        assert (last["key"] == OTHER) == bool(stored)


def test_revenue_of_many_sources_and_currencies(store: Store) -> None:
    random = Random(9)
    by_source: dict[str, answers.Sum] = defaultdict(answers.Sum)
    by_campaign: dict[tuple[str, str], answers.Sum] = defaultdict(answers.Sum)
    touches = [(f"source{n}", random.choice(("a", "b", "c"))) for n in range(1_500)]
    touches += [(OTHER, OTHER), (OTHER, "a"), ("source1", OTHER), *random.choices(touches, k=500)]
    rows = []
    for number, ((source, campaign), start) in enumerate(zip(touches, spread(len(touches)), strict=True)):
        amount = random.choice((-10_000, 1, 3, 33_333, 10_000_000))
        rows.append(
            paying(f"{number:016x}", start, [(f"o-{number}", start, amount, "EUR")], source=source, campaign=campaign)
        )
        for sums in (by_source[source], by_campaign[source, campaign]):
            sums.add(Decimal(amount) / 10_000)
    letters = "ABCDEFGHIJKLM"
    currencies = [f"{a}{b}{c}" for a in letters for b in letters for c in letters][:1_100]
    payments = [(currency, NOON, 10_000 * (number % 7), currency) for number, currency in enumerate(currencies)]
    for start in range(0, len(payments), 100):
        rows.append(paying(f"{start:016x}", NOON, payments[start : start + 100], session=f"foreign{start}"))
    store.write(sessions=rows)
    answer = body(revenue(store.reader, "s1", MONTH, EUR))
    assert answer["by_source"] == [
        {"source": source} | sums.answer() for source, sums in answers.revenue_list(by_source, OTHER)
    ]
    assert answer["by_campaign"] == [
        {"source": source, "campaign": campaign} | sums.answer()
        for (source, campaign), sums in answers.revenue_list(by_campaign, (OTHER, OTHER))
    ]
    for rows_ in (answer["by_source"], answer["by_campaign"]):
        assert len(rows_) == 1_000
        assert rows_[-1]["source"] == OTHER
        assert sum(Decimal(str(row["revenue"])) for row in rows_) == Decimal(str(answer["summary"]["total_revenue"]))
        assert sum(row["transactions"] for row in rows_) == answer["summary"]["total_transactions"]
    excluded = [each["currency"] for each in answer["excluded_currencies"]]
    ranked = sorted(enumerate(currencies), key=lambda each: (-(each[0] % 7), each[1]))
    assert excluded == [currency for _, currency in ranked][:1_000]  # amounts of many currencies have no sum


def test_many_types(store: Store) -> None:
    random = Random(10)
    types = [*(f"type{number}" for number in range(1_600)), OTHER]
    counts: Counter[str] = Counter()
    sessions: Counter[str] = Counter()
    rows, lines = [], []
    for number in range(90):
        held = random.sample(types, 60)
        held += random.choices(held, k=20)
        row = acting(f"{number:016x}", MONTH.start + 7 * number * HOUR, held)
        rows.append(row)
        lines += [event(row.visitor, kind, time) for kind, time in zip(held, row.ev_time, strict=True)]
        sessions.update(set(held))
        counts.update(held)
    store.write(events=lines, sessions=rows)
    answer = body(custom_event_types(store.reader, "s1", MONTH))["event_types"]
    assert answer == deeds.types_list({kind: (counts[kind], sessions[kind]) for kind in counts})
    assert len(answer) == 1_000
    assert answer[-1]["type"] == OTHER
    assert (sum(row["count"] for row in answer), sum(row["sessions"] for row in answer)) == (90 * 80, 90 * 60)


@pytest.mark.parametrize(("keys", "other"), [(999, False), (1_000, False), (1_001, False), (999, True), (1_500, True)])
def test_many_data_keys(store: Store, keys: int, other: bool) -> None:
    names = [f"key{number}" for number in range(keys)] + [OTHER] * other
    store.write(
        events=[
            event("a", "signup", NOON + start, data=json.dumps(dict.fromkeys(names[start : start + 30], 1)))
            for start in range(0, len(names), 30)
        ]
    )
    assert event_data_keys(store.reader, "s1", MONTH, "signup").keys == deeds.keys_list(set(names))


def test_other_pages_are_last(store: Store) -> None:
    views = [("/a", NOON, -1), ("/b", NOON, -1), (OTHER, NOON, -1), (OTHER, NOON, -1)]
    store.write(sessions=[viewing("a", views)])
    pages = scroll_depth(store.reader, "s1", MONTH, None, 20).pages
    assert [(page.page, page.views) for page in pages] == [("/a", 1), ("/b", 1), (OTHER, 2)]
    assert [page.page for page in scroll_depth(store.reader, "s1", MONTH, None, 2).pages] == ["/a", "/b"]


def test_a_visitors_latest_thousand_sessions(store: Store) -> None:
    visitor = "a" * 16
    store.write(
        sessions=[paying(visitor, NOON + n * HOUR, [(f"o-{n}", NOON + n * HOUR, n, "EUR")]) for n in range(1_100)]
    )
    answer = visitor_sessions(store.reader, "s1", visitor, EUR)
    assert answer is not None
    assert [each.id for each in answer.sessions] == [f"{visitor}-{NOON + n * HOUR}" for n in range(1_099, 99, -1)]
    assert [each.revenue for each in answer.sessions] == [n / 10_000 for n in range(1_099, 99, -1)]


def test_a_sessions_first_thousand_events(store: Store) -> None:
    visitor = "b" * 16
    times = [NOON + 1_000 * number for number in range(1_200)]
    row = session(visitor, NOON, end=times[-1], ev_type=("click",) * 1_200, ev_time=tuple(times), ev_seq=(0,) * 1_200)
    store.write(events=[event(visitor, "click", time) for time in times], sessions=[row])
    answer = session_events(store.reader, "s1", visitor, row.session)
    assert answer is not None
    assert [each.id for each in answer.events] == [f"{visitor}-click-{time}" for time in times[:1_000]]


def test_sparklines_of_ten_thousand_sites(store: Store) -> None:
    """A million rows: a search in 10,000 sites for each of them takes longer than a question may."""
    zones = [ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")]
    sites = {f"s{number:07}": zones[number % 3] for number in range(10_000)}
    start = NOON - 5 * DAY - 12 * HOUR
    store.client.command(
        "INSERT INTO series (site, time, sessions, bounces, duration_ms) "
        "SELECT 's' || leftPad(toString(number % 10000), 7, '0'), "
        "fromUnixTimestamp64Milli({start:Int64}, 'UTC') + toIntervalHour(intDiv(number, 10000)), 1, 0, 0 "
        "FROM numbers(1000000)",
        {"start": start},
    )
    by_zone = {}
    for zone in zones:
        today = datetime.fromtimestamp(NOON / 1000, zone).date()
        days = Counter(
            (today - datetime.fromtimestamp((start + hour * HOUR) / 1000, UTC).astimezone(zone).date()).days
            for hour in range(100)
        )
        by_zone[zone] = [days[6 - day] for day in range(7)]
    assert sparklines(store.reader, sites, NOON) == {site: by_zone[zone] for site, zone in sites.items()}
