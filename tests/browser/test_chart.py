"""What the chart of the overview shows, at which interval, and which part of it."""

import itertools
import json
import re

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import Route, expect

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
    shown = part.locator("tbody time").evaluate_all("times => times.map(time => time.dateTime)")
    assert shown == [bucket["period"] for bucket in said["revenue_over_time"]]
    # Weeks are kept by the other reports, and forgotten where they make no chart.
    desk.get_by_role("navigation", name="Reports").get_by_role("link", name="Revenue").click()
    expect(desk.get_by_label("Interval")).to_have_value("week")
    desk.get_by_role("button", name="7 days").click()
    expect(desk.get_by_label("Interval")).to_have_value("day")


def test_every_tile_has_its_chart(desk: Tab, shop: Counted) -> None:
    desk.goto(f"/sites/{shop.id}?range=30d&compare=off")
    said = shop.answer("over-time", "?" + last_days(desk, 30))["over_time"]
    shown = {"Visitors": "visitors", "Pageviews": "pageviews", "Bounce rate": "bounce_rate"}
    part = desk.get_by_role("region", name="Sessions over time", exact=True)
    for tile, name in shown.items():
        part.get_by_role("button", name=tile, exact=True).click()
        part = desk.get_by_role("region", name=f"{tile} over time", exact=True)
        part.get_by_role("button", name=f"{tile} over time as a table").click()
        values = [float(row[1].replace(",", "")) for row in rows(part)]
        assert values == [each[name] for each in said], tile
        part.get_by_role("button", name=f"{tile} over time as a table").click()
    for tile in ("Average duration", "Conversion", "Revenue"):
        part.get_by_role("button", name=tile, exact=True).click()
        part = desk.get_by_role("region", name=f"{tile} over time", exact=True)
        expect(part.get_by_role("button", name=tile, exact=True)).to_have_attribute("aria-pressed", "true")


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
    # The keyboard goes on where the pointer would: an hour of that day.
    chart = desk.get_by_role("slider")
    expect(over).to_be_visible()
    chart.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft"):
        desk.keyboard.press(key)
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"1:00.*: Sessions \d+"))
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**from={middle}T01%3A00&to={middle}T02%3A00")
    for _ in range(3):
        desk.go_back()
    expect(desk.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")


def test_an_answer_that_comes_leaves_what_is_being_drawn(lone_desk: Tab, shop: Counted) -> None:
    desk = lone_desk
    tags = itertools.count()
    fresh = json.dumps({"fresh_as_of": None, "since": None})

    def answer(route: Route) -> None:
        route.fulfill(body=fresh, headers={"ETag": f"{next(tags)}", "Content-Type": "application/json"})

    desk.route("**/freshness", answer)
    counts = iter([False, True])

    def more(route: Route) -> None:
        said = route.fetch().json()
        said["sessions_over_time"][0]["count"] += 1_000 * next(counts, True)
        route.fulfill(json=said)

    desk.route("**/analytics/dashboard?*", more)
    desk.clock.install()
    desk.goto(f"/sites/{shop.id}?range=30d&compare=off")
    over = desk.get_by_role("region", name="Sessions over time").locator(".u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    step, height = box["width"] / 29, box["y"] + box["height"] / 2
    desk.mouse.move(box["x"] + step * 10, height)
    desk.mouse.down()
    desk.mouse.move(box["x"] + step * 11, height, steps=2)
    with desk.expect_response("**/analytics/dashboard?*"):
        desk.clock.fast_forward(16_000)
    label = desk.get_by_role("slider")
    expect(label).to_have_attribute("aria-label", re.compile("1,0[0-9]{2}"))
    desk.mouse.move(box["x"] + step * 12, height, steps=2)
    desk.mouse.up()
    desk.wait_for_url("**from=*&to=*")
