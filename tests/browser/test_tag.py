"""The tag as it really arrives: with its attributes stripped, twice, as a module, put in by other scripts."""

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.site import Counted
from tests.browser.web import Web

pytestmark = [pytest.mark.browser, pytest.mark.services]


def address(web: Web, options: str = "") -> str:
    return f"/stats/t.js?site={web.tracking_id}&allow=local{options}"


def test_options_on_the_address_of_the_script(tab: Tab, web: Web, site: Counted) -> None:
    """What tag managers leave of a tag whose `data-*` they strip."""
    tag = f'<script async src="{address(web, "&outbound&hash&api=%2Fstats%2Fe")}"></script>'
    tab.goto(web.page("/app", '<a href="https://partner.example/">out</a>', script=None, head=tag) + "#/one")
    tab.evaluate("addEventListener('click', event => event.preventDefault())")
    tab.wait_for_function("window.throughline")
    tab.click("a")
    events = site.wait("pageview", "outbound_link")
    assert events[0]["page"] == "/app/one"


def test_cookieless_on_the_address_keeps_nothing(tab: Tab, web: Web, site: Counted) -> None:
    tag = f'<script defer src="{address(web, "&cookieless")}"></script>'
    tab.goto(web.page("/", script=None, head=tag))
    site.wait("pageview")
    assert tab.evaluate("Object.keys(localStorage).length") == 0


def test_an_attribute_stands_before_the_address(tab: Tab, web: Web, site: Counted) -> None:
    other = address(web).replace(web.tracking_id, "site_0000000000000000")
    tag = f'<script defer src="{other}" data-site="{web.tracking_id}"></script>'
    tab.goto(web.page("/", script=None, head=tag))
    site.wait("pageview")


def test_put_in_by_a_script_without_attributes(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/late", script=None))
    tab.evaluate(
        "src => document.head.append(Object.assign(document.createElement('script'), {src, async: true}))", address(web)
    )
    site.wait("pageview")


@pytest.mark.parametrize("stripped", [True, False])
def test_a_module_that_does_not_know_its_own_tag(stripped: bool, tab: Tab, web: Web, site: Counted) -> None:
    options = (
        f'src="{address(web)}"' if stripped else f'src="/stats/t.js" data-site="{web.tracking_id}" data-allow="local"'
    )
    tab.goto(
        web.page("/", script=None, head=f'<script src="/none.js"></script><script type="module" {options}></script>')
    )
    site.wait("pageview")


def test_two_tags_of_either_kind_count_once(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", head=f'<script async src="{address(web)}"></script>'))
    tab.evaluate("history.pushState(null, '', '/two')")
    tab.evaluate("throughline.track('once')")
    site.wait("pageview", "pageview", "once")


def test_options_of_the_page_are_none_of_the_scripts(tab: Tab, web: Web, site: Counted) -> None:
    """Else a link could turn on what the owner has not: a script written into the page has no other address."""
    code = web.forward("GET", "/t.js", None, {})[2].decode()
    tag = f'<script data-site="{web.tracking_id}" data-api="/stats/e" data-allow="local">{code}</script>'
    link = '<a href="https://partner.example/">out</a>'
    tab.goto(web.page("/", link, script=None, head=tag) + "?outbound&hash#/secret")
    tab.evaluate("addEventListener('click', event => event.preventDefault())")
    tab.click("a")
    tab.evaluate("throughline.track('end')")
    events = site.wait("pageview", "end")
    assert events[0]["page"] == "/"
