"""Every endpoint of the API: routes and the OpenAPI document are both made from this one list."""

from collections.abc import Callable
from typing import Any

from api import sites
from api.access import ACCESS
from api.answer.breakdown import Breakdown, breakdown
from api.answer.custom_event_funnel import CustomEventFunnel, custom_event_funnel
from api.answer.custom_event_types import CustomEventTypes, custom_event_types
from api.answer.dashboard import Dashboard, dashboard
from api.answer.engagement_funnel import EngagementFunnel, engagement_funnel
from api.answer.event_data_keys import EventDataKeys, event_data_keys
from api.answer.event_data_values import EventDataValues, event_data_values
from api.answer.freshness import Freshness, freshness
from api.answer.friction import Friction, friction
from api.answer.friction_preview import FrictionPreview, friction_preview
from api.answer.goals import Goals, goals
from api.answer.ledger import Ledger, ledger, widened
from api.answer.now import Now, now
from api.answer.over_time import OverTime, over_time
from api.answer.page_flow import PageFlow, page_flow
from api.answer.reach import Reach, reach
from api.answer.revenue import Revenue, revenue
from api.answer.scroll_depth import ScrollDepth, scroll_depth
from api.answer.session_events import SessionEvents, session_events
from api.answer.visitor import sought, visitor_of
from api.answer.visitor_sessions import VisitorSessions, visitor_sessions
from api.answer.visitors import Visitors, visitors
from api.body import NewSite, SitePatch
from api.endpoint import Asked, Endpoint
from api.erasure import ERASURE
from api.parameter import (
    BreakdownOf,
    Filtered,
    FilteredAllTime,
    FunnelOf,
    JudgedBy,
    LedgerOf,
    Nothing,
    NowOf,
    PageFlowOf,
    ReachOf,
    ScrollDepthOf,
    Series,
    StepsOf,
    TypeOf,
    ValuesOf,
    VisitorsOf,
)
from api.problem import Problem
from api.rebuild import REBUILD
from api.site import SiteInList, SiteWithSettings
from api.span import last_bucket

_SITE = "/sites/{site_id}"
_VISITOR = "/visitors/{visitor_id}/sessions"


def _of_data(
    path: str, summary: str, answer: Callable[[Asked], Any], response: Any, parameters: Any = Nothing, **more: Any
) -> Endpoint:
    name = path.rpartition("/")[2] if "name" not in more else more.pop("name")
    return Endpoint("GET", path, name, summary, answer, response, parameters, of_data=True, **more)


def _breakdown(asked: Asked) -> Breakdown:
    of = asked.parameters
    revenue = asked.site.settings.revenue
    return breakdown(asked.selected, asked.site.id, asked.span, of.dimension, revenue, of.limit, of.page)


def _visitor_sessions(asked: Asked) -> VisitorSessions:
    site = asked.site
    found = visitor_sessions(asked.reader, site.id, visitor_of(asked), site.settings.revenue)
    if found is None:
        raise Problem(404, "not_found", "the site has no such visitor")
    return found


def _session_events(asked: Asked) -> SessionEvents:
    session = asked.request.path_params["session_id"]
    found = session_events(asked.reader, asked.site.id, visitor_of(asked), session)
    if found is None:
        raise Problem(404, "not_found", "the visitor has no such session")
    return found


