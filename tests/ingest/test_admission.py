"""Admission, step by step: what is filtered for which reason, and what an admitted event says."""

import json
from time import process_time
from typing import Any

import pytest

from ingest.admission import ACCESS_LOG, ENDPOINT, EVENTS, STEPS, Knowledge, Sender, Way, admit, is_bot, no_salt
from ingest.contract import visitor
from ingest.contract.batch import parse, read
from ingest.contract.event import Event, Filtered, Revenue, Touch, encode
from ingest.contract.incoming import IncomingImport
from ingest.contract.site import Exclude, Site
from ingest.enrich import NO_PLACE, Place
from tests.ingest.fake import ADDRESS, FIREFOX, NOW, a_site, an_event

DAY = 24 * 3_600_000
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def salt_of(time: int, received: int) -> bytes:
    return b"salt of day %d" % (time // DAY)


PLACE = Place("DE", "DE-BE", "Berlin")
KNOWLEDGE = Knowledge(lambda address: PLACE if address == ADDRESS else NO_PLACE, salt_of)


def admitted(
    site: Site | None = None, agent: str = FIREFOX, gpc: bool = False, address: str = ADDRESS, **fields: Any
) -> Event | Filtered:
    batch = read(json.dumps(an_event(**fields)).encode())
    assert batch.problems == []
    return admit(batch.events[0][1], site or a_site(), Sender(NOW, address, agent, gpc), KNOWLEDGE)


def event(**fields: Any) -> Event:
    line = admitted(**fields)
    assert isinstance(line, Event)
    return line


def reason(**fields: Any) -> str | None:
    line = admitted(**fields)
    return line.reason if isinstance(line, Filtered) else None


def imported(site: Site | None = None, **fields: Any) -> Event | Filtered:
    line = json.dumps({"type": "pageview", "url": "https://example.com/", "at": NOW - 400 * DAY, **fields})
    posted = parse(0, line.encode(), IncomingImport)
    assert isinstance(posted, IncomingImport), posted
    sender = Sender(NOW, posted.ip, posted.user_agent)
    return admit(posted.posted, site or a_site(), sender, Knowledge(KNOWLEDGE.places, no_salt), EVENTS, "line-id")


def test_the_steps_are_these_in_this_order() -> None:
    """What people read in the docs about admission: bot, host, late, excluded."""
    assert [step.__name__ for step in STEPS] == [
        "drop_bots",
        "drop_foreign_hosts",
        "correct_time",
        "strip_private",
        "attribute_source",
        "recognise_agent",
        "find_place",
        "drop_excluded",
        "identify_visitor",
    ]


@pytest.mark.parametrize(
    ("agent", "way", "bot"),
    [
        (GOOGLEBOT, ENDPOINT, True),
        (GOOGLEBOT, EVENTS, True),
        (GOOGLEBOT, ACCESS_LOG, True),
        ("curl/8.5.0", ENDPOINT, False),
        ("curl/8.5.0", EVENTS, False),
        ("curl/8.5.0", ACCESS_LOG, True),
        ("", EVENTS, False),
        ("", ACCESS_LOG, True),
        ("-", ACCESS_LOG, True),
        (FIREFOX, ACCESS_LOG, False),
    ],
)
def test_in_logs_programs_and_nameless_agents_are_bots_too(agent: str, way: Way, bot: bool) -> None:
    assert is_bot(agent, way) is bot


def test_an_event_says_everything_and_nothing_private() -> None:
    """S15: the visitor's IP is in no store."""
    line = event(
        id="e1",
        url="https://www.example.com/Pricing/?utm_source=fb&utm_campaign=Spring&token=secret#x",
        referrer="https://news.test/a?mail=me",
        title="Prices",
        view="p1",
        seq=3,
        screen=[1440, 900],
        data={"plan": "pro"},
        revenue={"amount": "19.90", "currency": "eur"},
        scroll=75,
        engaged_ms=1200,
    )
    assert line == Event(
        site="shop01",
        visitor=visitor.own("s3cret", "v1"),
        id="e1",
        type="pageview",
        time=NOW,
        received=NOW,
        seq=3,
        view="p1",
        url="https://www.example.com/Pricing?utm_source=fb&utm_campaign=Spring",
        page="/Pricing",
        referrer="https://news.test/a",
        title="Prices",
        source="facebook",
        campaign="Spring",
        country="DE",
        device="Desktop",
        browser="Firefox",
        os="Linux",
        screen=(1440, 900),
        data='{"plan":"pro"}',
        scroll=7500,
        engaged_ms=1200,
        revenue=Revenue(199_000, "EUR", "e1"),
        settings=7,
        touch=Touch("", "", "", "Organic Social", "example.com", "DE-BE", "Berlin"),
    )
    for private in (ADDRESS, "secret", "mail", FIREFOX, "v1"):
        assert private.encode() not in encode([line]).replace(line.visitor.encode(), b"")


@pytest.mark.parametrize(
    ("settings", "referrer", "expected"),
    [
        ({}, "https://other.test/", "other.test"),
        ({"hosts": ["other.test"]}, "https://www.other.test/a", "direct"),
        ({"hosts": ["*"]}, "https://other.test/", "other.test"),
        ({"hosts": ["*", "other.test"]}, "https://other.test/", "direct"),
        ({"ignored_referrers": ["other.test"]}, "https://pay.other.test/a", "direct"),
        ({"ignored_referrers": ["pay.other.test"]}, "https://other.test/", "other.test"),
    ],
)
def test_a_referrer_of_the_sites_own_or_ignored_is_direct(
    settings: dict[str, list[str]], referrer: str, expected: str
) -> None:
    assert event(site=a_site(settings=settings), referrer=referrer).source == expected


def test_a_filtered_line_tells_nothing_about_the_visitor() -> None:
    """S15."""
    assert admitted(agent=GOOGLEBOT) == Filtered(site="shop01", reason="bot", received=NOW)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [(GOOGLEBOT, "bot"), ("curl/8.5.0", None), ("", None), ("Mozilla/5.0 HeadlessChrome/1", "bot")],
)
def test_crawlers_are_filtered_and_programs_are_welcome(agent: str, expected: str | None) -> None:
    assert reason(agent=agent) == expected


