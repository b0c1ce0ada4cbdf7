"""What the script records of a visit, each case read back from the API."""

import time

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.web import Web, eventually

pytestmark = [pytest.mark.browser, pytest.mark.services]

TALL = '<div style="height:5000px">long</div>'
STUB = (
    "<script>window.throughline=window.throughline||"
    "{q:[],track:function(){this.q.push(arguments)}};throughline.track('early',{n:1})</script>"
)


def test_a_pageview_with_title_referrer_and_source(tab: Tab, web: Web, site: Counted) -> None:
    address = web.page("/pricing")
    tab.goto(f"{address}?utm_source=News&utm_campaign=May&secret=1", referer="https://www.google.com/search")
    [event] = site.wait("pageview")
    assert (event["page"], event["title"]) == ("/pricing", "Shop")
    assert event["url"].endswith("/pricing?utm_source=News&utm_campaign=May"), "private parameters are dropped"
    [session] = site.sessions()
    assert (session["source"], session["campaign"], session["entry_page"]) == ("news", "May", "/pricing")
    assert [posted["screen"] for posted in web.gate.events][:1] == [tab.evaluate("[screen.width, screen.height]")]


def test_one_visitor_over_two_pages_is_one_session(tab: Tab, web: Web, site: Counted) -> None:
    first, second = web.page("/"), web.page("/two")
    tab.goto(first)
    site.wait("pageview")
    tab.goto(second)
    site.wait("pageview", "pageview")
    [session] = site.sessions()
    assert (session["entry_page"], session["exit_page"], session["bounce"]) == ("/", "/two", False)


def test_twice_on_a_page_counts_once(tab: Tab, web: Web, site: Counted) -> None:
    again = f'<script defer src="/stats/t.js?again" data-site="{web.tracking_id}" data-allow="local"></script>'
    tab.goto(web.page("/", head=again))
    tab.evaluate("throughline.track('once')")
    site.wait("once", "pageview")


