"""Every answer equals the batch model's on generated traffic, for ragged ranges in many zones."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from api.answer.custom_event_funnel import custom_event_funnel
from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.engagement_funnel import engagement_funnel
from api.answer.event_data_keys import event_data_keys
from api.answer.event_data_values import event_data_values
from api.answer.freshness import freshness
from api.answer.friction import friction
from api.answer.friction_preview import friction_preview
from api.answer.ledger import QUARTER, ledger
from api.answer.over_time import over_time
from api.answer.page_flow import page_flow
from api.answer.reach import reach
from api.answer.revenue import revenue
from api.answer.scroll_depth import scroll_depth
from api.answer.session_events import session_events
from api.answer.sites import counts, sparklines
from api.answer.visitor_sessions import visitor_sessions
from api.answer.visitors import visitors
from api.retained import NOTHING
from api.span import Granularity, Span, iso
from ingest.contract.site import Revenue
from rollups.read import Reader
from tests.api.answer.world import SETTINGS, START, World
from tests.api.answer.written import session_id, visitor_hash
from tests.oracle import answers, deeds, people
from tests.oracle.fact import DAY
from tests.oracle.span import Range

pytestmark = pytest.mark.services


def body(answer: BaseModel) -> Any:
    """What a client reads."""
    return json.loads(answer.model_dump_json())


@pytest.mark.parametrize("interval", [None, "hour", "week", "month"])
def test_dashboard(world: World, interval: Granularity | None) -> None:
    for site, span, asked in world.ranges if interval is None else within_an_interval(world, interval):
        answer = body(dashboard(world.reader, site, span, START))
        assert list(answer)[-4:] == ["from", "to", "timezone", "fresh_as_of"]
        assert answer["timezone"] == asked.zone
        assert answer["fresh_as_of"] == "2025-02-27T23:46:40.000Z"
        assert {key: answer[key] for key in list(answer)[:-4]} == answers.dashboard(world.sites[site], asked)


@pytest.mark.parametrize("interval", [None, "hour", "week"])
def test_over_time(world: World, interval: Granularity | None) -> None:
    for site, span, asked in world.ranges if interval is None else within_an_interval(world, interval):
        assert body(over_time(world.reader, site, span)) == answers.over_time(world.sites[site], asked)


def within_an_interval(world: World, interval: Granularity) -> list[tuple[str, Span, Range]]:
    return [
        (site, replace(span, interval=interval), replace(asked, interval=interval))
        for site, span, asked in world.ranges[::3]
    ]


@pytest.mark.parametrize(
    "setting", [SETTINGS.revenue, Revenue(currency="USD"), Revenue(currency="EUR", type="signup"), None]
)
def test_revenue(world: World, setting: Revenue | None) -> None:
    settings = world.settings | {"revenue": setting and setting.model_dump()}
    ranges = world.ranges if setting == SETTINGS.revenue else world.ranges[::3]  # the model is slow at naming periods
    for site, span, asked in ranges:
        expected = answers.revenue(world.sites[site], asked, settings)
        assert body(revenue(world.reader, site, span, setting)) == expected


def test_friction(world: World) -> None:
    for site, span, asked in world.ranges:
        expected = answers.friction(world.sites[site], asked, world.settings)
        assert body(friction(world.reader, site, span, SETTINGS.friction)) == expected


@pytest.mark.parametrize(("page", "limit"), [(None, 20), (None, 2), ("/pricing", 1), ("/never", 20)])
def test_scroll_depth(world: World, page: str | None, limit: int) -> None:
    for site, span, asked in world.ranges:
        expected = answers.scroll_depth(world.sites[site], asked, page, limit)
        assert body(scroll_depth(world.reader, site, span, page, limit)) == expected


@pytest.mark.parametrize("page", [None, "/", "/%C3%9Cber%20uns", "/never"])
def test_engagement_funnel(world: World, page: str | None) -> None:
    for site, span, asked in world.ranges:
        expected = deeds.engagement_funnel(world.sites[site], asked, page)
        assert body(engagement_funnel(world.reader, site, span, page)) == expected


@pytest.mark.parametrize(
    ("metric", "value"),
    [("page", "/checkout"), ("event", "Ünïcode 😀 type"), ("event", "x' OR 1=1 --\\"), ("page", "/never")],
)
def test_reach(world: World, metric: Literal["page", "event"], value: str) -> None:
    for site, span, asked in world.ranges:
        expected = deeds.reach(world.sites[site], asked, metric, value)
        assert body(reach(world.reader, site, span, metric, value)) == expected


def test_custom_event_types(world: World) -> None:
    for site, span, asked in world.ranges:
        expected = deeds.custom_event_types(world.sites[site], asked)
        assert body(custom_event_types(world.reader, site, span)) == expected


@pytest.mark.parametrize(
    "steps", [["signup", "purchase"], ["purchase"] * 3, ["form_start", "form_submit", "signup"], ["never", "signup"]]
)
def test_custom_event_funnel(world: World, steps: list[str]) -> None:
    for site, span, asked in world.ranges:
        expected = deeds.custom_event_funnel(world.sites[site], asked, steps)
        assert body(custom_event_funnel(world.reader, site, span, steps)) == expected


@pytest.mark.parametrize("kind", ["purchase", "pageview", "never"])
def test_event_data_keys(world: World, kind: str) -> None:
    for site, span, asked in world.ranges:
        expected = deeds.event_data_keys(world.sites[site], asked, kind)
        assert body(event_data_keys(world.reader, site, span, kind)) == expected


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inside in value.items():
        if isinstance(inside, dict):
            yield from leaves(inside, f"{path}{name}.")
        else:
            yield path + name, inside


@pytest.mark.parametrize("kind", ["purchase", "signup", "never"])
def test_event_data_values(world: World, kind: str) -> None:
    for site, span, asked in world.ranges:
        happened = [
            (fact, number)
            for number, session in enumerate(world.sites[site].sessions)
            for fact in session.custom
            if fact.type == kind and fact.time in asked and fact.data
        ]
        for key in sorted({key for fact, _ in happened for key, _ in leaves(fact.data)})[:6] or ["nothing"]:
            found: dict[str, list[int]] = {}
            for fact, number in happened:
                for value in (value for name, value in leaves(fact.data) if name == key):
                    each = value if isinstance(value, list) else [value]
                    texts = {one if isinstance(one, str) else json.dumps(one, separators=(",", ":")) for one in each}
                    for text in texts:
                        found.setdefault(text, []).append(number)
            expected = [
                {"value": text, "count": len(held), "sessions": len(set(held))}
                for text, held in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
            ]
            answer = body(event_data_values(world.reader, site, span, kind, key, 1000))
            assert answer == {"type": kind, "key": key, "total_rows": len(expected), "rows": expected}


OTHERS = {
    "bouncer_seconds": 25.5,
    "skimmer_seconds_per_page": 7.25,
    "engaged_pageviews": 2,
    "engaged_seconds": 90,
    "deep_seconds": 20,
    "deep_percent": 33.3,
}
PAIRS = [["pageview", "signup"], ["signup", "purchase"], ["pageview", "purchase", "never"]]


@pytest.mark.parametrize("change", [{}, *({name: value} for name, value in OTHERS.items()), OTHERS, {"pairs": PAIRS}])
def test_friction_preview(world: World, change: dict[str, Any]) -> None:
    own = SETTINGS.model_copy(update={"pairs": change.get("pairs", SETTINGS.pairs)})
    thresholds = SETTINGS.friction.model_copy(update={key: value for key, value in change.items() if key != "pairs"})
    settings = {"friction": thresholds.model_dump(), "pairs": own.pairs}
    for site, span, asked in world.ranges[::2]:
        answer = body(friction_preview(world.reader, site, span, thresholds, own.finished_by))
        assert answer.pop("thresholds") == settings["friction"]
        assert answer == answers.friction_preview(world.sites[site], asked, settings, SETTINGS.model_dump())


def test_page_flow(world: World) -> None:
    for site, span, asked in world.ranges:
        for page in ("/", "/checkout", "/nobody-was-here"):
            assert body(page_flow(world.reader, site, span, page)) == deeds.page_flow(world.sites[site], asked, page)


def test_since(world: World) -> None:
    for site, model in world.sites.items():
        first = min(session.start for session in model.sessions)
        assert freshness(world.reader, site, NOTHING).since == iso(first - first % QUARTER)
    assert freshness(world.reader, "nobody", NOTHING).since is None


def test_ledger(world: World) -> None:
    for site, span, _ in world.ranges:
        answer = body(ledger(world.reader, site, span))
        expected = people.ledger(world.sites[site], span.start, span.end)
        assert {key: answer[key] for key in expected} == expected


def test_visitors(world: World) -> None:
    for site, model in world.sites.items():
        first = people.visitors(model, site)
        pages = range(1, first["total"] // 50 + 2)
        expected = [each for page in pages for each in people.visitors(model, site, page)["visitors"]]
        for each in expected:
            each["id"] = f"{site}-{visitor_hash(site, each['id'].removeprefix(f'{site}-'))}"
        found = [each for page in pages for each in body(visitors(world.reader, site, page))["visitors"]]
        assert found == sorted(sorted(expected, key=lambda each: each["id"]), key=_last_seen, reverse=True)
        beyond = visitors(world.reader, site, 1_000_000)
        assert (beyond.total, beyond.visitors) == (len(expected), [])


def _last_seen(visitor: dict[str, Any]) -> str:
    return str(visitor["last_seen"])


@pytest.mark.parametrize("setting", [SETTINGS.revenue, Revenue(currency="USD", type="purchase"), None])
def test_visitor_sessions(world: World, setting: Revenue | None) -> None:
    settings = world.settings | {"revenue": setting and setting.model_dump()}
    for site, model in world.sites.items():
        names = sorted(people.by_visitor(model))
        payers = {fact.visitor for fact in model.counted if fact.money}
        for name in Random(world.seed).sample(names, 8) + sorted(payers)[:8]:
            answer = visitor_sessions(world.reader, site, visitor_hash(site, name), setting)
            assert answer is not None
            ids = [session_id(session) for session in reversed(people.by_visitor(model)[name])]
            expected = people.visitor_sessions(model, name, settings)
            assert body(answer)["sessions"] == [{"id": id_} | each for id_, each in zip(ids, expected, strict=True)]


def test_session_events(world: World) -> None:
    for site, model in world.sites.items():
        for session in Random(world.seed).sample(model.sessions, 25):
            fact = session.facts[0]
            answer = session_events(world.reader, site, visitor_hash(site, fact.visitor), session_id(session))
            assert answer is not None
            expected = people.session_events(session)
            found = [{key: each[key] for key in expected[0]} for each in body(answer)["events"]]
            assert found == expected


def test_nobody(world: World) -> None:
    assert visitor_sessions(world.reader, "s1", "0" * 16, None) is None
    assert session_events(world.reader, "s1", "0" * 16, "0" * 16) is None
    session = world.sites["s1"].sessions[0]
    visitor = visitor_hash("s1", session.facts[0].visitor)
    assert session_events(world.reader, "s2", visitor, session_id(session)) is None


def test_sites(world: World) -> None:
    zones = {"s1": ZoneInfo("America/New_York"), "s2": ZoneInfo("Asia/Kathmandu"), "quiet": ZoneInfo("UTC")}
    for now in (START + 12 * DAY, START + 21 * DAY + 123):
        found = counts(world.reader, list(zones))
        days = sparklines(world.reader, zones, now)
        assert days["quiet"] == [0] * 7
        assert found["quiet"].model_dump() == {"visitors_count": 0, "sessions_count": 0, "events_count": 0}
        for site, model in world.sites.items():
            expected = people.totals(model, now, zones[site].key)
            assert found[site].model_dump() | {"sparkline": days[site]} == expected
    assert counts(world.reader, []) == {}
    assert sparklines(world.reader, {}, START) == {}


def test_ranges_that_end_now_say_the_same(world: World) -> None:
    """Where nothing lies behind the end the day is taken whole, elsewhere it is cut."""
    asked: list[Callable[[Reader, str, Span], BaseModel]] = [
        lambda reader, site, span: dashboard(reader, site, span, None),
        lambda reader, site, span: friction(reader, site, span, SETTINGS.friction),
        lambda reader, site, span: scroll_depth(reader, site, span, None, 20),
        lambda reader, site, span: engagement_funnel(reader, site, span, None),
        lambda reader, site, span: reach(reader, site, span, "page", "/checkout"),
        custom_event_types,
        lambda reader, site, span: event_data_keys(reader, site, span, "purchase"),
    ]
    last = max(session.facts[-1].time for session in world.sites["s1"].sessions)
    ends = [span.end for _, span, _ in world.ranges] + [last, last + 1, last + DAY // 3]
    for end in ends:
        span = Span(end - 9 * DAY - (end % 2) * 7_200_000, end, ZoneInfo("Europe/Berlin"))
        for answer in asked:
            assert answer(world.ending_now, "s1", span) == answer(world.reader, "s1", span), (span, answer)
