"""The ways through the pages, as a person goes them; each change is read back from the API."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import Route, expect

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.web import HOST, Web, eventually
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]


def test_signing_in_and_out(visitor: Open, stack: Stack, site: Counted) -> None:
    tab = visitor(base_url=stack.url).new_page()
    tab.goto(f"/sites/{site.id}?range=7d")
    tab.wait_for_url("**/login?next=*")
    tab.get_by_label("Email").fill(stack.first_run["email"])
    tab.get_by_label("Password").fill("not this")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("alert")).to_have_text("No account has this email and password.")
    tab.get_by_label("Password").fill(stack.password)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name="Not now").click()
    tab.wait_for_url(f"**/sites/{site.id}?range=7d")
    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url("**/login")
    tab.goto("/sites")
    tab.wait_for_url("**/login?next=%2Fsites")


def test_charts_come_with_the_first_chart(visitor: Open, stack: Stack) -> None:
    asked: list[str] = []
    tab = visitor(base_url=stack.url).new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto("/login")
    expect(tab.get_by_label("Email")).to_be_visible()
    assert [url for url in asked if "uPlot" in url] == []


def test_the_way_back_after_signing_in_stays_on_this_server(visitor: Open, stack: Stack, signed_in: Any) -> None:
    tab = visitor(base_url=stack.url).new_page()
    tab.goto("/login?next=https%3A%2F%2Fevil.example%2Fsites")
    tab.get_by_label("Email").fill(stack.first_run["email"])
    tab.get_by_label("Password").fill(stack.password)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name="Not now").click()
    tab.wait_for_url(f"{stack.url}/sites")


def test_from_adding_a_site_to_its_first_event(desk: Tab, web: Web, visitor: Open, stack: Stack) -> None:
    desk.goto("/sites")
    desk.get_by_role("link", name="Add a site").first.click()
    desk.get_by_label("Name", exact=True).fill("New shop")
    desk.get_by_label("Domain").fill(f"new.{HOST}")
    desk.get_by_role("button", name="Add the site").click()
    expect(desk.locator(".waiting")).to_contain_text("Waiting for the first event")
    desk.get_by_role("button", name="Copy snippet").click()
    snippet = desk.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(
        rf'<script defer src="{stack.url}/t\.js" data-site="site_[a-z0-9]{{16}}"'
        r" data-outbound data-downloads data-forms></script>",
        snippet,
    )
    web.host = f"new.{HOST}"
    address = web.page("/", script=None, head=snippet.replace("defer", 'defer data-allow="local"'))
    visitor().new_page().goto(address)
    expect(desk.get_by_text("First event received")).to_be_visible(timeout=30_000)
    desk.get_by_role("button", name="Open the dashboard").click()
    expect(desk.get_by_role("region", name="Sessions over time").locator("dd:not(.changed)").nth(1)).to_have_text(
        "1", timeout=30_000
    )
    expect(desk.get_by_text("1 visitor now")).to_be_visible(timeout=30_000)


def test_adding_a_site_says_what_is_wrong(visitor: Open, signed_in: Any, stack: Stack, site: Counted) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    tab.goto("/sites?add")
    tab.get_by_label("Name", exact=True).fill("Again")
    tab.get_by_label("Domain").fill(site.site["domain"])
    tab.get_by_role("button", name="Add the site").click()
    expect(tab.get_by_label("Domain")).to_have_attribute("aria-invalid", "true")
    tab.get_by_label("Domain").fill("no domain")
    tab.get_by_role("button", name="Add the site").click()
    expect(tab.get_by_role("alert")).not_to_be_empty()


def test_an_empty_site_says_what_to_do(desk: Tab, site: Counted) -> None:
    desk.goto(f"/sites/{site.id}")
    expect(desk.get_by_role("heading", name="Nothing has been counted yet")).to_be_visible()
    expect(desk.get_by_label("Tracking snippet")).to_contain_text(site.site["tracking_id"])


def test_setup_says_what_came_and_was_not_counted(desk: Tab, site: Counted, stack: Stack) -> None:
    event = {"site": site.site["tracking_id"], "type": "pageview", "url": "https://staging.example/"}
    eventually(lambda: stack.request("POST", "/e", event, key="").status, lambda status: status == 202)
    desk.goto(f"/sites/{site.id}")
    expect(desk.get_by_role("note")).to_contain_text("is this machine alone")
    waiting = desk.locator(".waiting")
    expect(waiting).to_contain_text("1 event came and was not counted")
    waiting.get_by_label("Its host").fill("staging.example")
    waiting.get_by_role("button", name="Allow it").click()
    expect(waiting).to_contain_text("Pages on staging.example count from now on")
    eventually(lambda: stack.request("POST", "/e", event, key="").json()["accepted"], lambda accepted: accepted == 1)
    counted = desk.get_by_role("region", name="Sessions over time")  # which comes by itself too
    expect(desk.get_by_text("First event received").or_(counted).first).to_be_visible()


def test_a_new_site_is_in_the_time_zone_of_who_adds_it(visitor: Open, signed_in: Any, stack: Stack) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url, timezone_id="Asia/Kathmandu").new_page()
    tab.goto("/sites?add")
    tab.get_by_label("Name", exact=True).fill("Far")
    tab.get_by_label("Domain").fill("far.example")
    tab.get_by_role("button", name="Add the site").click()
    expect(tab.get_by_role("heading", name="Far is ready to be counted")).to_be_visible()
    [site] = [each for each in stack.get("/api/sites") if each["domain"] == "far.example"]
    assert stack.get(f"/api/sites/{site['id']}")["settings"]["timezone"] in ("Asia/Kathmandu", "Asia/Katmandu")


def test_a_site_that_is_not_ours(visitor: Open, signed_in: Any, stack: Stack) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    tab.goto("/sites/nobodys1")
    expect(tab.get_by_role("alert")).to_contain_text("Try again")


def test_settings_reach_the_api(desk: Tab, site: Counted, stack: Stack) -> None:
    desk.goto(f"/sites/{site.id}/settings")

    def save(section: str) -> None:
        part = desk.get_by_role("region", name=section, exact=True)
        part.get_by_role("button", name="Save").click()
        expect(part.get_by_text("Saved")).to_be_visible()

    desk.get_by_role("region", name="General").get_by_label("Name", exact=True).fill("Renamed")
    desk.get_by_label("Time zone").select_option("Australia/Lord_Howe")
    save("General")
    desk.get_by_label("Cookieless").check()
    save("Privacy")
    expect(desk.get_by_label("Tracking snippet").first).to_contain_text("data-cookieless")
    desk.get_by_label("Hosts", exact=True).fill("shop.example.org\nother.example.org")
    save("Allowed hosts")
    desk.get_by_label("Hosts of referrers").fill("pay.example.org\nBÜCHER.example")
    save("Ignored referrers")
    desk.get_by_label("This site earns revenue").check()
    desk.get_by_label("Currency").select_option("CHF")
    desk.get_by_label("Event type of a sale").fill("sale")
    save("Revenue")
    desk.get_by_label("Left at once: seconds").fill("7")
    save("Friction")
    desk.get_by_role("button", name="Add a pair").click()
    desk.get_by_label("Started, pair 4").fill("trial_start")
    desk.get_by_label("Finished by, pair 4").fill("trial_end, purchase")
    desk.get_by_role("button", name="Remove pair 1").click()
    save("Started and finished")

    kept = stack.get(f"/api/sites/{site.id}")
    settings = kept["settings"]
    assert kept["name"] == "Renamed"
    assert settings["timezone"] == "Australia/Lord_Howe"
    assert settings["cookieless"] is True
    assert settings["hosts"] == ["shop.example.org", "other.example.org"]
    assert settings["ignored_referrers"] == ["pay.example.org", "xn--bcher-kva.example"]
    assert settings["revenue"] == {"currency": "CHF", "type": "sale"}
    assert settings["friction"]["bouncer_seconds"] == 7
    assert settings["pairs"][-1] == ["trial_start", "trial_end", "purchase"]
    assert settings["pairs"][0] == ["add_to_cart", "purchase"]


def test_settings_show_what_became_of_every_event(desk: Tab, site: Counted, stack: Stack) -> None:
    own = {"site": site.site["tracking_id"], "type": "pageview", "url": f"https://{site.site['domain']}/", "id": "e1"}
    foreign = {**own, "id": "e2", "url": "https://elsewhere.example/"}
    assert stack.request("POST", "/e", [own, foreign, {**foreign, "id": "e3"}], key="").status == 202
    stack.wait_for(f"/api/sites/{site.id}/ledger", lambda ledger: ledger["received"] == 3 and ledger["counted"] == 1)
    desk.goto(f"/sites/{site.id}/settings#received")
    rows = desk.get_by_role("region", name="Received").get_by_role("row")
    expect(rows).to_have_text(
        [
            re.compile("What became"),
            re.compile("Counted.*1"),
            re.compile("another host.*host.*2"),
            re.compile("Received.*3"),
        ]
    )


def test_a_refused_setting_is_told_at_its_field(visitor: Open, signed_in: Any, stack: Stack, site: Counted) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    tab.goto(f"/sites/{site.id}/settings")
    tab.get_by_label("Hosts", exact=True).fill("https://not.a/host")
    part = tab.get_by_role("region", name="Allowed hosts")
    part.get_by_role("button", name="Save").click()
    expect(part.get_by_role("alert")).not_to_be_empty()
    assert stack.get(f"/api/sites/{site.id}")["settings"]["hosts"] == []


def test_api_keys_are_shown_once_and_can_be_revoked(desk: Tab, site: Counted, stack: Stack) -> None:
    desk.goto(f"/sites/{site.id}/settings#keys")
    desk.get_by_role("button", name="Create a key").click()
    shown = desk.get_by_label("New API key")
    expect(shown).to_contain_text("sk_")
    key = shown.inner_text().strip()
    desk.get_by_role("button", name="Copy key").click()
    assert desk.evaluate("navigator.clipboard.readText()") == key
    assert stack.request("GET", "/api/sites", key=key).status == 200
    masked = next(each["masked"] for each in stack.get("/api/keys") if each["masked"].endswith(key[-4:]))
    desk.reload()
    expect(desk.get_by_text(masked).first).to_be_visible()
    assert key not in desk.content()
    row = desk.get_by_role("row").filter(has_text=masked)
    row.get_by_role("button", name="Revoke").click()
    row.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_have_count(0)
    assert stack.request("GET", "/api/sites", key=key).status == 401


def test_deleting_a_site_takes_its_name(desk: Tab, site: Counted, stack: Stack) -> None:
    desk.goto(f"/sites/{site.id}/settings#delete")
    button = desk.get_by_role("button", name=f"Delete {site.site['name']}")
    expect(button).to_be_disabled()
    desk.get_by_label("Type the site's name").fill(site.site["name"])
    button.click()
    desk.wait_for_url("**/sites")
    assert stack.request("GET", f"/api/sites/{site.id}").status == 403


def test_the_theme_is_kept(desk: Tab, stack: Stack) -> None:
    desk.emulate_media(color_scheme="light")
    desk.goto("/sites")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = desk.evaluate(ground)
    desk.get_by_role("button", name="Switch between light and dark").click()
    dark = desk.evaluate(ground)
    assert light != dark
    desk.reload()
    assert desk.evaluate(ground) == dark


def test_an_outage_of_one_panel_is_its_own(visitor: Open, signed_in: Any, stack: Stack, shop: Counted) -> None:
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    refusal = '{"error":{"code":"unavailable","message":"ClickHouse is away.","param":null}}'

    def refuse(route: Route) -> None:
        route.fulfill(status=503, body=refusal, content_type="application/json")

    tab.route("**/analytics/friction*", refuse)
    tab.goto(f"/sites/{shop.id}")
    part = tab.get_by_role("region", name="How visits went")
    expect(tab.get_by_role("alert")).to_have_text("ClickHouse is away.")
    expect(part.locator(".skeleton")).to_be_visible()
    expect(tab.get_by_role("region", name="Sources").locator("tbody tr").first).to_be_visible()
    tab.unroute("**/analytics/friction*", refuse)
    tab.get_by_role("button", name="Try now").click()
    expect(part.get_by_role("list", name="Largest sources")).to_be_visible()
    expect(tab.get_by_role("alert")).to_have_count(0)


def test_an_api_that_is_away_is_told_once(visitor: Open, signed_in: Any, stack: Stack, shop: Counted) -> None:
    """Not panel by panel; what was there stays, and it comes back by itself."""
    tab = visitor(storage_state=signed_in, base_url=stack.url).new_page()
    tab.goto(f"/sites/{shop.id}")
    shown = tab.get_by_role("region", name="Sources").locator("tbody tr")
    expect(shown.first).to_be_visible()
    expect(tab.locator(".skeleton, [aria-busy=true]")).to_have_count(0)
    tab.clock.install()
    tab.route("**/analytics/**", lambda route: route.abort())
    tab.get_by_role("navigation", name="Reports").get_by_role("link", name="Revenue").click()
    expect(tab.get_by_role("alert")).to_have_text("The server cannot be reached.")
    expect(tab.get_by_text("Next try in")).to_be_visible()
    tab.get_by_role("navigation", name="Reports").get_by_role("link", name="Overview").click()
    tab.unroute("**/analytics/**")
    tab.clock.fast_forward(31_000)
    expect(shown.first).to_be_visible()
    expect(tab.get_by_role("alert")).to_have_count(0)
