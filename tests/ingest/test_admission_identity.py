"""Admission: whose an event is, what it is called, and what an import may say."""

import json
from typing import Any

import pytest

from api.registry.domain import domain
from ingest.admission import Sender, admit
from ingest.contract import visitor
from ingest.contract.batch import parse, read
from ingest.contract.event import Event, Filtered, Revenue, encode
from ingest.contract.incoming import IncomingImport, Problem
from tests.ingest.fake import ADDRESS, FIREFOX, NOW, a_site, an_event
from tests.ingest.test_admission import DAY, GOOGLEBOT, KNOWLEDGE, event, imported, reason, salt_of


@pytest.mark.parametrize(
    ("fields", "cookieless"),
    [
        ({}, False),
        ({"visitor": None}, True),
        ({"visitor": ""}, True),
        ({"gpc": True}, True),
        ({"site": a_site(settings={"cookieless": True})}, True),
    ],
)
def test_without_a_visitor_of_its_own_an_event_gets_the_days(fields: dict[str, Any], cookieless: bool) -> None:
    days = visitor.cookieless(salt_of(NOW, NOW), "shop01", ADDRESS, FIREFOX)
    assert event(**fields).visitor == (days if cookieless else visitor.own("s3cret", "v1"))


def test_the_day_of_a_cookieless_visitor_is_that_of_the_events_time() -> None:
    since_midnight = NOW % DAY
    late = event(visitor=None, at=0, sent_at=since_midnight + 1)
    assert late.visitor == visitor.cookieless(salt_of(NOW - DAY, NOW), "shop01", ADDRESS, FIREFOX)


def test_a_missing_id_is_made_and_becomes_the_transaction() -> None:
    first, second = event(revenue="1"), event(revenue="1")
    assert first.id != second.id
    assert first.revenue == Revenue(10_000, "", first.id)
    assert event(revenue={"amount": 1, "transaction": "o-17"}).revenue == Revenue(10_000, "", "o-17")


@pytest.mark.parametrize("more", [{}, {"at": NOW}, {"seq": None}])
def test_events_of_one_moment_are_in_the_order_of_their_body(more: dict[str, Any]) -> None:
    """Also when the body comes again, and whatever it comes with: the place is the body's, not the arrival's."""
    body = [{**an_event(type=kind), **more} for kind in ("pageview", "add", "buy", "pageview")]

    def order(received: int) -> list[tuple[int, int]]:
        sender = Sender(received, ADDRESS, FIREFOX)
        found = [admit(one, a_site(), sender, KNOWLEDGE) for _, one in read(json.dumps(body).encode()).events]
        return [(one.time - received, one.seq) for one in found if isinstance(one, Event)]

    assert order(NOW) == order(NOW + 5_000) == [(0, 0), (0, 1), (0, 2), (0, 3)]


def test_source_and_campaign_have_one_spelling_of_white_space() -> None:
    line = event(url="https://example.com/?utm_source=Black%C2%A0News%0A&utm_campaign=%20Black%E3%80%80%0AFriday")
    assert (line.source, line.campaign) == ("black news", "Black Friday")


def test_a_clock_before_1970_is_a_clock() -> None:
    assert event(at=-86_400_000, sent_at=-86_395_000).time == NOW - 5_000


@pytest.mark.parametrize("host", ["xn--fa-z-wna.de", "faß-z.de", "shop.FAẞ-Z.de."])
def test_a_site_of_any_script_knows_its_pages(host: str) -> None:
    site = a_site(domain=domain("faß-z.de"))
    assert reason(site=site, url=f"https://{host}/") is None
    assert reason(site=site, url="https://fass-z.de/") == "host"


def test_an_imported_event_has_its_own_time_and_the_endpoints_visitor() -> None:
    line = imported(visitor="v1")
    assert isinstance(line, Event)
    assert (line.time, line.received, line.id) == (NOW - 400 * DAY, NOW, "line-id")
    assert line.visitor == event().visitor


def test_an_imported_event_may_tell_its_sender() -> None:
    """S15: the address only makes the country and the visitor."""
    line = imported(ip=ADDRESS, user_agent=FIREFOX, id="e1")
    assert isinstance(line, Event)
    assert line.visitor == visitor.imported("s3cret", line.time, ADDRESS, FIREFOX)
    assert (line.country, line.browser, line.id) == ("DE", "Firefox", "e1")
    assert ADDRESS.encode() not in encode([line])


@pytest.mark.parametrize(("sender", "named"), [({}, True), ({"ip": ADDRESS}, False), ({"user_agent": FIREFOX}, False)])
def test_a_cookieless_site_takes_an_imported_name_only_where_there_is_nothing_else(
    sender: dict[str, str], named: bool
) -> None:
    site = a_site(settings={"cookieless": True})
    first, second = (imported(site=site, visitor=name, **sender) for name in ("v1", "v2"))
    assert isinstance(first, Event) and isinstance(second, Event)
    assert (first.visitor == visitor.own("s3cret", "v1"), first.visitor != second.visitor) == (named, named)


def test_an_agent_of_any_length_costs_no_line() -> None:
    line = imported(ip=ADDRESS, user_agent=FIREFOX + " x" * 3000)
    assert isinstance(line, Event) and line.browser == "Firefox"


def test_what_an_import_filters() -> None:
    assert imported(visitor="v1", user_agent=GOOGLEBOT) == Filtered(site="shop01", reason="bot", received=NOW)
    assert imported(visitor="v1", url="https://evil.test/") == Filtered(site="shop01", reason="host", received=NOW)


def test_an_imported_event_needs_its_time() -> None:
    problems = parse(4, b'{"type":"pageview","url":"https://example.com/"}', IncomingImport)
    assert problems == [Problem(4, "at", "is missing")]
