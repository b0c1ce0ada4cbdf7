"""Laws that hold on any data: sums agree between answers, and a range split anywhere adds up."""

from collections import Counter
from random import Random

import pytest

from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import Dashboard, dashboard
from api.answer.engagement_funnel import engagement_funnel
from api.answer.friction import friction
from api.answer.ledger import ledger
from api.answer.reach import reach
from api.answer.revenue import revenue
from api.answer.scroll_depth import scroll_depth
from api.answer.session_events import session_events
from api.answer.visitor_sessions import visitor_sessions
from api.answer.visitors import visitors
from api.span import FIRST, LAST, Span
from tests.api.answer.world import SETTINGS, World
from tests.oracle.fact import DAY

pytestmark = pytest.mark.services


def test_every_way_of_counting_sessions_agrees(world: World) -> None:
    for site, span, _ in world.ranges:
        answer = dashboard(world.reader, site, span, None)
        by_bucket = friction(world.reader, site, span, SETTINGS.friction)
        reached = reach(world.reader, site, span, "page", "/pricing")
        counts = {
            answer.total_sessions,
            sum(each.count for each in answer.sessions_over_time),
            sum(each.count for each in answer.countries),
            sum(each.count for each in answer.devices),
            sum(source.total for source in by_bucket.sources),
            sum(campaign.total for source in by_bucket.sources for campaign in source.campaigns),
            reached.total_sessions,
            sum(source.total for source in reached.sources),
        }
        assert len(counts) == 1
        for group in [each for source in by_bucket.sources for each in (source, *source.campaigns)]:
            assert sum(group.buckets.model_dump().values()) == group.total
            assert round(sum(group.bucket_pct.model_dump().values()), 2) == 100.0
        assert sum(source.reached for source in reached.sources) == reached.reached_sessions


def test_engagement_steps_never_increase(world: World) -> None:
    for site, span, _ in world.ranges:
        for page in (None, "/", "/checkout"):
            steps = [step.sessions for step in engagement_funnel(world.reader, site, span, page).steps]
            assert steps == sorted(steps, reverse=True)


def _additive(world: World, site: str, span: Span) -> Counter[str]:
    """Every number of a range that is a sum of its parts' numbers, by name."""
    found: Counter[str] = Counter()
    answer: Dashboard = dashboard(world.reader, site, span, None)
    found.update({"sessions": answer.total_sessions, "pageviews": answer.pageviews})
    found.update({f"country {each.country}": each.count for each in answer.countries})
    found.update({f"device {each.device}": each.count for each in answer.devices})
    for source in friction(world.reader, site, span, SETTINGS.friction).sources:
        for campaign in source.campaigns:
            for bucket, count in campaign.buckets.model_dump().items():
                found[f"{source.key} {campaign.key} {bucket}"] += count
    for reached in reach(world.reader, site, span, "event", "purchase").sources:
        found[f"purchase from {reached.key}"] += reached.reached
    for page in scroll_depth(world.reader, site, span, None, 100).pages:
        found.update({f"views {page.page}": page.views, f"reported {page.page}": page.reported})
        found.update({f"depth {page.page} {name}": count for name, count in page.depth.model_dump().items()})
    for step in engagement_funnel(world.reader, site, span, None).steps:
        found[f"step {step.step}"] += step.sessions
    for type_ in custom_event_types(world.reader, site, span).event_types:
        found.update({f"events {type_.type}": type_.count, f"sessions {type_.type}": type_.sessions})
    money = revenue(world.reader, site, span, SETTINGS.revenue)
    found["transactions"] += money.summary.total_transactions
    found["ten-thousandths"] += round(money.summary.total_revenue * 10_000)
    return found


def test_a_range_split_anywhere_adds_up(world: World) -> None:
    random = Random(world.seed)
    for site, span, _ in world.ranges[:1] + world.ranges[5:]:
        whole = _additive(world, site, span)
        instants = {random.randrange(span.start + 1, span.end), span.start + 1}
        midnight = span.start + DAY - span.start % DAY
        instants |= {midnight} if midnight < span.end else set()
        for instant in instants:
            parts = Span(span.start, instant, span.zone), Span(instant, span.end, span.zone)
            added: Counter[str] = Counter()
            for part in parts:
                added.update(_additive(world, site, part))
            assert added == whole


def test_the_ledger_accounts_for_every_event(world: World) -> None:
    for site, model in world.sites.items():
        _, span, _ = world.ranges[0]
        answer = ledger(world.reader, site, Span(FIRST, LAST, span.zone))
        assert answer.counted == len(model.counted)
        assert answer.received == len(model.counted) + len(model.filtered) + len(model.admission)


def test_the_events_that_a_visitors_sessions_list_are_the_events_counted(world: World) -> None:
    for site in world.sites:
        for visitor in visitors(world.reader, site, 1).visitors[:15]:
            _, name = visitor.id.split("-")
            found = visitor_sessions(world.reader, site, name, None)
            assert found is not None
            assert len(found.sessions) == visitor.sessions_count
            assert sum(session.events_count for session in found.sessions) == visitor.events_count
            for session in found.sessions:
                events = session_events(world.reader, site, name, session.id)
                assert events is not None
                assert len(events.events) == session.events_count
