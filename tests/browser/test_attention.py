"""What a visitor has really seen: scrolled elements, seconds, tabs in the background, pages shown again."""

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.web import Web, eventually

pytestmark = [pytest.mark.browser, pytest.mark.services]

TALL = '<div style="height:5000px">long</div>'
BODY = "<style>html{height:100%;overflow:hidden} body{height:100%;margin:0;overflow:auto}</style>"
SHELL = """<style>body{margin:0} nav{height:60px} main,aside{height:calc(100vh - 60px);overflow:auto}
    main{float:left;width:70%} aside{float:left;width:30%}</style>"""
HALF = "element => element.scrollTo(0, element.scrollHeight / 2)"
SMALL = '<pre style="margin-top:200px;height:100px;overflow:auto">' + "x\n" * 99 + "</pre>"
SEEN = "element => (element.scrollTop + element.clientHeight) / element.scrollHeight * 100"


def reported(web: Web) -> list[float]:
    """The depths reported, in the order of posting."""
    return [event["scroll"] for event in web.gate.events if event["type"] == "engagement"]


def left(tab: Tab, web: Web) -> float:
    """The depth of the view, after the page has been left."""
    tab.goto("about:blank")
    eventually(lambda: reported(web), bool)
    return max(reported(web))


def scrolled(tab: Tab, selector: str) -> float:
    """Scroll the element by half and back; how much of it was seen then."""
    element = tab.locator(selector)
    element.evaluate(HALF)
    seen = float(element.evaluate(SEEN))
    tab.wait_for_timeout(100)
    element.evaluate("element => element.scrollTo(0, 0)")
    tab.wait_for_timeout(100)
    return seen


@pytest.mark.parametrize("doctype", ["standards", "quirks"])
def test_a_body_that_scrolls_itself(doctype: str, tab: Tab, web: Web, site: Counted) -> None:
    tab.set_viewport_size({"width": 800, "height": 500})
    web.doctype = "<!doctype html>" if doctype == "standards" else ""
    tab.goto(web.page("/", TALL, head=BODY))
    seen = scrolled(tab, "body")
    assert 40 < seen < 70
    assert left(tab, web) == pytest.approx(seen, abs=0.1)


def test_a_shell_whose_main_part_scrolls(tab: Tab, web: Web, site: Counted) -> None:
    """The largest part that scrolls, not the list beside it, which is scrolled to its end."""
    tab.set_viewport_size({"width": 800, "height": 500})
    body = f"<nav>menu</nav><main>{TALL}</main><aside>{TALL}</aside>"
    tab.goto(web.page("/", body, head=SHELL))
    tab.evaluate("document.querySelector('aside').scrollTo(0, 1e9)")
    seen = scrolled(tab, "main")
    assert left(tab, web) == pytest.approx(seen, abs=0.1)


def test_a_shell_that_was_not_scrolled_is_not_read_to_its_end(tab: Tab, web: Web, site: Counted) -> None:
    tab.set_viewport_size({"width": 800, "height": 500})
    tab.goto(web.page("/", f"<nav>menu</nav><main>{TALL}</main>", head=SHELL))
    assert left(tab, web) == pytest.approx(440 / 5000 * 100, abs=0.1)


def test_a_shell_that_is_drawn_later_and_shows_another_page(tab: Tab, web: Web, site: Counted) -> None:
    tab.set_viewport_size({"width": 800, "height": 500})
    tab.goto(web.page("/app", "<p>loading</p>", head=SHELL))
    site.wait("pageview")
    tab.evaluate(f"document.body.innerHTML = `<main>{TALL}</main>`")
    first = scrolled(tab, "main")
    tab.evaluate("history.pushState(null, '', '/app/next')")
    assert reported(web) == [] or reported(web)[-1] >= first - 0.1
    eventually(lambda: reported(web), bool)
    assert reported(web)[-1] == pytest.approx(first, abs=0.1)
    tab.evaluate("document.querySelector('main').firstChild.style.height = '9000px'")
    tab.evaluate("document.querySelector('main').scrollTo(0, 900)")
    tab.wait_for_timeout(100)
    second = float(tab.locator("main").evaluate(SEEN))
    tab.goto("about:blank")
    eventually(lambda: reported(web), lambda depths: len(depths) > 1)
    assert reported(web)[-1] == pytest.approx(second, abs=0.1), "the next page begins anew"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(SMALL, id="a small part that scrolls"),
        pytest.param(f'<div style="height:400px;overflow:hidden">{TALL}</div>', id="a picture that is cut"),
    ],
)
def test_a_page_that_fits_is_read_to_its_end_whatever_is_in_it(body: str, tab: Tab, web: Web, site: Counted) -> None:
    tab.set_viewport_size({"width": 800, "height": 500})
    tab.goto(web.page("/", body))
    site.wait("pageview")
    assert left(tab, web) == 100


def test_a_part_that_scrolls_on_a_page_that_scrolls(tab: Tab, web: Web, site: Counted) -> None:
    tab.set_viewport_size({"width": 800, "height": 500})
    tab.goto(web.page("/", f'<div id="part" style="height:400px;overflow:auto">{TALL}</div>{TALL}'))
    scrolled(tab, "#part")
    assert left(tab, web) < 12, "the page itself was not scrolled"


