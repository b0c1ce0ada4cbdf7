"""A site keeps less: the page says what goes and asks, and of what is gone shows the totals that are left."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.shop import DAY, events, imported
from tests.browser.test_panels import number, rows, totals
from tests.browser.web import HOST
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]


def of_both(domain: str, now: int) -> Iterator[dict[str, Any]]:
    yield from events(domain, now - 90 * DAY)
    yield from events(domain, now)


def test_what_goes_is_told_before_and_what_is_left_is_shown_after(visitor: Open, signed_in: Any, stack: Stack) -> None:
    desk = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    site = imported(stack, f"kept.{HOST}", "Kept", of_both)
    today = datetime.now(UTC).date()
    then = f"from={today - timedelta(days=111)}&to={today - timedelta(days=89)}"
    before = site.answer("dashboard", f"?{then}")
    assert before["total_sessions"] > 100

    desk.goto(f"/sites/{site.id}/settings#kept")
    kept = desk.get_by_role("region", name="Kept data")
    expect(kept.get_by_text("of events and")).to_be_visible()
    save, sure = kept.get_by_role("button", name="Save"), kept.get_by_role("checkbox")
    kept.get_by_label("Sessions, months").fill("1")
    sure.check()
    save.click()
    expect(kept.get_by_text("must be no less than events_months")).to_be_visible()
    kept.get_by_label("Raw events, months").fill("1")
    expect(save).to_be_disabled()
    expect(kept.get_by_text("raw events of before")).to_be_visible()
    sure.check()
    save.click()
    expect(kept.get_by_text("Saved", exact=True)).to_be_visible()
    assert "nothing more is to go" in stack.command("retain", site.id)

    desk.goto(f"/sites/{site.id}?{then}&compare=off&chart=visitors")
    found = totals(desk.get_by_role("region", name="Sessions over time"))
    assert (found["Visitors"], found["Sessions"]) == ("–", number(before["total_sessions"]))
    assert rows(desk.get_by_role("region", name="Pages")) == [
        [each["page"], number(each["count"])] for each in before["top_pages"]
    ]
    desk.get_by_role("button", name="Entry pages").click()
    pages = desk.get_by_role("region", name="Pages")
    expect(pages.get_by_text("only totals are kept")).to_be_visible()
    pages.get_by_role("button", name="Show from then on").click()
    expect(pages.get_by_text("only totals are kept")).not_to_be_visible()
    desk.goto(f"/sites/{site.id}/settings#kept")
    expect(kept.get_by_text("Sessions of before")).to_be_visible()
