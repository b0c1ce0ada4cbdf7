"""What a site counts as a goal, hides and excludes: set on its page of settings, told on its dashboard."""

from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_goals_and_hidden_sessions(desk: Tab, site: Counted, stack: Stack) -> None:
    desk.goto(f"/sites/{site.id}/settings#goals")
    part = desk.get_by_role("region", name="Goals", exact=True)
    for number, (name, kind, value) in enumerate([("Bought", "event", "purchase"), ("Read", "page", "/blog/*")], 1):
        part.get_by_role("button", name="Add a goal").click()
        part.get_by_label(f"Name of goal {number}").fill(name)
        part.get_by_label(f"Kind of goal {number}").select_option(kind)
        part.get_by_label(f"{kind.capitalize()} of goal {number}").fill(value)
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_text("Saved")).to_be_visible()
    part = desk.get_by_role("region", name="Hidden sessions", exact=True)
    for number, (dimension, operator, values) in enumerate(
        [("source", "==", r"spam|a\|b"), ("page", "=~", "/wp-*")], 1
    ):
        part.get_by_role("button", name="Hide sessions").click()
        part.get_by_label(f"What is hidden, {number}").select_option(dimension)
        part.get_by_label(f"How it is compared, {number}").select_option(operator)
        part.get_by_label(f"Values, {number}").fill(values)
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_text("Saved")).to_be_visible()
    settings = stack.get(f"/api/sites/{site.id}")["settings"]
    assert settings["goals"] == [{"name": "Bought", "event": "purchase"}, {"name": "Read", "page": "/blog/*"}]
    assert settings["hide"] == [r"source==spam|a\|b", "page=~/wp-*"]
    desk.reload()
    expect(part.get_by_label("Values, 1")).to_have_value(r"spam|a\|b")
    part.get_by_role("button", name="Show them again, 2").click()
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_text("Saved")).to_be_visible()
    assert stack.get(f"/api/sites/{site.id}")["settings"]["hide"] == [r"source==spam|a\|b"]


def test_excluded_events(desk: Tab, site: Counted, stack: Stack) -> None:
    desk.goto(f"/sites/{site.id}/settings#excluded")
    part = desk.get_by_role("region", name="Excluded events", exact=True)
    part.get_by_label("Addresses").fill("203.0.113.7\n2001:db8::/32")
    part.get_by_label("Countries").fill("xk de")
    part.get_by_label("Pages").fill("/admin/*")
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_text("Saved")).to_be_visible()
    exclude = stack.get(f"/api/sites/{site.id}")["settings"]["exclude"]
    assert exclude["addresses"] == ["203.0.113.7/32", "2001:db8::/32"]
    assert exclude["countries"] == ["XK", "DE"]
    assert exclude["pages"] == ["/admin/*"]


def test_the_dashboard_says_what_is_hidden(desk: Tab, shop: Counted, stack: Stack) -> None:
    address = f"/api/sites/{shop.id}"
    stack.request("PATCH", address, {"settings": {"hide": ["source==news"]}})
    try:
        desk.goto(f"/sites/{shop.id}?range=90d")
        expect(desk.get_by_role("region", name="Sources").get_by_role("button", name="ads")).to_be_visible()
        expect(desk.get_by_role("region", name="Sources").get_by_role("button", name="news")).to_have_count(0)
        desk.get_by_role("link", name="1 filter hides sessions").click()
        expect(desk.get_by_label("Values, 1")).to_have_value("news")
    finally:
        stack.request("PATCH", address, {"settings": {"hide": []}})


def test_a_refused_goal_is_told(visitor: Open, signed_in: Any, stack: Stack, site: Counted) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    tab.goto(f"/sites/{site.id}/settings")
    part = tab.get_by_role("region", name="Goals", exact=True)
    part.get_by_role("button", name="Add a goal").click()
    part.get_by_label("Name of goal 1").fill("Nothing to reach")
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_role("alert")).not_to_be_empty()
    part = tab.get_by_role("region", name="Hidden sessions", exact=True)
    part.get_by_role("button", name="Hide sessions").click()
    part.get_by_label("What is hidden, 1").select_option("goal")
    part.get_by_label("How it is compared, 1").select_option("=~")
    part.get_by_label("Values, 1").fill("B*")
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_role("alert")).to_contain_text("goal")
