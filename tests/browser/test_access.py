"""Everybody can use the pages: axe-core finds nothing serious, the keyboard is enough, a phone is wide enough."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]

AXE = Path(__file__).parents[2] / "api/pages/node_modules/axe-core/axe.min.js"
PLACES = [
    "/sites",
    "/sites?add",
    "/sites/{site}",
    "/sites/{site}?filter=source==news|ads&filter=page!=/blog/a",
    "/sites/{site}?all=source&filter=source==news",
    "/sites/{site}?tab=campaigns&range=7d",
    "/sites/{site}?tab=revenue",
    "/sites/{site}?tab=friction",
    "/sites/{site}?tab=engagement",
    "/sites/{site}?tab=engagement&url=/pricing",
    "/sites/{site}?tab=reach",
    "/sites/{site}?tab=events&step=add_to_cart&step=purchase",
    "/sites/{site}?tab=visitors",
    "/sites/{site}?tab=visitors&visitor={visitor}",
    "/sites/{site}?tab=visitors&visitor={visitor}&session={session}",
    "/sites/{site}/settings",
    "/account",
]
# The dark pages differ in their colours only, of which these have all.
DARK = tuple(PLACES[at] for at in (2, 3, 4, 5, 7, 11, 14, 15))
# What can be pressed and is lower than a finger is wide; of cards and tiles all can.
SMALL = """[...document.querySelectorAll("a, button, select, input:not([type=checkbox])")]
  .filter(each => each.checkVisibility() && !each.matches(".skip, p a, .site-card a, .totals button"))
  .filter(each => each.getBoundingClientRect().height < 39.5)
  .map(each => each.outerHTML.slice(0, 120) + " " + each.getBoundingClientRect().height)"""
RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "dark": ["color-contrast"],
}


def settled(tab: Tab, place: str) -> None:
    tab.goto(place)
    expect(tab.locator("h1").first).to_be_attached()
    expect(tab.locator(".skeleton, .blank, [aria-busy=true]")).to_have_count(0, timeout=30_000)


def serious(tab: Tab, scheme: str = "light") -> list[str]:
    """What axe-core finds of serious or critical impact. It is injected past the page's own policy."""
    if tab.evaluate("typeof axe === 'undefined'"):
        tab.evaluate(AXE.read_text())
    found = tab.evaluate("rules => axe.run(document, {runOnly: rules})", RULES[scheme])
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def addresses(shop: Counted, places: Sequence[str] = PLACES) -> list[str]:
    visitor = shop.stack.get(f"/api/sites/{shop.id}/visitors")["visitors"][0]["id"]
    session = shop.stack.get(f"/api/visitors/{visitor}/sessions")["sessions"][0]["id"]
    return [place.format(site=shop.id, visitor=visitor, session=session) for place in places]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: Any, visitor: Open, signed_in: Any, stack: Stack, shop: Counted) -> None:
    context = visitor(storage_state=signed_in, base_url=stack.url, color_scheme=scheme, reduced_motion="reduce")
    tab = context.new_page()
    found = {}
    for place in addresses(shop, DARK if scheme == "dark" else PLACES):
        settled(tab, place)
        tab.evaluate("document.querySelectorAll('.tool[aria-controls]').forEach(button => button.click())")
        found[place] = serious(tab, scheme)
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_axe_on_the_sign_in(visitor: Open, stack: Stack) -> None:
    tab = visitor(base_url=stack.url).new_page()
    settled(tab, "/login")
    assert serious(tab) == []


def test_a_phone_is_wide_enough(visitor: Open, signed_in: Any, stack: Stack, shop: Counted) -> None:
    """No page scrolls sideways; wide tables scroll within their card."""
    phone = {"width": 320, "height": 640}
    tab = visitor(
        storage_state=signed_in, base_url=stack.url, viewport=phone, has_touch=True, is_mobile=True
    ).new_page()
    for place in addresses(shop):
        settled(tab, place)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320, place


def test_fingers_find_what_they_press(visitor: Open, signed_in: Any, stack: Stack, shop: Counted) -> None:
    """40 px high, save links within a sentence; and axe-core finds nothing serious on a phone either."""
    phone = {"width": 390, "height": 844}
    tab = visitor(
        storage_state=signed_in, base_url=stack.url, viewport=phone, has_touch=True, is_mobile=True
    ).new_page()
    found = {}
    for place in addresses(shop):
        settled(tab, place)
        found[place] = [*tab.evaluate(SMALL), *serious(tab)]
    assert {place: small for place, small in found.items() if small} == {}


def test_what_comes_moves_nothing(visitor: Open, signed_in: Any, stack: Stack, shop: Counted) -> None:
    """Layout shift on a phone, as browsers measure it, from the first paint to the last panel."""
    phone = {"width": 390, "height": 844}
    context = visitor(storage_state=signed_in, base_url=stack.url, viewport=phone, has_touch=True, is_mobile=True)
    context.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach("
        "each => { if (!each.hadRecentInput) shift += each.value })).observe({type: 'layout-shift', buffered: true})"
    )
    tab = context.new_page()
    found = {}
    for place in ("?range=7d", "?range=7d&tab=campaigns", "?range=7d&tab=revenue", "?range=7d&tab=friction"):
        settled(tab, f"/sites/{shop.id}{place}")
        expect(tab.locator(".change").first).to_be_visible(timeout=30_000)
        found[place] = tab.evaluate("shift")
    assert {place: shift for place, shift in found.items() if shift > 0.05} == {}


def test_the_keyboard_is_enough(desk: Tab, shop: Counted) -> None:
    settled(desk, f"/sites/{shop.id}")
    desk.keyboard.press("Tab")
    expect(desk.locator(":focus")).to_have_text("Skip to the content")
    desk.get_by_role("button", name="7 days").focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**?range=7d")
    expect(desk.locator(":focus")).to_have_text("7 days")
    desk.get_by_role("button", name="Custom").focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("From", exact=True)).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_label("From", exact=True)).to_have_count(0)
    outline = desk.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "what has the focus shows it"
