"""Campaigns, reach, events, visitors: each number on the page is that of the API."""

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.site import Counted
from tests.browser.test_panels import last_days, named, number, percent, rows, totals

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_campaigns(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=campaigns&range=90d")
    part = desk.get_by_role("region", name="Campaigns", exact=True)
    days = last_days(desk, 90)
    sessions = shop.answer("friction", "?" + days)["sources"]
    revenue = {(r["source"], r["campaign"]): r for r in shop.answer("revenue", "?" + days)["by_campaign"]}
    news = next(source for source in sessions if source["key"] == "news")
    may = next(campaign for campaign in news["campaigns"] if campaign["key"] == "May")
    sale = revenue["news", "May"]
    row = next(row for row in rows(part) if row[0] == "May")
    assert row == [
        "May",
        number(may["total"]),
        number(sale["transactions"]),
        percent(100 * sale["transactions"] / may["total"]),
        f"€{sale['revenue']:,.2f}",
        f"€{sale['revenue'] / may['total'] + 1e-9:,.2f}",
    ]
    assert totals(part)["Sessions"] == number(sum(source["total"] for source in sessions))
    part.get_by_label("Conversion", exact=True).select_option("Event: add_to_cart")
    carts = shop.answer("friction", f"?filter=event==add_to_cart&{days}")["sources"]
    expect(part.locator(".totals dd").nth(1)).to_have_text(number(sum(source["total"] for source in carts)))


def test_reach(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=reach&metric=event&value=purchase&range=90d")
    said = shop.answer("reach", f"?metric=event&value=purchase&{last_days(desk, 90)}")
    part = desk.get_by_role("region", name="Sessions that reached purchase")
    assert totals(part)["Reached it"] == number(said["reached_sessions"])
    expected = [[named(s["key"]), percent(s["pct"]), number(s["reached"]), number(s["total"])] for s in said["sources"]]
    assert [[row[0], *row[2:]] for row in rows(part)] == expected


def test_custom_events_and_funnel(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=events&range=90d")
    days = last_days(desk, 90)
    said = shop.answer("custom-event-types", "?" + days)["event_types"]
    part = desk.get_by_role("region", name="Custom events")
    assert [row[:3] for row in rows(part)] == [[t["type"], number(t["count"]), number(t["sessions"])] for t in said]
    part.get_by_role("button", name="Data of add_to_cart").click()
    expect(part.locator(".keys code")).to_have_text(["item.sku", "n"])

    add = desk.get_by_label("Add a step")
    for step in ("purchase", "add_to_cart", "add_to_cart"):
        add.select_option(step)
    desk.get_by_role("button", name="Move purchase later").click()
    desk.get_by_role("button", name="Remove add_to_cart").nth(1).click()
    desk.get_by_role("button", name="Move purchase earlier").click()
    desk.get_by_role("button", name="Move add_to_cart earlier").click()
    desk.wait_for_url("**step=add_to_cart&step=purchase")
    funnel = shop.answer("custom-event-funnel", f"?steps[]=add_to_cart&steps[]=purchase&{days}")
    shown = desk.get_by_role("list", name="Sessions by step").locator("b")
    expect(shown).to_have_text([percent(step["pct_of_first"]) for step in funnel["steps"]])
    expect(desk.locator(".conversion b")).to_have_text(percent(funnel["conversion_pct"]))


def test_visitors_sessions_events(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?tab=visitors")
    said = shop.stack.get(f"/api/sites/{shop.id}/visitors")
    first = max(said["visitors"], key=lambda visitor: int(visitor["events_count"]))
    shown = rows(desk.get_by_role("region", name="Visitors", exact=True).first)
    assert [row[0] for row in shown] == [visitor["id"].split("-")[1][:8] for visitor in said["visitors"]]
    expect(desk.get_by_text(f"of 3 · {number(said['total'])} visitors")).to_be_visible()
    desk.get_by_role("link", name=first["id"].split("-")[1][:8]).click()
    sessions = shop.stack.get(f"/api/visitors/{first['id']}/sessions")["sessions"]
    expect(desk.locator(".sessions > li")).to_have_count(len(sessions))
    desk.locator(".sessions a").first.click()
    listed = shop.stack.get(f"/api/visitors/{first['id']}/sessions/{sessions[0]['id']}/events")["events"]
    expect(desk.locator(".timeline > li")).to_have_count(len(listed))
    desk.go_back()
    expect(desk.locator(".sessions > li")).to_have_count(len(sessions))
    desk.go_back()
    desk.get_by_role("link", name="Older").click()
    expect(desk.get_by_text("Page 2 of 3")).to_be_visible()

    # By the id that the site passes.
    field = desk.get_by_role("search", name="Visitor").get_by_label("Visitor")
    field.fill(" v7 ")
    field.press("Enter")
    expect(desk.get_by_text("Page 1 of 1 · 1 visitor", exact=True)).to_be_visible()
    assert "search=v7" in desk.url and "page=" not in desk.url
    (visitor,) = shop.stack.get(f"/api/sites/{shop.id}/visitors?search=v7")["visitors"]
    assert rows(desk.get_by_role("region", name="Visitors", exact=True).first)[0][0] == visitor["id"].split("-")[1][:8]
    field.fill("v7000")
    desk.get_by_role("button", name="Find").click()
    expect(desk.get_by_text("No visitor is called")).to_be_visible()
    desk.get_by_role("button", name="All visitors").click()
    expect(desk.get_by_text(f"of 3 · {number(said['total'])} visitors")).to_be_visible()


def test_the_address_holds_the_state(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}")
    desk.get_by_role("button", name="7 days").click()
    desk.wait_for_url("**?range=7d")
    desk.get_by_role("navigation", name="Reports").get_by_role("link", name="Friction").click()
    desk.wait_for_url("**?range=7d&tab=friction")
    desk.reload()
    expect(desk.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    desk.go_back()
    desk.go_back()
    expect(desk.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
    desk.get_by_role("button", name="Custom").click()
    desk.get_by_label("From", exact=True).fill("2026-01-05")
    desk.get_by_label("To", exact=True).fill("2026-01-09")
    desk.get_by_role("button", name="Show", exact=True).click()
    desk.wait_for_url("**from=2026-01-05&to=2026-01-09")
    expect(desk.get_by_text("Nobody came in this range.")).to_be_visible()
