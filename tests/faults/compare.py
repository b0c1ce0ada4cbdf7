"""Every endpoint of the read API against the batch model, for one site and many ranges."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.oracle import answers, deeds, people
from tests.oracle.breakdown import breakdown
from tests.oracle.dimension import TOUCHED, values
from tests.oracle.sessions import Site
from tests.oracle.span import Range, iso

Ask = Callable[[str], Any]  # path with query → the JSON of a 200 answer
FRAME = ("from", "to", "timezone", "fresh_as_of")


def differences(ask: Ask, site_id: str, site: Site, settings: dict[str, Any], spans: list[Range]) -> Iterator[str]:
    """One line for each answer that is not the model's; visitors of the model carry their public names already."""
    for span in spans:
        for path, expected in _by_range(site, settings, span):
            found = ask(f"/api/sites/{site_id}/analytics/{path}")
            yield from differ(path, expected, {key: found[key] for key in found if key not in FRAME})
    found = ask(f"/api/sites/{site_id}/visitors")
    yield from differ("visitors", people.visitors(site, site_id), found)
    pages = -(-found["total"] // 50)
    yield from differ(
        "visitors, last page",
        people.visitors(site, site_id, pages),
        ask(f"/api/sites/{site_id}/visitors?page={pages}"),
    )
    for visitor in found["visitors"][:25]:
        yield from _visitor(ask, visitor["id"], site, settings)


def _by_range(site: Site, settings: dict[str, Any], span: Range) -> Iterator[tuple[str, Any]]:
    def path(name: str, **parameters: Any) -> str:
        frame = {"from": iso(span.start), "to": iso(span.end), "tz": span.zone}
        return f"{name}?{urlencode(parameters | frame, doseq=True)}"

    yield path("dashboard"), answers.dashboard(site, span)
    yield path("revenue"), answers.revenue(site, span, settings)
    yield path("friction"), answers.friction(site, span, settings)
    yield path("scroll-depth", limit=100), answers.scroll_depth(site, span, limit=100)
    yield path("scroll-depth", url="https://shop.example/pricing/?a=b"), answers.scroll_depth(site, span, "/pricing")
    yield path("scroll-depth", url="/never"), answers.scroll_depth(site, span, "/never")
    yield path("engagement-funnel"), deeds.engagement_funnel(site, span)
    yield path("engagement-funnel", url="/blog/post"), deeds.engagement_funnel(site, span, "/blog/post")
    yield path("reach", metric="page", value="/pricing"), deeds.reach(site, span, "page", "/pricing")
    yield path("reach", metric="event", value="signup"), deeds.reach(site, span, "event", "signup")
    yield path("custom-event-types"), deeds.custom_event_types(site, span)
    for steps in (["add_to_cart", "purchase"], ["signup", "signup", "form_start"], ["nothing", "signup"]):
        parameters = {"steps[]": steps}
        yield path("custom-event-funnel", **parameters), deeds.custom_event_funnel(site, span, steps)
    for dimension in TOUCHED:
        rows = breakdown(site, span, settings, partial(values, dimension=dimension, settings=settings), dimension)
        yield path("breakdown", dimension=dimension, limit=1000), rows
    yield path("event-data-keys", type="signup"), deeds.event_data_keys(site, span, "signup")


def _visitor(ask: Ask, public: str, site: Site, settings: dict[str, Any]) -> Iterator[str]:
    name = public.partition("-")[2]
    found = ask(f"/api/visitors/{public}/sessions")["sessions"]
    expected = people.visitor_sessions(site, name, settings)
    bare = [{key: value for key, value in session.items() if key not in ("id", "browser", "os")} for session in found]
    expected = [{key: value for key, value in one.items() if key not in ("browser", "os")} for one in expected]
    yield from differ(f"sessions of {public}", expected, bare)
    for session, model in zip(found, reversed(people.by_visitor(site)[name]), strict=False):
        events = ask(f"/api/visitors/{public}/sessions/{session['id']}/events")["events"]
        shown = [{key: event[key] for key in event if key not in ("url", "revenue")} for event in events]
        yield from differ(f"events of {public} {session['started_at']}", people.session_events(model), shown)


def differ(where: str, expected: Any, found: Any) -> Iterator[str]:
    """The innermost places where two answers differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() | found.keys():
            yield from differ(f"{where} .{key}", expected.get(key, "missing"), found.get(key, "missing"))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (left, right) in enumerate(zip(expected, found, strict=True)):
            yield from differ(f"{where} [{index}]", left, right)
    elif expected != found:
        yield f"{where}: expected {_short(expected)}, found {_short(found)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "…"
