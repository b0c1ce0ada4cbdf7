"""Every endpoint of the API: routes and the OpenAPI document are both made from this one list."""

from api import sites
from api.access import ACCESS
from api.analytics import ANALYTICS
from api.answer.freshness import Freshness, freshness
from api.answer.ledger import Ledger, ledger, widened
from api.answer.session_events import SessionEvents, session_events
from api.answer.visitor import sought, visitor_of
from api.answer.visitor_sessions import VisitorSessions, visitor_sessions
from api.answer.visitors import Visitors, visitors
from api.endpoint import Asked, Endpoint
from api.erasure import ERASURE
from api.parameter import LedgerOf, VisitorsOf
from api.problem import Problem
from api.rebuild import REBUILD
from api.retained import refused
from api.retention import RETENTION

_SITE = "/sites/{site_id}"
_VISITOR = "/visitors/{visitor_id}/sessions"


def _freshness(asked: Asked) -> Freshness:
    return freshness(asked.reader, asked.site.id, asked.cut)


def _visitors(asked: Asked[VisitorsOf]) -> Visitors:
    return visitors(asked.reader, asked.site.id, asked.parameters.page, sought(asked))


def _ledger(asked: Asked[LedgerOf]) -> Ledger:
    return ledger(asked.reader, asked.site.id, asked.span)


def _visitor_sessions(asked: Asked) -> VisitorSessions:
    site = asked.site
    visitor = visitor_of(asked)
    found = visitor_sessions(asked.reader, site.id, visitor, site.settings.revenue)
    if found is None:
        if asked.cut.sessions and asked.reader.rows("visitor_known", site=site.id, visitor=visitor):
            raise refused("session rows", asked.cut.sessions, site.settings.zone)
        raise Problem(404, "not_found", "the site has no such visitor")
    return found


def _session_events(asked: Asked) -> SessionEvents:
    session = asked.request.path_params["session_id"]
    found = session_events(asked.reader, asked.site.id, visitor_of(asked), session)
    if found is None:
        raise Problem(404, "not_found", "the visitor has no such session")
    if not found.events and asked.cut.events:  # a session has one, or it is gone
        raise refused("raw events", asked.cut.events, asked.site.settings.zone)
    return found


ENDPOINTS: list[Endpoint] = [
    Endpoint("GET", "/sites", "sites", "All sites of the account", sites.sites, of_data=True),
    Endpoint("POST", "/sites", "add-site", "Add a site", sites.add, status=201, problems=(409,)),
    Endpoint("GET", _SITE, "site", "One site, with its settings", sites.site, of_data=True),
    Endpoint("PATCH", _SITE, "change-site", "Change a site", sites.change, problems=(409,)),
    Endpoint("DELETE", _SITE, "delete-site", "Delete a site and its data", sites.delete, status=204),
    *ANALYTICS,
    Endpoint(
        "GET",
        f"{_SITE}/freshness",
        "freshness",
        "How fresh the numbers are, and since when there are any; its `ETag` changes when a number may have",
        _freshness,
        of_data=True,
        tells_fresh=True,
    ),
    Endpoint("GET", f"{_SITE}/visitors", "visitors", "Visitors, most recently seen first", _visitors, of_data=True),
    Endpoint(
        "GET",
        f"{_SITE}/ledger",
        "ledger",
        "What became of every accepted event",
        _ledger,
        of_data=True,
        reads=None,
        edge=lambda span: widened(span).end,
    ),
    Endpoint(
        "GET",
        _VISITOR,
        "visitor-sessions",
        "Sessions of a visitor, newest first, at most 1,000",
        _visitor_sessions,
        of_data=True,
        problems=(404,),
    ),
    Endpoint(
        "GET",
        _VISITOR + "/{session_id}/events",
        "session-events",
        "Interactive events of a session, in order, at most the first 1,000",
        _session_events,
        of_data=True,
        problems=(404,),
    ),
    RETENTION,
    *ACCESS,
    *ERASURE,
    *REBUILD,
]
