"""Thresholds are changed, saved and applied to the past: through the page, the log and the workers."""

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.shop import events, imported
from tests.browser.test_accounts import PHONE, well_made
from tests.browser.web import HOST
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_thresholds_are_applied_to_the_past_from_the_page(desk: Tab, stack: Stack, visitor: Open) -> None:
    past = imported(stack, f"past.{HOST}", "Past", events)
    judged = past.answer("friction")["sources"]
    desk.goto(f"/sites/{past.id}/settings#friction")
    friction = desk.get_by_role("region", name="Friction")
    apply = friction.get_by_role("button", name="Apply to the past")
    expect(apply).to_be_enabled()
    for name, value in (("Left at once: seconds", "0"), ("Skimmed: seconds a page", "0")):
        friction.get_by_label(name).fill(value)
    expect(apply).to_be_disabled()
    expect(friction.get_by_text("Save first.")).to_be_visible()
    friction.get_by_role("button", name="Save").click()
    expect(friction.get_by_text("Saved", exact=True)).to_be_visible()
    assert past.answer("friction")["sources"] == judged

    # The report tells of it, and whoever only reads is offered nothing.
    desk.goto(f"/sites/{past.id}?tab=friction")
    notice = desk.get_by_text("were judged by earlier thresholds or pairs")
    expect(notice).to_be_visible()
    expect(desk.get_by_role("button", name="Apply to the past")).to_be_enabled()
    invitation = stack.request("POST", f"/api/sites/{past.id}/members", {"role": "viewer"}).json()["url"]
    phone = visitor(base_url=stack.url, **PHONE).new_page()
    phone.goto(invitation)
    phone.get_by_label("Email").fill("past@example.com")
    phone.get_by_label("Password").fill("correct horse battery")
    phone.get_by_role("button", name="Accept").click()
    phone.wait_for_url(f"**/sites/{past.id}")
    phone.goto(f"/sites/{past.id}?tab=friction")
    expect(phone.get_by_text("were judged by earlier thresholds or pairs")).to_be_visible()
    expect(phone.get_by_role("button", name="Apply to the past")).to_have_count(0)
    well_made(phone)

    desk.get_by_role("button", name="Apply to the past").click()
    expect(desk.get_by_role("button", name="Apply to the past")).to_have_count(0)
    expect(notice).to_have_count(0)  # once it is through and the report asks again
    buckets = [source["buckets"] for source in past.answer("friction")["sources"]]
    assert sum(each["bouncer"] + each["skimmer"] for each in buckets) == 0
    desk.goto(f"/sites/{past.id}/settings#friction")
    expect(friction.get_by_text("Applied to 120 visitors")).to_be_visible()
    assert "no difference" in stack.command("verify", "--site", past.id)