def test_embedded_after_load(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/late", script=None))
    tab.wait_for_load_state("networkidle")
    tab.evaluate(
        """id => { const s = document.createElement('script'); s.src = '/stats/t.js'; s.dataset.site = id;
        s.dataset.allow = 'local'; document.head.append(s) }""",
        web.tracking_id,
    )
    site.wait("pageview")


def test_events_with_data_and_revenue_before_and_after_the_script_has_loaded(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", head=STUB))
    tab.evaluate(
        """throughline.track('purchase', {plan: 'pro'},
        {revenue: {amount: '19.90', currency: 'EUR', transaction: 'o-1'}})"""
    )
    events = {event["type"]: event for event in site.wait("pageview", "early", "purchase")}
    assert events["early"]["data"] == {"n": 1}
    assert events["purchase"]["data"] == {"plan": "pro"}
    assert events["purchase"]["revenue"] == {"amount": 19.9, "currency": "EUR", "transaction": "o-1"}


def test_single_page_navigation(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/app"))
    site.wait("pageview")  # a first request that took longer would put the first page after the second
    tab.evaluate("history.pushState({}, '', '/app/one'); setTimeout(() => document.title = 'One')")
    tab.wait_for_timeout(200)
    tab.evaluate("history.pushState({}, '', '/app/one?sort=up')")  # the same page with another query
    tab.evaluate("history.replaceState({}, '', '/app/two')")
    tab.wait_for_timeout(200)
    tab.evaluate("history.back()")
    events = site.wait("pageview", "pageview", "pageview", "pageview")
    assert [event["page"] for event in events] == ["/app", "/app/one", "/app/two", "/app/one"]
    assert events[1]["title"] == "One", "the title that the router sets after it has moved"
    referrers = [posted.get("referrer") for posted in web.gate.events if posted["type"] == "pageview"]
    assert referrers[1] == f"{web.url}/app"


def test_hash_routes_are_pages_where_asked_for(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/app", script="data-hash") + "#/products/1")
    site.wait("pageview")
    tab.evaluate("location.hash = '#/products/2?utm_source=x'")
    events = site.wait("pageview", "pageview")
    assert [event["page"] for event in events] == ["/app/products/1", "/app/products/2"]


def test_hash_changes_are_no_pageviews_otherwise(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/doc"))
    tab.evaluate("location.hash = '#chapter'")
    tab.wait_for_timeout(300)
    tab.evaluate("throughline.track('end')")
    site.wait("pageview", "end")


def test_scroll_depth_of_a_long_page(tab: Tab, web: Web, site: Counted) -> None:
    tab.set_viewport_size({"width": 800, "height": 500})
    tab.goto(web.page("/long", TALL))
    tab.evaluate("scrollTo(0, 2000)")
    tab.wait_for_timeout(200)
    tab.evaluate("scrollTo(0, 0)")
    tab.wait_for_timeout(100)
    expected = tab.evaluate("(2000 + innerHeight) / document.documentElement.scrollHeight * 100")
    tab.goto("about:blank")
    [row] = eventually(
        lambda: site.answer("scroll-depth")["pages"], lambda pages: bool(pages) and pages[0]["reported"] == 1
    )
    assert row["avg_depth"] == pytest.approx(expected, abs=0.02)
    assert (row["depth"]["25"], row["depth"]["50"]) == (1, 0)


def test_scroll_depth_of_a_page_that_grows(tab: Tab, web: Web, site: Counted) -> None:
    """What a reader saw is measured against the page as it is, not against the empty page it began as."""
    tab.set_viewport_size({"width": 800, "height": 500})
    tab.goto(web.page("/feed", '<div id="feed">loading</div>'))
    site.wait("pageview")
    tab.evaluate("document.getElementById('feed').style.height = '5000px'")
    tab.evaluate("scrollTo(0, 1000)")
    tab.wait_for_timeout(200)
    tab.goto("about:blank")
    [row] = eventually(
        lambda: site.answer("scroll-depth")["pages"], lambda pages: bool(pages) and pages[0]["reported"] == 1
    )
    assert 28 < row["avg_depth"] < 32


def test_a_page_that_fits_is_read_to_its_end(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/short", "brief"))
    site.wait("pageview")
    tab.goto("about:blank")
    [row] = eventually(
        lambda: site.answer("scroll-depth")["pages"], lambda pages: bool(pages) and pages[0]["reported"] == 1
    )
    assert row["avg_depth"] == 100


# Focus and visibility as the test says; the page itself notes how long it had both.
ATTENTION = """<script>
    let focused = true, visible = true, since = performance.now();
    window.spent = 0;
    document.hasFocus = () => focused;
    Object.defineProperty(document, 'hidden', {get: () => !visible});
    window.attend = (newFocus, newVisible) => {
        const now = performance.now(), had = focused && visible;
        spent += had ? now - since : 0;
        [focused, visible, since] = [newFocus, newVisible, now];
        dispatchEvent(new Event(focused ? 'focus' : 'blur'));
        document.dispatchEvent(new Event('visibilitychange'));
    };
</script>"""


def test_engaged_time_is_visible_and_focused(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/read", TALL, head=ATTENTION))
    tab.wait_for_timeout(700)
    tab.evaluate("attend(false, true)")
    tab.wait_for_timeout(1500)  # another window has the focus
    tab.evaluate("attend(true, true)")
    tab.wait_for_timeout(500)
    tab.evaluate("attend(true, false)")
    tab.wait_for_timeout(1500)  # another tab is shown
    spent = tab.evaluate("spent")
    tab.evaluate("history.pushState({}, '', '/next')")  # which reports what is left to report of the page before
    site.wait("pageview", "pageview")
    ledger = eventually(site.ledger, lambda ledger: ledger["counted"] >= 3)
    engaged = sum(posted.get("engaged_ms", 0) for posted in web.gate.events)
    assert engaged == pytest.approx(spent, abs=300), "neither the other window nor the other tab counts"
    assert ledger["filtered"] == {}


def test_a_window_that_loses_the_focus_is_not_attended_to(visitor: Open, web: Web, site: Counted) -> None:
    """The same with the browser's own idea of focus."""
    context = visitor()
    tab = context.new_page()
    tab.goto(web.page("/read", TALL))
    context.new_cdp_session(tab).send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    other = context.new_page()
    other.bring_to_front()
    eventually(lambda: tab.evaluate("document.hasFocus()"), lambda focused: not focused)
    before = tab.evaluate("performance.now()")
    other.wait_for_timeout(2000)
    tab.evaluate("history.pushState({}, '', '/next')")
    site.wait("pageview", "pageview")
    assert sum(posted.get("engaged_ms", 0) for posted in web.gate.events) <= before + 100


def test_the_back_button_shows_a_page_again(tab: Tab, web: Web, site: Counted) -> None:
    first, second = web.page("/one"), web.page("/two")
    tab.goto(first)
    site.wait("pageview")
    tab.evaluate("window.kept = 1")
    tab.goto(second)
    site.wait("pageview", "pageview")
    tab.evaluate("history.back()")
    events = site.wait("pageview", "pageview", "pageview")
    assert tab.evaluate("window.kept") == 1, "this came from the back-forward cache"
    assert [event["page"] for event in events] == ["/one", "/two", "/one"]
    views = [posted["view"] for posted in web.gate.events if posted["type"] == "pageview"]
    assert len(set(views)) == 3


def test_a_prerendered_page_counts_when_it_is_shown(tab: Tab, web: Web, site: Counted) -> None:
    tab.add_init_script(
        "Object.defineProperty(Document.prototype, 'prerendering', {configurable: true, get: () => window.hid !== 0})"
    )
    tab.goto(web.page("/next"))
    tab.wait_for_timeout(400)
    assert web.gate.posts == []
    tab.evaluate("window.hid = 0; document.dispatchEvent(new Event('prerenderingchange'))")
    site.wait("pageview")


def test_links_files_forms_and_named_elements(tab: Tab, web: Web, site: Counted) -> None:
    web.page("/thanks", script=None)
    tab.goto(
        web.page(
            "/",
            """<a id="out" href="https://partner.example/offer?token=1" target="x">out</a>
            <a id="file" href="/price-list.pdf" target="x">file</a><a id="in" href="#a">in</a>
            <button id="plan" data-event="choose_plan" data-event-plan="pro"><b>Pro</b></button>
            <form id="signup" action="/thanks"><input name="id"><input name="mail"><button>Go</button></form>""",
            script="data-outbound data-downloads data-forms",
        )
    )
    tab.evaluate("addEventListener('click', event => event.target.closest('a') && event.preventDefault())")
    for selector in ("#out", "#file", "#in", "#plan b"):
        tab.click(selector)
    tab.fill("input[name=mail]", "a@b.c")
    tab.fill("input[name=id]", "1")
    tab.click("form button")
    events = {
        event["type"]: event["data"]
        for event in site.wait("pageview", "outbound_link", "download", "choose_plan", "form_start", "form_submit")
    }
    assert events["outbound_link"] == {"url": "https://partner.example/offer"}
    assert events["download"] == {"url": f"{web.url}/price-list.pdf"}
    assert events["choose_plan"] == {"plan": "pro"}
    assert events["form_start"] == events["form_submit"] == {"form": "signup"}


def test_links_and_forms_are_left_alone_unless_asked_for(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", '<a href="https://partner.example/x.pdf" download>out</a><form><input></form>'))
    tab.evaluate("addEventListener('click', event => event.preventDefault())")
    tab.click("a")
    tab.fill("input", "x")
    tab.evaluate("throughline.track('end')")
    site.wait("pageview", "end")


def test_the_pixel_counts_without_javascript(visitor: Open, web: Web, site: Counted) -> None:
    context = visitor(java_script_enabled=False)
    image = f"/stats/e.gif?site={web.tracking_id}&url={web.url}/plain"
    context.new_page().goto(web.page("/plain", f'<noscript><img src="{image}" alt=""></noscript>'))
    [event] = site.wait("pageview")
    assert event["page"] == "/plain"


def test_a_first_event_is_answered_within_two_seconds(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/"))
    began = time.monotonic()
    site.wait("pageview")
    assert time.monotonic() - began < 30, "freshness itself is measured in docs/benchmarks.md"
