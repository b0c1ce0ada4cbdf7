"""Accounts in pages: a first password, an invitation, what a role shows, a share link. With axe, and on a phone."""

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.test_access import SMALL, serious
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def well_made(tab: Tab) -> None:
    """As `test_access` asks of every page, and no wider than the screen."""
    expect(tab.locator(".skeleton, .blank, [aria-busy=true]")).to_have_count(0, timeout=30_000)
    assert [*tab.evaluate(SMALL), *serious(tab)] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_member_is_invited_and_shares_what_they_see(desk: Tab, visitor: Open, stack: Stack, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}/settings#members")
    members = desk.get_by_role("region", name="Members")
    members.get_by_label("For whom").fill("carl@example.com")
    members.get_by_label("Role").select_option("editor")
    members.get_by_role("button", name="Invite").click()
    invitation = members.get_by_label("New invitation").inner_text().strip()
    expect(members.get_by_role("row").filter(has_text="carl@example.com")).to_contain_text("invited")

    carl = visitor(base_url=stack.url, **PHONE).new_page()
    carl.goto(invitation)
    expect(carl.get_by_role("heading")).to_have_text(f"You are invited to {shop.site['name']}")
    well_made(carl)
    expect(carl.get_by_label("Email")).to_have_value("carl@example.com")
    carl.get_by_label("Password").fill("too short")
    carl.get_by_role("button", name="Accept").click()
    expect(carl.get_by_role("alert")).to_contain_text("12")
    carl.get_by_label("Password").fill("correct horse battery")
    carl.get_by_role("button", name="Accept").click()
    carl.wait_for_url(f"**/sites/{shop.id}")
    carl.goto(f"/sites/{shop.id}/settings#links")
    links = carl.get_by_role("region", name="Share links")
    links.get_by_label("Name").fill("Board")
    links.get_by_label("Password").fill("secret")
    links.get_by_role("button", name="Create a link").click()
    address = links.get_by_label("New link").inner_text().strip()
    expect(carl.get_by_role("region", name="Members")).to_have_count(0)
    expect(carl.get_by_role("region", name="Delete this site")).to_have_count(0)
    well_made(carl)
    carl.goto("/account")
    carl.get_by_label("Present password").fill("correct horse battery")
    carl.get_by_label("New password").fill("another horse battery")
    carl.get_by_role("button", name="Change the password").click()
    expect(carl.get_by_text("All other sessions have ended")).to_be_visible()
    well_made(carl)

    reader = visitor(base_url=stack.url, **PHONE).new_page()
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url.removeprefix(stack.url)))
    reader.goto(address)
    expect(reader.get_by_role("heading")).to_have_text("This dashboard has a password")
    well_made(reader)
    for typed in ("wrong", "secret"):
        reader.get_by_label("Password").fill(typed)
        reader.get_by_role("button", name="Open").click()
        if typed == "wrong":
            expect(reader.get_by_role("alert")).to_be_visible()
    reports = reader.get_by_role("navigation", name="Reports")
    expect(reports.get_by_role("link", name="Revenue")).to_be_visible()
    expect(reports.get_by_role("link", name="Visitors")).to_have_count(0)
    expect(reader.get_by_role("link", name="Settings")).to_have_count(0)
    well_made(reader)
    reports.get_by_role("link", name="Revenue").click()
    expect(reader.locator(".panel .body").first).to_be_visible()
    assert "/share/" in reader.url and "tab=revenue" in reader.url
    site = f"/api/sites/{shop.id}/"
    own = [path for path in asked if path.startswith("/api/")]
    assert own and all(path.startswith((f"{site}analytics/", f"{site}freshness", "/api/share/")) for path in own), own

    desk.reload()
    row = desk.get_by_role("region", name="Share links").get_by_role("row").filter(has_text="Board")
    row.get_by_role("button", name="Revoke").click()
    row.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_have_count(0)
    reader.reload()
    expect(reader.get_by_role("heading")).to_have_text("This link leads nowhere")
    well_made(reader)