@pytest.mark.parametrize(
    ("url", "hosts", "expected"),
    [
        ("https://example.com/", [], None),
        ("https://a.b.example.com:8443/", [], None),
        ("https://EXAMPLE.com./", [], None),
        ("https://example.com.evil.test/", [], "host"),
        ("https://notexample.com/", [], "host"),
        ("https://example.com@evil.test/", [], "host"),
        ("http://localhost:3000/", [], "host"),
        ("https://other.test/", ["other.test"], None),
        ("https://www.other.test/", ["other.test"], None),
        ("https://any.test/", ["*"], None),
    ],
)
def test_pages_elsewhere_are_filtered_unless_a_setting_allows_them(
    url: str, hosts: list[str], expected: str | None
) -> None:
    """S17: documented rule, a setting, counted."""
    assert reason(site=a_site(settings={"hosts": hosts}), url=url) == expected


@pytest.mark.parametrize(
    ("at", "sent_at", "time"),
    [
        (None, None, NOW),
        (5, None, NOW),
        (None, 5, NOW),
        (1_000, 61_000, NOW - 60_000),
        (NOW + 365 * DAY, NOW + 365 * DAY + 5_000, NOW - 5_000),
        (61_000, 1_000, NOW),
        (0, DAY, NOW - DAY),
    ],
)
def test_only_differences_of_the_clients_clock_count(at: int | None, sent_at: int | None, time: int) -> None:
    """R13: clocks a year off."""
    assert event(at=at, sent_at=sent_at).time == time


@pytest.mark.parametrize(
    ("exclude", "address", "url", "excluded"),
    [
        ({}, ADDRESS, "/", False),
        ({"addresses": ["203.0.113.0/24"]}, "203.0.113.255", "/", True),
        ({"addresses": ["203.0.113.0/24"]}, "203.0.114.0", "/", False),
        ({"addresses": ["198.51.100.7", "2001:db8::/32"]}, "2001:db8:1::9", "/", True),
        ({"addresses": ["2001:db8::/32"]}, "203.0.113.1", "/", False),
        ({"addresses": ["0.0.0.0/0"]}, "", "/", False),
        ({"addresses": ["::ffff:203.0.113.0/120"]}, "203.0.113.9", "/", True),
        ({"addresses": ["::ffff:203.0.113.8"]}, "203.0.113.9", "/", False),
        ({"countries": ["FR", "DE"]}, ADDRESS, "/", True),
        ({"countries": ["FR"]}, ADDRESS, "/", False),
        ({"pages": ["/admin/*"]}, ADDRESS, "/admin/users", True),
        ({"pages": ["/admin/*"]}, ADDRESS, "/admin", False),
        ({"pages": ["/admin/*"]}, ADDRESS, "/the/admin/users", False),
        ({"pages": ["/Admin/"]}, ADDRESS, "/Admin?x=1", True),
        ({"pages": ["/(a|b).c"]}, ADDRESS, "/axc", False),
        ({"pages": ["*preview*", "/x"]}, ADDRESS, "/blog/preview/7", True),
        ({"pages": ["/a*a"]}, ADDRESS, "/a", False),
        ({"pages": ["/a*a"]}, ADDRESS, "/aba", True),
        ({"pages": ["/*/b*/b"]}, ADDRESS, "/a/b", False),
        ({"pages": ["/*/b*/b"]}, ADDRESS, "/a/b/b", True),
        ({"pages": ["/**b**"]}, ADDRESS, "/ab", True),
    ],
)
def test_a_site_excludes_addresses_countries_and_pages(
    exclude: dict[str, list[str]], address: str, url: str, excluded: bool
) -> None:
    site = a_site(settings={"exclude": exclude})
    assert reason(site=site, address=address, url=f"https://example.com{url}") == ("excluded" if excluded else None)


def test_no_pattern_of_a_page_holds_up_the_others() -> None:
    def cost(pattern: str) -> float:
        exclude, page = Exclude(pages=[pattern]), "/" + "a" * 200
        begun = process_time()
        for _ in range(1_000):
            assert not exclude.holds(ADDRESS, "DE", page)
            if process_time() - begun > 5:
                break
        return process_time() - begun

    assert min(cost("*a*a*a*a*b") for _ in range(3)) < 50 * cost("/b*")


def test_a_delay_over_24_hours_is_late() -> None:
    assert reason(at=0, sent_at=DAY + 1) == "late"


def test_the_first_reason_stands() -> None:
    assert reason(agent=GOOGLEBOT, url="https://evil.test/", at=0, sent_at=DAY + 1) == "bot"
    assert reason(url="https://evil.test/", at=0, sent_at=DAY + 1) == "host"
    everything = a_site(settings={"exclude": {"pages": ["*"]}})
    assert reason(site=everything, at=0, sent_at=DAY + 1) == "late"
    assert reason(site=everything, url="https://evil.test/") == "host"
