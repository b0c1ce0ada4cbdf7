"""A value that is pressed becomes a filter: a chip, in the address, and in what every report asks."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from tests.browser.shop import imported
from tests.browser.site import Counted
from tests.browser.test_panels import last_days, number, rows, totals
from tests.browser.web import HOST
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]

ODD = "a|b\\c & d=e"  # every sign that means something in a filter or an address


def chips(desk: Tab) -> Locator:
    return desk.get_by_role("group", name="Filters").locator("li")


def asked(desk: Tab) -> list[str]:
    """The filters of the address."""
    return parse_qs(urlsplit(desk.url).query).get("filter", [])


def row(desk: Tab, card: str, value: str) -> Locator:
    return desk.get_by_role("region", name=card, exact=True).get_by_role("button", name=value, exact=True)


def sessions(desk: Tab, count: int) -> None:
    part = desk.get_by_role("region", name="Sessions over time", exact=True)
    expect(part.locator(".totals div", has_text="Sessions").first.locator("dd").first).to_have_text(number(count))


def filtered(shop: Counted, desk: Tab, *filters: str) -> dict[str, Any]:
    query = "&".join([last_days(desk, 90), *(f"filter={quote(each)}" for each in filters)])
    return dict(shop.answer("dashboard", f"?{query}"))


def test_rows_become_chips_that_combine(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=90d")
    row(desk, "Sources", "news").click()
    expect(chips(desk)).to_have_text(["Source is news"])
    said = filtered(shop, desk, "source==news")
    sessions(desk, said["total_sessions"])
    assert totals(desk.get_by_role("region", name="Sessions over time"))["Visitors"] == number(said["visitors"])
    row(desk, "Pages", "/pricing").click()
    row(desk, "Pages", "/blog/a").click()
    expect(chips(desk)).to_have_text(["Source is news", "Viewed /pricing or /blog/a"])
    assert asked(desk) == ["source==news", "page==/pricing|/blog/a"]
    sessions(desk, filtered(shop, desk, "source==news", "page==/pricing|/blog/a")["total_sessions"])
    # Once more takes it out again.
    row(desk, "Pages", "/pricing").click()
    expect(chips(desk)).to_have_text(["Source is news", "Viewed /blog/a"])
    # Anywhere in the row will do.
    desk.get_by_role("region", name="Devices").locator("tbody td").first.click()
    expect(chips(desk)).to_have_count(3)


def test_chips_turn_round_and_go(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=90d&filter=source%3D%3Dnews&filter=event%3D%3Dpurchase")
    expect(chips(desk)).to_have_text(["Source is news", "Had event purchase"])
    chips(desk).get_by_role("button", name="Source is news", exact=True).click()
    expect(chips(desk)).to_have_text(["Source is not news", "Had event purchase"])
    sessions(desk, filtered(shop, desk, "source!=news", "event==purchase")["total_sessions"])
    desk.get_by_role("button", name="Remove: Had event purchase").click()
    expect(chips(desk)).to_have_text(["Source is not news"])
    expect(desk.get_by_role("group", name="Filters")).to_be_focused()
    expect(desk.get_by_role("button", name="Clear all")).to_have_count(0)
    desk.go_back()
    expect(chips(desk)).to_have_count(2)
    desk.get_by_role("button", name="Clear all").click()
    expect(chips(desk)).to_have_count(0)
    assert asked(desk) == []
    sessions(desk, filtered(shop, desk)["total_sessions"])


def test_every_report_obeys_and_keeps_them(desk: Tab, shop: Counted) -> None:
    questions: list[str] = []
    desk.on("request", lambda request: questions.append(request.url) if "/analytics/" in request.url else None)
    desk.goto(f"/sites/{shop.id}?range=90d&filter=source%3D%3Dnews%7Cads")
    for tab in ("Revenue", "Friction", "Engagement", "Reach", "Events", "Visitors", "Overview"):
        desk.get_by_role("navigation", name="Reports").get_by_role("link", name=tab).click()
        expect(chips(desk)).to_have_text(["Source is news or ads"])
        expect(desk.locator(".skeleton, [aria-busy=true]")).to_have_count(0, timeout=30_000)
    names = {urlsplit(url).path.rpartition("/")[2] for url in questions}
    assert {"dashboard", "revenue", "friction", "scroll-depth", "engagement-funnel", "reach"} <= names
    about_the_site = ("now",)
    assert [
        url
        for url in questions
        if parse_qs(urlsplit(url).query).get("filter") != ["source==news|ads"]
        and not urlsplit(url).path.endswith(about_the_site)
    ] == []
    desk.reload()
    expect(chips(desk)).to_have_text(["Source is news or ads"])


def test_rows_of_every_report(desk: Tab, shop: Counted) -> None:
    reports = [
        ("revenue", "Revenue by campaign", "May news", ["source==news", "campaign==May"]),
        ("friction", "How visits went, by source", "Skimmed", ["bucket==skimmer"]),
        ("engagement", "Scroll depth by page", "/pricing", ["page==/pricing"]),
        ("reach", "Sessions that reached /", "Direct", ["source==direct"]),
        ("events", "Custom events", "add_to_cart", ["event==add_to_cart"]),
    ]
    for tab, card, name, filters in reports:
        desk.goto(f"/sites/{shop.id}?tab={tab}&range=90d&value=/")
        part = desk.get_by_role("region", name=card, exact=True).first
        part.get_by_role("button", name=name, exact=True).click()
        expect(chips(desk)).to_have_count(len(filters))
        assert asked(desk) == filters, tab


def test_what_is_no_filter_can_be_removed(visitor: Any, signed_in: Any, stack: Stack, shop: Counted) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    tab.goto(f"/sites/{shop.id}?filter=nonsense")
    expect(chips(tab)).to_have_text(["nonsense"])
    expect(tab.get_by_role("alert").first).to_contain_text("filter")
    tab.get_by_role("button", name="Remove: nonsense").click()
    rows(tab.get_by_role("region", name="Sources"))


@pytest.fixture(scope="module")
def odd(stack: Stack) -> Counted:
    """A site one of whose sources is made of signs, and one of whose pages has letters beyond ASCII."""

    def events(domain: str, now: int) -> Iterator[dict[str, Any]]:
        for at, (source, page) in enumerate([(ODD, "/"), ("plain", "/café/заказ 100%25"), ("plain", "/")]):
            url = f"https://{domain}{page}?utm_source={quote(source)}"
            yield {"visitor": f"v{at}", "type": "pageview", "at": now - 60_000 * (at + 1), "url": url}

    return imported(stack, f"odd.{HOST}", "Odd", events)


def test_signs_of_the_language_are_text(desk: Tab, odd: Counted) -> None:
    value = next(r["source"] for r in odd.answer("dashboard")["referrers"] if r["source"] != "plain")
    assert "|" in value and "\\" in value
    desk.goto(f"/sites/{odd.id}")
    row(desk, "Sources", value).click()
    expect(chips(desk)).to_have_text([f"Source is {value}"])
    sessions(desk, 1)
    desk.reload()
    expect(row(desk, "Sources", value)).to_have_attribute("aria-pressed", "true")
    sessions(desk, 1)


def test_letters_of_paths_are_read_and_filter(desk: Tab, odd: Counted) -> None:
    desk.goto(f"/sites/{odd.id}")
    # What would be a sign of the path stays encoded.
    row(desk, "Pages", "/café/заказ%20100%25").click()
    expect(chips(desk)).to_have_text(["Viewed /café/заказ%20100%25"])
    sessions(desk, 1)
    assert asked(desk) == [f"page=={quote('/café/заказ 100%', safe='/')}"]
