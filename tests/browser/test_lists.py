"""The cards of the overview: a dimension a tab, and all its values page by page and as a file."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import Route, expect

from tests.browser.shop import imported
from tests.browser.site import Counted
from tests.browser.test_filters import chips, row
from tests.browser.test_panels import last_days, named, number, percent, rows
from tests.browser.web import HOST
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]

GOALS = [{"name": "Bought", "event": "purchase"}, {"name": "Read", "page": "/blog/*"}]
MANY = 130


@pytest.fixture(scope="module")
def wide(stack: Stack) -> Counted:
    """A site with many pages, and goals."""

    def events(domain: str, now: int) -> Iterator[dict[str, Any]]:
        for at in range(MANY):
            url = f"https://{domain}/page/{at:03}"
            yield {"visitor": f"v{at}", "type": "pageview", "at": now - 60_000 * (at + 1), "url": url}

    return imported(stack, f"wide.{HOST}", "Wide", events)


def test_tabs_of_the_cards(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=90d&filter=source%3D%3Dnews%7Cads")
    places = [
        ("Sources", "Campaigns", "campaign"),
        ("Pages", "Entry pages", "entry_page"),
        ("Pages", "Exit pages", "exit_page"),
        ("Devices", "Browsers", "browser"),
        ("Devices", "Systems", "os"),
        ("Goals and events", "Events", "event"),
    ]
    words = {"(none)": "No campaign", "unknown": "Unknown"}
    for title, name, dimension in places:
        card = desk.get_by_role("region", name=title, exact=True)
        card.get_by_role("group").get_by_role("button", name=name).click()
        expect(card.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")
        expect(card.locator(".skeleton, .stale")).to_have_count(0)
        query = f"?dimension={dimension}&limit=10&filter=source==news%7Cads&{last_days(desk, 90)}"
        said = shop.answer("breakdown", query)["rows"]
        shown = [line[:2] for line in rows(card)]
        assert shown == [[words.get(r["value"], r["value"]), number(r["sessions"])] for r in said], dimension
    desk.reload()
    expect(desk.get_by_role("button", name="Systems")).to_have_attribute("aria-pressed", "true")
    row(desk, "Pages", rows(desk.get_by_role("region", name="Pages", exact=True))[0][0]).click()
    expect(chips(desk).last).to_contain_text("Exit page is /")


def test_a_list_that_is_on_its_way_shows_no_other(desk: Tab, shop: Counted) -> None:
    """The rows of one dimension would be filters of another."""
    held: list[Route] = []
    desk.goto(f"/sites/{shop.id}?range=90d")
    rows(desk.get_by_role("region", name="Sources"))
    desk.route("**/analytics/breakdown?*dimension=campaign*", lambda route: held.append(route))
    card = desk.get_by_role("region", name="Sources")
    card.get_by_role("button", name="Campaigns").click()
    expect(card.locator(".skeleton")).to_be_visible()
    expect(card.locator("button.pick")).to_have_count(0)
    for each in held:
        each.continue_()
    expect(card.get_by_role("button", name="May", exact=True)).to_be_visible()


def test_nothing_is_cut_without_a_word(desk: Tab, wide: Counted) -> None:
    desk.goto(f"/sites/{wide.id}?range=90d")
    card = desk.get_by_role("region", name="Pages", exact=True)
    assert len(rows(card)) == 10
    card.get_by_role("link", name=f"All {MANY} pages").click()
    part = desk.get_by_role("region", name="All pages", exact=True)
    assert [line[0] for line in rows(part)] == [f"/page/{at:03}" for at in range(100)]
    expect(part.get_by_text(f"Page 1 of 2 · {MANY} pages")).to_be_visible()
    part.get_by_role("link", name="Next").click()
    expect(part.locator("tbody tr")).to_have_count(MANY - 100)
    desk.reload()
    expect(part.locator("tbody tr")).to_have_count(MANY - 100)
    with desk.expect_download() as download:
        part.get_by_role("link", name="CSV").click()
    lines = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [line["value"] for line in lines] == [f"/page/{at:03}" for at in range(MANY)]
    desk.go_back()
    expect(part.locator("tbody tr")).to_have_count(100)
    desk.get_by_role("navigation", name="Path").get_by_role("link", name="Overview").click()
    expect(card.get_by_role("link", name=f"All {MANY} pages")).to_be_visible()


def test_more_values_for_a_chip(desk: Tab, shop: Counted) -> None:
    """Where a filter leaves one source to choose, its chip leads to all of them."""
    desk.goto(f"/sites/{shop.id}?range=90d&tab=friction&filter=source%3D%3Dnews&filter=device%3D%3DDesktop")
    desk.get_by_role("link", name="Choose more sources: Source is news").click()
    part = desk.get_by_role("region", name="All sources", exact=True)
    query = f"?dimension=source&filter=device==Desktop&{last_days(desk, 90)}"
    said = shop.answer("breakdown", query)["rows"]
    expected = [[named(r["value"]), number(r["sessions"]), percent(r["share"])] for r in said]
    assert [line[:3] for line in rows(part)] == expected
    expect(part.get_by_role("button", name="news", exact=True)).to_have_attribute("aria-pressed", "true")
    part.get_by_role("button", name="ads", exact=True).click()
    expect(chips(desk).first).to_have_text("Source is news or ads")
    assert len(rows(part)) == len(said)
    desk.get_by_role("navigation", name="Path").get_by_role("link", name="Friction").click()
    shown = rows(desk.get_by_role("region", name="How visits went, by source"))
    assert {"news", "ads"} <= {line[0] for line in shown}


def test_goals(desk: Tab, shop: Counted) -> None:
    before = shop.stack.get(f"/api/sites/{shop.id}")["settings"]["goals"]
    desk.goto(f"/sites/{shop.id}?range=90d")
    card = desk.get_by_role("region", name="Goals and events")
    card.get_by_role("button", name="Goals", exact=True).click()
    expect(card.get_by_text("No goals yet.")).to_be_visible()
    shop.stack.request("PATCH", f"/api/sites/{shop.id}", {"settings": {"goals": GOALS}})
    try:
        desk.goto(f"/sites/{shop.id}?range=90d")
        said = shop.answer("goals", "?" + last_days(desk, 90))["goals"]
        assert rows(card) == [[g["name"], number(g["sessions"]), percent(g["conversion_pct"])] for g in said]
        row(desk, "Goals and events", "Bought").click()
        expect(chips(desk)).to_have_text(["Reached Bought"])
    finally:
        shop.stack.request("PATCH", f"/api/sites/{shop.id}", {"settings": {"goals": before}})
