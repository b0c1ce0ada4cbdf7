"""What the chart of the overview shows, at which interval, and which part of it."""

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.site import Counted
from tests.browser.test_panels import last_days, rows, totals

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_the_chart_of_a_tile_at_an_interval(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=90d&compare=off")
    part = desk.get_by_role("region", name="Sessions over time", exact=True)
    part.get_by_role("button", name="Revenue", exact=True).click()
    part = desk.get_by_role("region", name="Revenue over time", exact=True)
    part.get_by_label("Interval").select_option("week")
    desk.wait_for_url("**&chart=revenue&interval=week")
    said = shop.answer("revenue", f"?interval=week&{last_days(desk, 90)}")
    assert totals(part)["Revenue"].replace(",", "") in (
        f"€{said['summary']['total_revenue']:.0f}",
        f"€{said['summary']['total_revenue']:.2f}",
    )
    part.get_by_role("button", name="Revenue over time as a table").click()
    expect(part.locator("tbody tr")).to_have_count(len(said["revenue_over_time"]))
    assert [row[0] for row in rows(part)] == [bucket["period"] for bucket in said["revenue_over_time"]]
    # Weeks are kept by the other reports, and forgotten where they make no chart.
    desk.get_by_role("navigation", name="Reports").get_by_role("link", name="Revenue").click()
    expect(desk.get_by_label("Interval")).to_have_value("week")
    desk.get_by_role("button", name="7 days").click()
    expect(desk.get_by_label("Interval")).to_have_value("day")


def test_a_part_of_the_chart_becomes_the_range(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=30d&compare=off")
    over = desk.get_by_role("region", name="Sessions over time").locator(".u-over")
    expect(over).to_be_visible()
    expect(desk.locator(".skeleton, [aria-busy=true]")).to_have_count(0)
    box = over.bounding_box()
    assert box is not None
    step, height = box["width"] / 29, box["y"] + box["height"] / 2
    desk.mouse.move(box["x"] + step * 10, height)
    desk.mouse.down()
    desk.mouse.move(box["x"] + step * 12, height, steps=4)
    desk.mouse.up()
    today = "new Date(Date.now() - {0} * 864e5).toISOString().slice(0, 10)"
    first, last, middle = (desk.evaluate(today.format(days)) for days in (19, 17, 18))
    desk.wait_for_url(f"**from={first}&to={last}")
    expect(desk.locator(".skeleton, [aria-busy=true]")).to_have_count(0)
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    desk.mouse.click(box["x"] + box["width"] / 2, height)
    desk.wait_for_url(f"**from={middle}&to={middle}")
    desk.go_back()
    desk.go_back()
    expect(desk.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
