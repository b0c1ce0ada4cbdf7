"""Where the script must keep quiet, keep nothing, or keep out of the page's way."""

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.web import Web, eventually

pytestmark = [pytest.mark.browser, pytest.mark.services]

OURS = "Object.keys(localStorage).filter(key => key.startsWith('throughline'))"


def nothing_comes(tab: Tab, web: Web) -> None:
    tab.evaluate("window.throughline && throughline.track('x')")
    tab.wait_for_timeout(600)
    assert web.gate.posts == []


def test_no_cookie_and_no_global_but_one(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/bare", script=None))
    before = set(tab.evaluate("Object.getOwnPropertyNames(window)"))
    tab.goto(web.page("/"))
    assert set(tab.evaluate("Object.getOwnPropertyNames(window)")) - before == {"throughline"}
    site.wait("pageview")
    assert tab.context.cookies() == []
    assert tab.evaluate("document.cookie") == ""


def test_global_privacy_control_keeps_nothing_on_the_device(visitor: Open, web: Web, site: Counted) -> None:
    context = visitor(extra_http_headers={"Sec-GPC": "1"})
    tab = context.new_page()
    tab.goto(web.page("/"))
    site.wait("pageview")
    assert len(tab.evaluate(OURS)) == 1, (
        "this browser does not say it to scripts yet: the server hears it by the header"
    )
    assert web.gate.headers[0]["sec-gpc"] == "1"
    tab.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    tab.reload()
    site.wait("pageview", "pageview")
    assert tab.evaluate(OURS) == [], "what was kept before is gone"
    assert "visitor" not in web.gate.events[-1]
    assert len({session["visitor"] for session in site.sessions()}) == 1, "the daily hash in both cases"


def test_a_cookieless_site_keeps_nothing_on_the_device(tab: Tab, web: Web, site: Counted) -> None:
    web.gate.closed = True
    tab.goto(web.page("/", script="data-cookieless"))
    eventually(lambda: len(web.gate.posts), lambda posts: posts >= 1)
    assert tab.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0
    web.gate.closed = False
    site.wait("pageview")
    assert all("visitor" not in event for event in web.gate.events)


def test_a_device_can_opt_out(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/bare", script=None))
    tab.evaluate("localStorage.throughline_ignore = 'true'")
    tab.goto(web.page("/"))
    nothing_comes(tab, web)
    tab.evaluate("delete localStorage.throughline_ignore")
    tab.evaluate("throughline.track('back')")
    site.wait("back")


def test_automation_is_ignored_unless_allowed(tab: Tab, web: Web) -> None:
    web.page("/", script=None, head=f'<script defer src="/stats/t.js" data-site="{web.tracking_id}"></script>')
    tab.goto(web.url + "/")
    assert tab.evaluate("navigator.webdriver")
    nothing_comes(tab, web)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "app.localhost"])
def test_local_hosts_are_ignored_unless_allowed(host: str, visitor: Open, web: Web) -> None:
    tab = visitor().new_page()
    tab.add_init_script("Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => false})")
    web.page("/", script=None, head=f'<script defer src="/stats/t.js" data-site="{web.tracking_id}"></script>')
    tab.goto(f"http://{host}:{web.port}/")
    nothing_comes(tab, web)


def test_the_same_page_on_its_own_host_is_counted(visitor: Open, web: Web, site: Counted) -> None:
    """The control to the two before: it is the host and the automation that keep the script quiet."""
    tab = visitor().new_page()
    tab.add_init_script("Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => false})")
    web.page("/", script=None, head=f'<script defer src="/stats/t.js" data-site="{web.tracking_id}"></script>')
    tab.goto(web.url + "/")
    site.wait("pageview")


def test_under_a_strict_content_security_policy(tab: Tab, web: Web, site: Counted) -> None:
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"
    tab.goto(web.page("/", Content_Security_Policy=policy))
    tab.evaluate("throughline.track('strict')")
    site.wait("pageview", "strict")
    assert [text for text in said if "Content Security Policy" in text and "icon" not in text] == []


def test_an_endpoint_elsewhere(tab: Tab, web: Web, site: Counted) -> None:
    """Script and endpoint on another origin than the page: what most sites have."""
    origin = f"http://stats.{web.host}:{web.port}/stats"
    tag = f'<script defer src="{origin}/t.js" data-site="{web.tracking_id}" data-allow="local"></script>'
    web.page("/plain", script=None, head=tag)
    direct = tag.replace("data-allow", f'data-api="{site.stack.url}/e" data-allow')
    tab.goto(web.page("/", script=None, head=direct))
    site.wait("pageview")
    assert web.gate.posts == [], "data-api names the endpoint"


def test_data_api_may_be_a_path_of_the_page(tab: Tab, web: Web, site: Counted) -> None:
    direct = f'src="{site.stack.url}/t.js" data-api="/stats/e"'
    tag = f'<script defer {direct} data-site="{web.tracking_id}" data-allow="local"></script>'
    tab.goto(web.page("/", script=None, head=tag))
    site.wait("pageview")
    assert len(web.gate.posts) == 1


def test_it_never_throws_into_the_page(visitor: Open, web: Web) -> None:
    """The fixture fails on any uncaught exception or rejection; the page's own calls must come back too."""
    context = visitor()
    tab = context.new_page()
    tab.add_init_script(
        """crypto.getRandomValues = () => { throw Error('no') };
        Object.defineProperty(window, 'localStorage', {get() { throw Error('no') }});
        navigator.sendBeacon = () => { throw Error('no') }; window.fetch = () => { throw Error('no') };"""
    )
    tab.goto(web.page("/"))
    for call in (
        "track()",
        "track(null)",
        "track('a', (() => { const loop = {}; loop.loop = loop; return loop })())",
        "track(1n)",
    ):
        tab.evaluate(f"window.throughline.{call}")
    tab.evaluate("history.pushState({}, '', '/other')")
    assert tab.evaluate("location.pathname") == "/other"


def test_a_page_without_the_attribute_is_left_alone(tab: Tab, web: Web) -> None:
    tab.goto(web.page("/", script=None, head='<script defer src="/stats/t.js"></script>'))
    nothing_comes(tab, web)
