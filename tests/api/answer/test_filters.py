"""A filtered answer is that of a site which had only the selected sessions, for every answer and any filters."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from api.answer.breakdown import breakdown
from api.answer.custom_event_funnel import custom_event_funnel
from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.engagement_funnel import engagement_funnel
from api.answer.friction import friction
from api.answer.friction_preview import friction_preview
from api.answer.goals import GoalReached, goals, meaning
from api.answer.over_time import over_time
from api.answer.page_flow import page_flow
from api.answer.reach import reach
from api.answer.revenue import revenue
from api.answer.scroll_depth import scroll_depth
from api.filter import parse
from api.number import percent
from api.span import Span
from ingest.contract.page import page
from ingest.contract.site import EventGoal, Goal, PageGoal
from rollups.read import Reader
from rollups.selection import DIMENSIONS, Filter, select
from tests.api.answer.test_against_model import body
from tests.api.answer.world import SETTINGS, World
from tests.oracle import answers, deeds
from tests.oracle import breakdown as modelled
from tests.oracle.dimension import values
from tests.oracle.fact import Session
from tests.oracle.sessions import Site
from tests.oracle.span import Range

pytestmark = pytest.mark.services
STEPS = ["signup", "purchase"]
JUDGED: dict[str, Any] = {
    **SETTINGS.model_dump(),
    "friction": {**SETTINGS.friction.model_dump(), "bouncer_seconds": 30},
}


def holds(one: Filter, session: Session, friction: dict[str, Any]) -> bool:
    has = values(session, one.dimension, friction)
    if one.operator[1] == "=":
        return (not has.isdisjoint(one.values)) == (one.operator == "==")
    globs = [re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL) for value in one.values]
    return any(glob.fullmatch(each) for glob in globs for each in has) == (one.operator == "=~")


def selected(site: Site, filters: list[Filter], friction: dict[str, Any]) -> Site:
    sessions = [each for each in site.sessions if all(holds(one, each, friction) for one in filters)]
    return replace(site, sessions=sessions, counted=[fact for session in sessions for fact in session.facts])


QUESTIONS: dict[str, tuple[Callable[[Reader, str, Span], Any], Callable[[Site, Range, dict[str, Any]], Any]]] = {
    "dashboard": (
        lambda reader, site, span: {
            name: value
            for name, value in body(dashboard(reader, site, span, None)).items()
            if name not in ("from", "to", "timezone", "fresh_as_of")
        },
        lambda site, span, _: answers.dashboard(site, span),
    ),
    "revenue": (
        lambda reader, site, span: body(revenue(reader, site, span, SETTINGS.revenue)),
        answers.revenue,
    ),
    "friction": (
        lambda reader, site, span: body(friction(reader, site, span, SETTINGS.friction)),
        answers.friction,
    ),
    "scroll": (
        lambda reader, site, span: body(scroll_depth(reader, site, span, None, 20)),
        lambda site, span, _: answers.scroll_depth(site, span, None, 20),
    ),
    "scroll of a page": (
        lambda reader, site, span: body(scroll_depth(reader, site, span, "/pricing", 1)),
        lambda site, span, _: answers.scroll_depth(site, span, "/pricing", 1),
    ),
    "engagement funnel": (
        lambda reader, site, span: body(engagement_funnel(reader, site, span, "/")),
        lambda site, span, _: deeds.engagement_funnel(site, span, "/"),
    ),
    "engagement funnel of any page": (
        lambda reader, site, span: body(engagement_funnel(reader, site, span, None)),
        lambda site, span, _: deeds.engagement_funnel(site, span, None),
    ),
    "reach of a page": (
        lambda reader, site, span: body(reach(reader, site, span, "page", "/checkout")),
        lambda site, span, _: deeds.reach(site, span, "page", "/checkout"),
    ),
    "reach of an event": (
        lambda reader, site, span: body(reach(reader, site, span, "event", "signup")),
        lambda site, span, _: deeds.reach(site, span, "event", "signup"),
    ),
    "friction preview": (
        lambda reader, site, span: preview(reader, site, span),
        lambda site, span, settings: answers.friction_preview(site, span, JUDGED, settings),
    ),
    "over time": (
        lambda reader, site, span: body(over_time(reader, site, span)),
        lambda site, span, _: answers.over_time(site, span),
    ),
    "page flow": (
        lambda reader, site, span: body(page_flow(reader, site, span, "/pricing")),
        lambda site, span, _: deeds.page_flow(site, span, "/pricing"),
    ),
    "types": (
        lambda reader, site, span: body(custom_event_types(reader, site, span)),
        lambda site, span, _: deeds.custom_event_types(site, span),
    ),
    "event funnel": (
        lambda reader, site, span: body(custom_event_funnel(reader, site, span, STEPS)),
        lambda site, span, _: deeds.custom_event_funnel(site, span, STEPS),
    ),
}


def preview(reader: Reader, site: str, span: Span) -> Any:
    thresholds = SETTINGS.friction.model_copy(update={"bouncer_seconds": 30})
    answer = body(friction_preview(reader, site, span, thresholds, SETTINGS.finished_by))
    return {name: value for name, value in answer.items() if name != "thresholds"}


def drawn(world: World, random: Random) -> str:
    """A filter whose values mostly occur."""
    dimension = random.choice(DIMENSIONS)
    sessions = [session for site in world.sites.values() for session in site.sessions]
    known = sorted({each for session in random.sample(sessions, 20) for each in values(session, dimension, FRICTION)})
    chosen = [random.choice([*known, "never"]) for _ in range(random.choice([1, 1, 2, 3]))]
    operator = random.choice(["==", "!=", "=~", "!~"])
    if operator[1] == "~":
        chosen = [glob(each, random) for each in chosen]
    return dimension + operator + "|".join(each.replace("\\", "\\\\").replace("|", "\\|") for each in chosen)


def glob(value: str, random: Random) -> str:
    begin, end = sorted((random.randrange(len(value) + 1), random.randrange(len(value) + 1)))
    return random.choice([value[:begin] + "*", "*" + value[end:], "*", value, f"{value[:begin]}*{value[end:]}*"])


FRICTION = SETTINGS.model_dump()


@pytest.mark.parametrize("examples", [5, pytest.param(200, marks=pytest.mark.nightly)])
def test_every_answer_is_that_of_a_site_with_the_selected_sessions(world: World, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, phases=[Phase.explicit, Phase.generate])
    @given(seed=st.integers(0, 2**32))
    def check(seed: int) -> None:
        random = Random(seed)
        filters = [parse(drawn(world, random)) for _ in range(random.choice([1, 1, 2, 3]))]
        reader = world.reader.selecting(select(filters))
        for site, span, asked in random.sample(world.ranges, 3):
            model = selected(world.sites[site], filters, FRICTION)
            for name, (ask, expect) in QUESTIONS.items():
                assert ask(reader, site, span) == expect(model, asked, FRICTION), (name, filters)

    check()


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_filter_and_its_negation_are_all_sessions(world: World, dimension: str) -> None:
    random = Random(dimension)
    site, span, _ = world.ranges[0]
    total = dashboard(world.reader, site, span, None).total_sessions
    while not (text := drawn(world, random)).startswith(dimension):
        continue
    one = parse(text)
    assert total > 50
    both = [
        dashboard(world.reader.selecting(select([one._replace(operator=operator)])), site, span, None).total_sessions
        for operator in (("==", "!=") if one.operator[1] == "=" else ("=~", "!~"))
    ]
    assert sum(both) == total


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_breakdown(world: World, dimension: str) -> None:
    random = Random(dimension)
    for site, span, asked in world.ranges[:: len(DIMENSIONS) // 3]:
        filters = [parse(drawn(world, random))] if random.random() < 0.5 else []
        reader = world.reader.selecting(select(filters))
        model = selected(world.sites[site], filters, FRICTION)
        expected = modelled.breakdown(
            model, asked, FRICTION, lambda session: values(session, dimension, FRICTION), dimension
        )
        assert body(breakdown(reader, site, span, dimension, SETTINGS.revenue, 1000, 1)) == expected
        found = [body(breakdown(reader, site, span, dimension, SETTINGS.revenue, 2, page)) for page in (1, 2, 3)]
        assert [row for each in found for row in each["rows"]] == expected["rows"][:6]
        assert {each["total_rows"] for each in found} == {expected["total_rows"]}
        assert all(each["totals"] == expected["totals"] for each in found)


GOALS: list[Goal] = [
    PageGoal(name="Priced", page="https://x.example/pricing/"),
    PageGoal(name="Paths", page="/*"),
    PageGoal(name="Checked out", page="*check*t"),
    EventGoal(name="Signed up", event="signup"),
    EventGoal(name="Forms", event="form_*"),
    EventGoal(name="Never", event="nothing like it"),
]


def reached(goal: Goal, session: Session) -> int:
    """How often, as the model says."""
    of_event = isinstance(goal, EventGoal)
    wanted = goal.event if isinstance(goal, EventGoal) else page(goal.page)
    glob = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
    names = [fact.type for fact in session.custom] if of_event else [view.fact.page for view in session.views]
    return sum(glob.fullmatch(name) is not None for name in names)


def test_goals(world: World) -> None:
    for site, span, asked in world.ranges[::2]:
        sessions = [session for session in world.sites[site].sessions if session.start in asked]
        answer = goals(world.reader, site, span, GOALS)
        assert answer.total_sessions == len(sessions)
        expected = [
            GoalReached(
                name=goal.name,
                sessions=(holding := sum(reached(goal, session) > 0 for session in sessions)),
                total=sum(reached(goal, session) for session in sessions),
                conversion_pct=percent(holding, len(sessions)),
            )
            for goal in GOALS
        ]
        assert answer.goals == sorted(expected, key=lambda each: (-each.sessions, each.name))
    assert goals(world.reader, site, span, []).goals == []
    site, span, _ = world.ranges[0]
    assert all(goal.sessions for goal in goals(world.reader, site, span, GOALS).goals if goal.name != "Never")


@pytest.mark.parametrize("text", ["goal==Priced|Signed up", "goal!=Forms", "goal==Never", "goal!=no such goal"])
def test_a_goal_filters(world: World, text: str) -> None:
    site, span, asked = world.ranges[0]
    one = parse(text)
    wanted = [goal for goal in GOALS if goal.name in one.values]
    sessions = [
        session
        for session in world.sites[site].sessions
        if any(reached(goal, session) for goal in wanted) == (one.operator == "==")
    ]
    model = Site(sessions=sessions, counted=[fact for session in sessions for fact in session.facts])
    reader = world.reader.selecting(select([one], goals={goal.name: meaning(goal) for goal in GOALS}))
    ask, expect = QUESTIONS["dashboard"]
    assert ask(reader, site, span) == expect(model, asked, FRICTION)


def test_what_is_hidden_is_in_no_answer(world: World) -> None:
    site, span, asked = world.ranges[0]
    hidden = [parse("source==direct"), parse("device!=Desktop")]
    reader = world.reader.selecting(select([], hidden))
    shown = [
        session
        for session in world.sites[site].sessions
        if session.first_touch.source != "direct" and session.first_touch.device == "Desktop"
    ]
    model = Site(sessions=shown, counted=[fact for session in shown for fact in session.facts])
    ask, expect = QUESTIONS["dashboard"]
    assert shown and ask(reader, site, span) == expect(model, asked, FRICTION)
