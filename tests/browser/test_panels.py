"""Every panel shows the API's numbers, and nothing that a visitor sends can be more than text."""

import csv
import io
import itertools
import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from tests.browser.conftest import Open
from tests.browser.shop import HOSTILE
from tests.browser.site import Counted

pytestmark = [pytest.mark.browser, pytest.mark.services]


def rows(part: Locator) -> list[list[str]]:
    """The texts of a table's body, once it is there."""
    expect(part.locator("tbody tr").first).to_be_visible()
    found: list[list[str]] = part.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.innerText.trim()))"
    )
    return found


def named(source: str) -> str:
    return "Direct" if source == "direct" else source


def number(n: int) -> str:
    return f"{n:,}"


def percent(n: float) -> str:
    """One decimal as Intl writes it: half away from zero."""
    return f"{int(n * 10 + 0.5 + 1e-9) / 10:.1f}%"


def totals(part: Locator) -> dict[str, str]:
    expect(part.locator(".totals dd:not(.changed)").first).to_be_visible()
    names, values = (
        part.locator(".totals dt").all_inner_texts(),
        part.locator(".totals dd:not(.changed)").all_inner_texts(),
    )
    return dict(zip(names, values, strict=True))


def test_overview(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=90d")
    said = shop.answer("dashboard", "?" + last_days(desk, 90))
    main = totals(desk.get_by_role("region", name="Sessions over time"))
    assert main["Sessions"] == number(said["total_sessions"])
    assert main["Visitors"] == number(said["visitors"])
    assert main["Pageviews"] == number(said["pageviews"])
    assert main["Bounce rate"] == percent(said["bounce_rate"])
    sources = rows(desk.get_by_role("region", name="Sources"))
    assert [row[:2] for row in sources] == [[named(r["source"]), number(r["count"])] for r in said["referrers"]]
    pages = rows(desk.get_by_role("region", name="Pages"))
    viewed = shop.answer("breakdown", f"?dimension=page&limit=10&{last_days(desk, 90)}")["rows"]
    assert pages == [[r["value"], number(r["sessions"]), number(r["pageviews"])] for r in viewed]
    events = rows(desk.get_by_role("region", name="Goals and events"))
    assert [row[:2] for row in events] == [[r["type"], number(r["count"])] for r in said["top_events"]]
    devices = rows(desk.get_by_role("region", name="Devices"))
    assert [row[:2] for row in devices] == [[r["device"], number(r["count"])] for r in said["devices"] if r["count"]]
    countries = rows(desk.get_by_role("region", name="Countries"))
    assert sum(int(row[1].replace(",", "")) for row in countries) == said["total_sessions"]
    expect(desk.get_by_text("Fresh as of")).to_be_visible()
    expect(desk.get_by_text("UTC", exact=True)).to_be_visible()


def last_days(desk: Tab, days: int) -> str:
    """The range that the page asks for: calendar days of the site's zone, today last."""
    start = desk.evaluate(f"new Date(Date.now() - {days - 1} * 864e5).toISOString().slice(0, 10)")
    return f"from={start}"


def test_series_as_a_table_and_as_csv(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=30d&compare=off")
    said = shop.answer("dashboard", "?" + last_days(desk, 30))["sessions_over_time"]
    part = desk.get_by_role("region", name="Sessions over time", exact=True)
    part.get_by_role("button", name="Sessions over time as a table").click()
    shown = rows(part)
    assert [int(row[1]) for row in shown] == [bucket["count"] for bucket in said]
    part.get_by_role("button", name="Copy Sessions over time as CSV").click()
    copied = list(csv.reader(io.StringIO(desk.evaluate("navigator.clipboard.readText()"))))
    assert copied == [["period", "sessions"], *([b["period"], str(b["count"])] for b in said)]


def test_the_period_before(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=7d")
    part = desk.get_by_role("region", name="Sessions over time")
    part.get_by_role("button", name="Sessions over time as a table").click()
    expect(part.get_by_role("columnheader")).to_have_count(3)
    earlier = [int(row[2]) for row in rows(part)]
    day = 86_400_000
    ask = "new Date(Date.now() - {0}).toISOString()"
    start, end = (desk.evaluate(ask.format(days * day)) for days in (13, 7))
    said = shop.answer("dashboard", f"?from={start[:10]}&to={end[:10]}")["sessions_over_time"]
    assert earlier[:-1] == [bucket["count"] for bucket in said][:-1]
    # As far as today has come.
    assert earlier[-1] <= said[-1]["count"]
    sources = desk.get_by_role("region", name="Sources")
    expect(sources.get_by_role("columnheader", name="Change")).to_be_visible()
    compare = desk.get_by_label("Compare with")
    compare.select_option("A year earlier")
    desk.wait_for_url("**compare=year")
    expect(desk.get_by_text("Nothing to compare")).to_be_visible()
    expect(desk.locator(".change")).to_have_count(0)
    compare.select_option("Nothing")
    desk.wait_for_url("**compare=off")
    expect(part.get_by_role("columnheader")).to_have_count(2)


def test_ranges_and_what_they_are_compared_with(visitor: Open, signed_in: Any, shop: Counted) -> None:
    """The calendar's own periods; what is not over is compared with as much of the one before."""
    desk = visitor(storage_state=signed_in, base_url=shop.stack.url).new_page()
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url) if "/revenue?" in request.url else None)
    desk.clock.set_fixed_time("2025-03-31T10:20:30Z")
    fresh = json.dumps({"fresh_as_of": "2025-03-31T10:20:29.000Z", "since": "2020-01-01T00:00:00.000Z"})
    desk.route("**/freshness", lambda route: route.fulfill(body=fresh, content_type="application/json"))
    cases = {
        "range=7d": ["from=2025-03-25", "from=2025-03-18&to=2025-03-24T10:20:00"],
        "range=month": ["from=2025-03-01", "from=2025-02-01&to=2025-02-28T10:20:00"],
        "range=last-month": ["from=2025-02-01&to=2025-02-28", "from=2025-01-01&to=2025-01-31"],
        "range=last-week": ["from=2025-03-24&to=2025-03-30", "from=2025-03-17&to=2025-03-23"],
        "range=24h": ["from=2025-03-30T10:20:00.000Z", "from=2025-03-29T10:20:00.000Z&to=2025-03-30T10:20:00.000Z"],
        "from=2025-03-30T14:00&to=2025-03-30T16:00": [
            "from=2025-03-30T14:00&to=2025-03-30T16:00",
            "from=2025-03-30T12:00&to=2025-03-30T14:00",
        ],
        "range=7d&compare=year": ["from=2025-03-25", "from=2024-03-25&to=2024-03-31T10:20:00"],
        "range=7d&compare=month": ["from=2025-03-25", "from=2025-02-25&to=2025-02-28T10:20:00"],
        "range=last-month&compare=year": ["from=2025-02-01&to=2025-02-28", "from=2024-02-01&to=2024-02-29"],
        "from=2025-03-02&to=2025-04-10&compare=week": [
            "from=2025-03-02&to=2025-04-10",
            "from=2025-02-23&to=2025-03-24T10:20:00",
        ],
    }
    for query, expected in cases.items():
        asked.clear()
        desk.goto(f"/sites/{shop.id}?tab=revenue&{query}")
        for _ in range(300):
            if len(asked) == 2:
                break
            desk.wait_for_timeout(100)
        found = [unquote(urlsplit(url).query).rpartition("&interval")[0] for url in asked]
        assert sorted(found) == sorted(expected), query


def test_revenue(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=revenue&range=90d")
    said = shop.answer("revenue", "?" + last_days(desk, 90))
    main = totals(desk.get_by_role("region", name="Revenue over time"))
    assert main["Revenue"] == f"€{said['summary']['total_revenue']:,.2f}"
    assert main["Orders"] == number(said["summary"]["total_transactions"])
    shown = rows(desk.get_by_role("region", name="Revenue by source"))
    expected = [[named(r["source"]), f"€{r['revenue']:,.2f}", number(r["transactions"])] for r in said["by_source"]]
    assert shown == expected[:10]
    [other] = rows(desk.get_by_role("region", name="Other currencies"))
    assert other[2] == number(said["excluded_currencies"][0]["transactions"])


def test_friction(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=friction&range=90d")
    said = shop.answer("friction", "?" + last_days(desk, 90))
    part = desk.get_by_role("region", name="How visits went, by source")
    expect(part.locator("tbody tr").first).to_be_visible()
    closed = part.locator("button.opener[aria-expanded=false]")
    while closed.count():
        closed.first.click()
    expected = []
    for source in said["sources"]:
        for row, name in [(source, named(source["key"])), *((c, c["key"]) for c in source["campaigns"])]:
            shares = [percent(row["bucket_pct"][b]) for b in ("bouncer", "skimmer", "hesitator", "engaged")]
            expected.append(["No campaign" if name == "(none)" else name, *shares, number(row["total"])])
    shown = [[row[0], *row[2:]] for row in rows(part)]
    assert sorted(shown) == sorted(expected)


def test_engagement(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=engagement&range=90d")
    days = last_days(desk, 90)
    said = shop.answer("scroll-depth", f"?limit=20&{days}")["pages"]
    shown = rows(desk.get_by_role("region", name="Scroll depth by page").first)
    shares = [[p["page"], *(percent(p["depth_pct"][m]) for m in ("25", "50", "75", "100"))] for p in said]
    assert [row[:5] for row in shown] == shares
    steps = shop.answer("engagement-funnel", "?" + days)["steps"]
    funnel = desk.get_by_role("list", name="Sessions by depth reached").locator("b").all_inner_texts()
    assert funnel == [percent(step["pct"]) for step in steps]
    desk.get_by_role("link", name="Where people go from /pricing").click()
    desk.wait_for_url("**url=%2Fpricing")
    expect(desk.get_by_role("heading", name="How far sessions read /pricing")).to_be_visible()
    flow = shop.answer("page-flow", f"?url=/pricing&{days}")
    part = desk.get_by_role("region", name="Where people go from /pricing")
    assert totals(part)["Exits"] == number(flow["exits"])
    assert totals(part)["Exit rate"] == percent(flow["exit_rate"])
    left = ["Left the site", number(flow["exits"]), percent(flow["exit_rate"])]
    assert left in rows(part)
    assert sum(int(row[1].replace(",", "")) for row in rows(part)) == flow["views"]
    leavers = rows(desk.get_by_role("region", name="Who leaves from /pricing"))
    expected = sorted(flow["sources"], key=lambda each: -each["exits"])
    assert [row[1] for row in leavers] == [number(each["exits"]) for each in expected]


def test_it_refreshes_itself(lone_desk: Tab, shop: Counted) -> None:
    """Fifteen seconds cost one small question, until its answer names other data."""
    desk = lone_desk
    tags = itertools.repeat("one")
    body = json.dumps({"fresh_as_of": None, "since": None})
    desk.route(
        "**/freshness",
        lambda route: route.fulfill(body=body, headers={"ETag": next(tags), "Content-Type": "application/json"}),
    )
    desk.clock.install()
    desk.goto(f"/sites/{shop.id}")
    rows(desk.get_by_role("region", name="Sources"))
    expect(desk.locator(".skeleton, [aria-busy=true]")).to_have_count(0)
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    with desk.expect_response("**/freshness"):
        desk.clock.fast_forward(16_000)
    desk.wait_for_timeout(200)
    assert [url for url in asked if "/api/" in url and not url.endswith("/freshness")] == []
    tags = itertools.repeat("two")
    with (
        desk.expect_response("**/analytics/dashboard*"),
        desk.expect_response("**/analytics/friction*"),
        desk.expect_response("**/analytics/breakdown*"),
        desk.expect_response(f"**/api/sites/{shop.id}"),  # its settings may have changed too
    ):
        desk.clock.fast_forward(16_000)


def test_definitions(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}")
    part = desk.get_by_role("region", name="Sources")
    rows(part)
    part.get_by_role("button", name="how is this counted?").click()
    expect(part.get_by_text("The first touch of each session")).to_be_visible()


def test_hostile_strings_are_text(desk: Tab, hostile: Counted) -> None:
    site = hostile.id
    visitor = hostile.stack.get(f"/api/sites/{site}/visitors")["visitors"][0]["id"]
    session = hostile.stack.get(f"/api/visitors/{visitor}/sessions")["sessions"][0]["id"]
    step = "&step=".join(["", HOSTILE, HOSTILE + "2"]).replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")
    places = [
        "/sites",
        f"/sites/{site}",
        f"/sites/{site}?tab=revenue",
        f"/sites/{site}?tab=friction",
        f"/sites/{site}?tab=engagement",
        f"/sites/{site}?tab=reach&metric=event&value={HOSTILE}",
        f"/sites/{site}?tab=events{step}",
        f"/sites/{site}?tab=visitors",
        f"/sites/{site}?tab=visitors&visitor={visitor}",
        f"/sites/{site}?tab=visitors&visitor={visitor}&session={session}",
        f"/sites/{site}/settings",
    ]
    seen: dict[str, Any] = {}
    for place in places:
        desk.goto(place)
        expect(desk.locator("h1, h2").first).to_be_attached()
        expect(desk.locator(".skeleton, [aria-busy=true]")).to_have_count(0, timeout=30_000)
        assert desk.locator("img, iframe, [onerror]").count() == 0, place
        assert desk.locator("a[href^='javascript:']").count() == 0, place
        seen[place] = desk.locator("body").inner_text()
    assert HOSTILE in seen["/sites"], "the site's name"
    assert HOSTILE in seen[places[6]], "an event type"
    assert HOSTILE in seen[places[9]], "a title"