ENDPOINTS: list[Endpoint] = [
    _of_data("/sites", "All sites of the account", sites.sites, list[SiteInList]),
    Endpoint(
        "POST",
        "/sites",
        "add-site",
        "Add a site",
        sites.add,
        SiteWithSettings,
        body=NewSite,
        status=201,
        problems=(409,),
    ),
    _of_data(_SITE, "One site, with its settings", sites.site, SiteWithSettings, name="site"),
    Endpoint(
        "PATCH", _SITE, "change-site", "Change a site", sites.change, SiteWithSettings, body=SitePatch, problems=(409,)
    ),
    Endpoint("DELETE", _SITE, "delete-site", "Delete a site and its data", sites.delete, None, status=204),
    _of_data(
        f"{_SITE}/analytics/dashboard",
        "Sessions over time, totals and top lists",
        lambda asked: dashboard(asked.selected, asked.site.id, asked.span, None),
        Dashboard,
        Series,
        tells_fresh=True,
        edge=last_bucket,
    ),
    _of_data(
        f"{_SITE}/analytics/revenue",
        "Transactions over time, by source and campaign",
        lambda asked: revenue(asked.selected, asked.site.id, asked.span, asked.site.settings.revenue),
        Revenue,
        Series,
        edge=last_bucket,
    ),
    _of_data(
        f"{_SITE}/analytics/over-time",
        "Sessions, visitors, views, bounce rate and duration over time",
        lambda asked: over_time(asked.selected, asked.site.id, asked.span),
        OverTime,
        Series,
        edge=last_bucket,
    ),
    _of_data(
        f"{_SITE}/analytics/friction",
        "Sessions by friction bucket, source and campaign",
        lambda asked: friction(asked.selected, asked.site.id, asked.span, asked.site.settings.friction),
        Friction,
        Filtered,
    ),
    _of_data(
        f"{_SITE}/analytics/friction-preview",
        "Sessions by friction bucket as other thresholds would judge them",
        lambda asked: friction_preview(
            asked.selected,
            asked.site.id,
            asked.span,
            asked.parameters.over(asked.site.settings.friction),
            asked.site.settings.pairs,
        ),
        FrictionPreview,
        JudgedBy,
    ),
    _of_data(
        f"{_SITE}/analytics/breakdown",
        "Sessions by the values of a dimension",
        _breakdown,
        Breakdown,
        BreakdownOf,
        csv=True,
    ),
    _of_data(
        f"{_SITE}/analytics/goals",
        "Sessions that reach each goal of the site",
        lambda asked: goals(asked.selected, asked.site.id, asked.span, asked.site.settings.goals),
        Goals,
        Filtered,
    ),
    _of_data(
        f"{_SITE}/analytics/scroll-depth",
        "How far pageviews scrolled, page by page",
        lambda asked: scroll_depth(
            asked.selected, asked.site.id, asked.span, asked.parameters.url, asked.parameters.limit
        ),
        ScrollDepth,
        ScrollDepthOf,
    ),
    _of_data(
        f"{_SITE}/analytics/engagement-funnel",
        "How deep sessions went on a page, or on any",
        lambda asked: engagement_funnel(asked.selected, asked.site.id, asked.span, asked.parameters.url),
        EngagementFunnel,
        FunnelOf,
    ),
    _of_data(
        f"{_SITE}/analytics/page-flow",
        "Where sessions enter and leave by a page, and where they go on to",
        lambda asked: page_flow(asked.selected, asked.site.id, asked.span, asked.parameters.url),
        PageFlow,
        PageFlowOf,
    ),
    _of_data(
        f"{_SITE}/analytics/reach",
        "Sessions that saw a page or held an event, by source and campaign",
        lambda asked: reach(asked.selected, asked.site.id, asked.span, asked.parameters.metric, asked.parameters.value),
        Reach,
        ReachOf,
    ),
    _of_data(
        f"{_SITE}/analytics/custom-event-types",
        "Custom events by type",
        lambda asked: custom_event_types(asked.selected, asked.site.id, asked.span),
        CustomEventTypes,
        FilteredAllTime,
    ),
    _of_data(
        f"{_SITE}/analytics/custom-event-funnel",
        "Sessions through ordered custom events",
        lambda asked: custom_event_funnel(asked.selected, asked.site.id, asked.span, asked.parameters.steps),
        CustomEventFunnel,
        StepsOf,
    ),
    _of_data(
        f"{_SITE}/analytics/event-data-keys",
        "Keys of the data of an event type",
        lambda asked: event_data_keys(asked.reader, asked.site.id, asked.span, asked.parameters.type),
        EventDataKeys,
        TypeOf,
    ),
    _of_data(
        f"{_SITE}/analytics/event-data-values",
        "Values of one key of the data of an event type",
        lambda asked: event_data_values(
            asked.reader, asked.site.id, asked.span, asked.parameters.type, asked.parameters.key, asked.parameters.limit
        ),
        EventDataValues,
        ValuesOf,
    ),
    Endpoint(
        "GET",
        f"{_SITE}/analytics/now",
        "now",
        "Visitors of the last five minutes",
        lambda asked: now(asked.selected, asked.site.id, asked.now),
        Now,
        NowOf,
    ),
    _of_data(
        f"{_SITE}/freshness",
        "How fresh the numbers are, and since when there are any; its `ETag` changes when a number may have",
        lambda asked: freshness(asked.reader, asked.site.id),
        Freshness,
        tells_fresh=True,
    ),
    _of_data(
        f"{_SITE}/visitors",
        "Visitors, most recently seen first",
        lambda asked: visitors(asked.reader, asked.site.id, asked.parameters.page, sought(asked)),
        Visitors,
        VisitorsOf,
    ),
    _of_data(
        f"{_SITE}/ledger",
        "What became of every accepted event",
        lambda asked: ledger(asked.reader, asked.site.id, asked.span),
        Ledger,
        LedgerOf,
        edge=lambda span: widened(span).end,
    ),
    _of_data(
        _VISITOR,
        "Sessions of a visitor, newest first, at most 1,000",
        _visitor_sessions,
        VisitorSessions,
        name="visitor-sessions",
        problems=(404,),
    ),
    _of_data(
        _VISITOR + "/{session_id}/events",
        "Interactive events of a session, in order, at most the first 1,000",
        _session_events,
        SessionEvents,
        name="session-events",
        problems=(404,),
    ),
    *ACCESS,
    *ERASURE,
    *REBUILD,
]
