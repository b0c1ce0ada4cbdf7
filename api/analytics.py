"""Endpoints of a site's numbers: what each takes of what it is asked with."""

from collections.abc import Callable
from typing import Any

from api.answer.breakdown import Breakdown, breakdown
from api.answer.custom_event_funnel import CustomEventFunnel, custom_event_funnel
from api.answer.custom_event_types import CustomEventTypes, custom_event_types
from api.answer.dashboard import Dashboard, dashboard
from api.answer.engagement_funnel import EngagementFunnel, engagement_funnel
from api.answer.event_data_keys import EventDataKeys, event_data_keys
from api.answer.event_data_values import EventDataValues, event_data_values
from api.answer.friction import Friction, friction
from api.answer.friction_preview import FrictionPreview, friction_preview
from api.answer.goals import Goals, goals
from api.answer.now import Now, now
from api.answer.over_time import OverTime, over_time
from api.answer.page_flow import PageFlow, page_flow
from api.answer.reach import Reach, reach
from api.answer.revenue import Revenue, revenue
from api.answer.scroll_depth import ScrollDepth, scroll_depth
from api.endpoint import Answer, Asked, Body, Endpoint, Parameters
from api.parameter import (
    BreakdownOf,
    Filtered,
    FilteredAllTime,
    FunnelOf,
    JudgedBy,
    NowOf,
    PageFlowOf,
    ReachOf,
    ScrollDepthOf,
    Series,
    StepsOf,
    TypeOf,
    ValuesOf,
)
from api.span import last_bucket

_OF = "/sites/{site_id}/analytics"


def _dashboard(asked: Asked[Series]) -> Dashboard:
    return dashboard(asked.selected, asked.site.id, asked.span, None, told=asked.sees_sessions)


def _revenue(asked: Asked[Series]) -> Revenue:
    return revenue(asked.selected, asked.site.id, asked.span, asked.site.settings.revenue)


def _over_time(asked: Asked[Series]) -> OverTime:
    return over_time(asked.selected, asked.site.id, asked.span)


def _friction(asked: Asked[Filtered]) -> Friction:
    return friction(asked.selected, asked.site.id, asked.span, asked.site.settings.friction)


def _friction_preview(asked: Asked[JudgedBy]) -> FrictionPreview:
    own = asked.site.settings
    thresholds = asked.parameters.over(own.friction)
    return friction_preview(asked.selected, asked.site.id, asked.span, thresholds, own.finished_by)


def _breakdown(asked: Asked[BreakdownOf]) -> Breakdown:
    of, own = asked.parameters, asked.site.settings
    return breakdown(asked.selected, asked.site.id, asked.span, of.dimension, own.revenue, of.limit, of.page)


def _goals(asked: Asked[Filtered]) -> Goals:
    return goals(asked.selected, asked.site.id, asked.span, asked.site.settings.goals)


def _scroll_depth(asked: Asked[ScrollDepthOf]) -> ScrollDepth:
    of = asked.parameters
    return scroll_depth(asked.selected, asked.site.id, asked.span, of.url, of.limit)


def _engagement_funnel(asked: Asked[FunnelOf]) -> EngagementFunnel:
    return engagement_funnel(asked.selected, asked.site.id, asked.span, asked.parameters.url)


def _page_flow(asked: Asked[PageFlowOf]) -> PageFlow:
    return page_flow(asked.selected, asked.site.id, asked.span, asked.parameters.url)


def _reach(asked: Asked[ReachOf]) -> Reach:
    return reach(asked.selected, asked.site.id, asked.span, asked.parameters.metric, asked.parameters.value)


def _custom_event_types(asked: Asked[FilteredAllTime]) -> CustomEventTypes:
    return custom_event_types(asked.selected, asked.site.id, asked.span)


def _custom_event_funnel(asked: Asked[StepsOf]) -> CustomEventFunnel:
    return custom_event_funnel(asked.selected, asked.site.id, asked.span, asked.parameters.steps)


def _event_data_keys(asked: Asked[TypeOf]) -> EventDataKeys:
    return event_data_keys(asked.reader, asked.site.id, asked.span, asked.parameters.type)


def _event_data_values(asked: Asked[ValuesOf]) -> EventDataValues:
    of = asked.parameters
    return event_data_values(asked.reader, asked.site.id, asked.span, of.type, of.key, of.limit)


def _now(asked: Asked[NowOf]) -> Now:
    return now(asked.selected, asked.site.id, asked.now)


def _of_data(
    name: str, summary: str, answer: Callable[[Asked[Parameters, Body]], Answer], **more: Any
) -> Endpoint[Parameters, Body, Answer]:
    return Endpoint("GET", f"{_OF}/{name}", name, summary, answer, of_data=True, **more)


ANALYTICS: list[Endpoint] = [
    _of_data("dashboard", "Sessions over time, totals and top lists", _dashboard, tells_fresh=True, edge=last_bucket),
    _of_data("revenue", "Transactions over time, by source and campaign", _revenue, edge=last_bucket),
    _of_data(
        "over-time",
        "Sessions, visitors, views, bounce rate and duration over time",
        _over_time,
        reads="sessions",
        edge=last_bucket,
    ),
    _of_data("friction", "Sessions by friction bucket, source and campaign", _friction),
    _of_data(
        "friction-preview",
        "Sessions by friction bucket as other thresholds would judge them",
        _friction_preview,
        reads="sessions",
    ),
    _of_data("breakdown", "Sessions by the values of a dimension", _breakdown, reads="sessions", csv=True),
    _of_data("goals", "Sessions that reach each goal of the site", _goals, reads="sessions"),
    _of_data("scroll-depth", "How far pageviews scrolled, page by page", _scroll_depth),
    _of_data("engagement-funnel", "How deep sessions went on a page, or on any", _engagement_funnel),
    _of_data(
        "page-flow", "Where sessions enter and leave by a page, and where they go on to", _page_flow, reads="sessions"
    ),
    _of_data("reach", "Sessions that saw a page or held an event, by source and campaign", _reach),
    _of_data("custom-event-types", "Custom events by type", _custom_event_types),
    _of_data("custom-event-funnel", "Sessions through ordered custom events", _custom_event_funnel, reads="sessions"),
    _of_data("event-data-keys", "Keys of the data of an event type", _event_data_keys, reads="event ends"),
    _of_data("event-data-values", "Values of one key of the data of an event type", _event_data_values, reads="events"),
    Endpoint("GET", f"{_OF}/now", "now", "Visitors of the last five minutes", _now),
]
