"""The questions of docs/dashboard.md, each answered in as many clicks from the overview as it says there."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from tests.browser.site import Counted
from tests.browser.test_filters import chips, row

pytestmark = [pytest.mark.browser, pytest.mark.services]

DOCS = Path(__file__).parents[2] / "docs/dashboard.md"
CLICKS = {
    found[1]: int(found[2]) for found in re.finditer(r"^\| (.+?) \| (\d+): .*\|$", DOCS.read_text(), re.MULTILINE)
}
SETTINGS = {
    "goals": [{"name": "Bought", "event": "purchase"}],
    "segments": [{"name": "News readers", "filter": ["source==news", "page==/blog/a|/blog/b"]}],
}


@pytest.fixture(scope="module", autouse=True)
def _settings(shop: Counted) -> Iterator[None]:
    path = f"/api/sites/{shop.id}"
    shop.stack.request("PATCH", path, {"settings": SETTINGS})
    yield
    shop.stack.request("PATCH", path, {"settings": dict.fromkeys(SETTINGS)})


def region(desk: Tab, name: str | re.Pattern[str]) -> Locator:
    return desk.get_by_role("region", name=name, exact=isinstance(name, str))


def tab_of(desk: Tab, card: str, name: str) -> Locator:
    return region(desk, card).get_by_role("group").get_by_role("button", name=name, exact=True)


def goes_from(desk: Tab) -> Locator:
    return region(desk, "Pages").get_by_role("link", name=re.compile("^Where people go from")).first


def each(*checks: Callable[[Tab], None]) -> Callable[[Tab], None]:
    def check(desk: Tab) -> None:
        for one in checks:
            one(desk)

    return check


Job = tuple[list[Callable[[Tab], Locator]], Callable[[Tab], None]]
FLOW = re.compile("^Where people go from .")
JOBS: dict[str, Job] = {
    "phone against desktop: sessions, orders, revenue": (
        [lambda desk: region(desk, "Devices").get_by_role("link", name="Details of devices")],
        lambda desk: expect(region(desk, "All devices").get_by_role("columnheader", name="Orders")).to_be_visible(),
    ),
    "phone against desktop conversion": (
        [lambda desk: row(desk, "Devices", "Desktop"), lambda desk: chips(desk).locator("button.said")],
        each(
            lambda desk: expect(chips(desk)).to_have_text(["Device is not Desktop"]),
            lambda desk: expect(
                region(desk, "Goals and events").get_by_role("columnheader", name="Conversion")
            ).to_be_visible(),
        ),
    ),
    "which page loses people, and from where": (
        [lambda desk: tab_of(desk, "Pages", "Exit pages"), goes_from],
        lambda desk: expect(region(desk, re.compile("^Who leaves from .")).locator("tbody tr").first).to_be_visible(),
    ),
    "where those from one source go from there": (
        [
            lambda desk: tab_of(desk, "Pages", "Exit pages"),
            goes_from,
            lambda desk: region(desk, re.compile("^Who leaves from .")).locator("button.pick").first,
        ],
        each(
            lambda desk: expect(chips(desk)).to_have_count(1),
            lambda desk: expect(region(desk, FLOW).locator("tbody tr").first).to_be_visible(),
        ),
    ),
    "which pages do people from one source leave on": (
        [lambda desk: row(desk, "Sources", "news"), lambda desk: tab_of(desk, "Pages", "Exit pages")],
        each(
            lambda desk: expect(chips(desk)).to_have_text(["Source is news"]),
            lambda desk: expect(region(desk, "Pages").get_by_role("columnheader", name="Exit page")).to_be_visible(),
        ),
    ),
    "only Germany, on every report": (
        [lambda desk: region(desk, "Countries").locator("button.pick").first],
        lambda desk: expect(chips(desk)).to_have_text([re.compile("^Country is ")]),
    ),
    "everything but one campaign": (
        [
            lambda desk: tab_of(desk, "Sources", "Campaigns"),
            lambda desk: row(desk, "Sources", "May"),
            lambda desk: chips(desk).locator("button.said"),
        ],
        lambda desk: expect(chips(desk)).to_have_text(["Campaign is not May"]),
    ),
    "which campaign earns most per session, against before": (
        [lambda desk: desk.get_by_role("navigation", name="Reports").get_by_role("link", name="Campaigns")],
        each(
            lambda desk: expect(
                region(desk, "Campaigns").get_by_role("columnheader", name="Revenue per session")
            ).to_be_visible(),
            lambda desk: expect(region(desk, "Campaigns").locator("td .change").first).to_be_visible(),
        ),
    ),
    "this month so far against as much of the last": (
        [
            lambda desk: desk.get_by_role("button", name="Custom"),
            lambda desk: desk.get_by_role("button", name="Month to date"),
        ],
        lambda desk: desk.wait_for_url("**range=month"),
    ),
    "what came in the busiest hour of a day": (
        [
            lambda desk: desk.get_by_role("button", name="24 hours"),
            lambda desk: region(desk, "Sessions over time").locator(".u-over"),
        ],
        lambda desk: desk.wait_for_url(re.compile(r"from=[\d-]+T\d\d%3A00&to=[\d-]+T\d\d%3A00")),
    ),
    "which sizes were put into the cart": (
        [
            lambda desk: desk.get_by_role("navigation", name="Reports").get_by_role("link", name="Events"),
            lambda desk: desk.get_by_role("button", name="Data of add_to_cart"),
            lambda desk: desk.get_by_role("button", name="item.sku"),
        ],
        lambda desk: expect(desk.get_by_role("table", name="Values of item.sku of add_to_cart")).to_contain_text("a"),
    ),
    "what I look at every week, again": (
        [
            lambda desk: desk.get_by_role("button", name="Segments"),
            lambda desk: desk.get_by_role("button", name="News readers", exact=True),
        ],
        lambda desk: expect(chips(desk)).to_have_text(["Source is news", "Viewed /blog/a or /blog/b"]),
    ),
}


def test_the_page_has_these_questions() -> None:
    assert {question: len(clicks) for question, (clicks, _) in JOBS.items()} == CLICKS


@pytest.mark.parametrize("question", JOBS)
def test_a_question_is_that_many_clicks(desk: Tab, shop: Counted, question: str) -> None:
    clicks, answered = JOBS[question]
    desk.goto(f"/sites/{shop.id}?range=7d")
    for click in clicks:
        expect(desk.locator(".skeleton, [aria-busy=true]")).to_have_count(0, timeout=30_000)
        click(desk).click()
    answered(desk)


def test_filters_are_saved_as_a_segment(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=7d&filter=device==Desktop&filter=source!=news")
    desk.get_by_role("button", name="Segments").click()
    desk.get_by_label("Save these filters as").fill("  Desks  without news ")
    desk.get_by_role("button", name="Save", exact=True).click()
    # It is chosen now, and the button says which one is.
    expect(desk.get_by_role("button", name="Desks without news", exact=True)).to_have_count(2)
    saved = shop.stack.get(f"/api/sites/{shop.id}")["settings"]["segments"]
    assert saved[-1] == {"name": "Desks without news", "filter": ["device==Desktop", "source!=news"]}
    desk.get_by_role("button", name="Remove the segment Desks without news").click()
    expect(desk.get_by_role("button", name="Remove the segment Desks without news")).to_have_count(0)
    assert shop.stack.get(f"/api/sites/{shop.id}")["settings"]["segments"] == SETTINGS["segments"]