def test_a_night_asleep_is_not_attention(tab: Tab, web: Web, site: Counted) -> None:
    """The clock goes on, the page does not: what counts are the seconds seen, not those between two looks."""
    tab.add_init_script(
        "window.slept = 0; const clock = performance.now.bind(performance); performance.now = () => clock() + slept"
    )
    tab.goto(web.page("/", TALL))
    tab.wait_for_timeout(1000)
    tab.evaluate("window.slept = 8 * 3600e3")
    tab.wait_for_timeout(5500)  # the page's own look at it
    tab.evaluate("window.slept *= 2")
    tab.evaluate("history.pushState(null, '', '/next')")
    tab.goto("about:blank")
    eventually(lambda: reported(web), bool)
    engaged = sum(event.get("engaged_ms", 0) for event in web.gate.events)
    assert engaged < 10_000


# Hidden until the test says otherwise.
HIDDEN = """window.shown = false; Object.defineProperty(Document.prototype, 'hidden',
    {get: () => !shown});
    window.show = () => { shown = true; document.dispatchEvent(new Event('visibilitychange')) }"""


def test_a_tab_in_the_background_counts_when_it_is_first_seen(tab: Tab, web: Web, site: Counted) -> None:
    tab.add_init_script(HIDDEN)
    tab.goto(web.page("/"))
    tab.wait_for_timeout(500)
    assert web.gate.posts == []
    tab.evaluate("show()")
    tab.evaluate("shown = false; document.dispatchEvent(new Event('visibilitychange')); show()")
    site.wait("pageview")


def test_a_tab_that_is_never_looked_at_is_no_pageview(tab: Tab, web: Web, site: Counted) -> None:
    tab.add_init_script(HIDDEN)
    tab.goto(web.page("/"))
    tab.evaluate("history.pushState(null, '', '/two'); dispatchEvent(new Event('pageshow'))")
    tab.wait_for_timeout(300)
    tab.goto("about:blank")
    tab.wait_for_timeout(300)
    assert web.gate.posts == []


def test_tabs_in_the_background_count_at_once_where_asked_for(tab: Tab, web: Web, site: Counted) -> None:
    tab.add_init_script(HIDDEN)
    tab.goto(web.page("/", script="data-background"))
    site.wait("pageview")
    tab.wait_for_timeout(5500)
    assert reported(web) == [], "nobody has seen any of it"


def test_an_event_of_its_own_counts_the_page_in_the_background(tab: Tab, web: Web, site: Counted) -> None:
    """A purchase must not be lost because its page was never looked at."""
    tab.add_init_script(HIDDEN)
    tab.goto(web.page("/thanks"))
    tab.evaluate("throughline.track('purchase', {plan: 'pro'})")
    events = site.wait("pageview", "purchase")
    assert [event["data"] for event in events if event["type"] == "purchase"] == [{"plan": "pro"}]


def test_a_router_on_the_navigation_api(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/app", '<a href="/app/link">link</a>'))
    site.wait("pageview")
    tab.evaluate(
        """navigation.addEventListener('navigate', event => event.canIntercept && event.intercept({
        handler: async () => { document.title = location.pathname } }))"""
    )
    steps = (
        "navigation.navigate('/app/one').finished",
        "navigation.navigate('/app/two', {history: 'replace'}).finished",
        "history.pushState(null, '', '/app/three')",
        "document.querySelector('a').click()",
        "navigation.back().finished",
    )
    for step in steps:
        tab.evaluate(f"(async () => {{ await {step} }})()")
        tab.wait_for_timeout(150)
    events = site.wait(*["pageview"] * 6)
    pages = ["/app", "/app/one", "/app/two", "/app/three", "/app/link", "/app/three"]
    assert [event["page"] for event in events] == pages
    assert events[1]["title"] == "/app/one"


def test_a_page_calling_something_else_its_navigation(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", head="<script>var navigation = {menu: []}</script>"))
    tab.evaluate("history.pushState(null, '', '/two')")
    site.wait("pageview", "pageview")


def test_a_secure_page_comes_back_from_the_cache_of_the_browser(visitor: Open, web: Web, site: Counted) -> None:
    """With its locks: a page that holds one is not kept."""
    web.host = f"{site.site['domain'].split('.')[0]}.localhost"
    assert site.stack.request("PATCH", f"/api/sites/{site.id}", {"settings": {"hosts": ["localhost"]}}).status == 200
    tab = visitor().new_page()
    first, second = web.page("/one"), web.page("/two")
    tab.wait_for_timeout(2500)  # until ingest knows the setting
    tab.goto(first)
    site.wait("pageview")
    tab.evaluate("window.kept = 1")
    tab.goto(second)
    site.wait("pageview", "pageview")
    tab.evaluate("history.back()")
    events = site.wait("pageview", "pageview", "pageview")
    assert tab.evaluate("window.kept") == 1
    assert [event["page"] for event in events] == ["/one", "/two", "/one"]
