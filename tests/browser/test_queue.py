"""Whatever happens to the network, every event is counted once: each case ends in what the API counted."""

import pytest
from playwright.sync_api import BrowserContext
from playwright.sync_api import Page as Tab

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.web import Web, eventually

pytestmark = [pytest.mark.browser, pytest.mark.services]

QUEUE = "Object.keys(localStorage).filter(key => key.includes(':q:')).length"


def hurry(context: BrowserContext) -> None:
    """Long waits of the page pass in a fiftieth of their time, so that backoff need not be sat out."""
    context.add_init_script("const wait = setTimeout; window.setTimeout = (f, ms) => wait(f, ms > 500 ? ms / 50 : ms)")


def ids(web: Web) -> list[str]:
    return [event["id"] for event in web.gate.events]


def test_offline_then_online(visitor: Open, web: Web, site: Counted) -> None:
    context = visitor()
    tab = context.new_page()
    tab.goto(web.page("/"))
    site.wait("pageview")
    context.set_offline(True)
    for n in range(3):
        tab.evaluate("n => throughline.track('offline', {n})", n)
    tab.wait_for_timeout(500)
    assert tab.evaluate(QUEUE) == 3
    context.set_offline(False)
    site.wait("pageview", "offline", "offline", "offline")
    assert tab.evaluate(QUEUE) == 0
    assert len(ids(web)) == len(set(ids(web))), "nothing that arrived was sent again"


def test_an_outage_is_survived_by_a_reload(visitor: Open, web: Web, site: Counted) -> None:
    context = visitor()
    hurry(context)
    tab = context.new_page()
    web.gate.closed = True
    tab.goto(web.page("/"))
    tab.evaluate("throughline.track('before')")
    tab.reload()
    tab.evaluate("throughline.track('after')")
    eventually(lambda: len(web.gate.posts), lambda posts: posts >= 3)
    assert site.types() == []
    web.gate.closed = False
    site.wait("pageview", "pageview", "before", "after")
    assert len(ids(web)) > len(set(ids(web))), "retries carry the same ids"
    eventually(lambda: tab.evaluate(QUEUE), lambda waiting: waiting == 0)


def test_the_last_words_before_an_outage_was_noticed_are_kept(visitor: Open, web: Web, site: Counted) -> None:
    """What is sent while a page is left has no answer, so it waits for the next page of the site."""
    context = visitor()
    tab = context.new_page()
    tab.goto(web.page("/one", "brief"))
    site.wait("pageview")
    web.gate.closed = True
    tab.goto("about:blank")
    eventually(lambda: [event["type"] for event in web.gate.events], lambda types: "engagement" in types)
    web.gate.closed = False
    tab.goto(web.page("/two"))
    site.wait("pageview", "pageview")
    pages = {page["page"]: page for page in site.answer("scroll-depth")["pages"]}
    assert pages["/one"]["depth"]["100"] == 1


def test_retry_after_is_kept_by_every_tab(visitor: Open, web: Web, site: Counted) -> None:
    context = visitor()
    first = context.new_page()
    web.gate.closed, web.gate.retry_after = True, 3
    first.goto(web.page("/"))
    eventually(lambda: len(web.gate.posts), lambda posts: posts == 1)
    web.gate.closed = False
    second = context.new_page()
    second.goto(web.url + "/")
    first.evaluate("throughline.track('first')")
    second.evaluate("throughline.track('second')")
    site.wait("pageview", "pageview", "first", "second")
    times = [time for time, _ in web.gate.posts]
    assert times[1] - times[0] >= 2.9


def test_two_tabs_share_the_queue(visitor: Open, web: Web, site: Counted) -> None:
    """Tabs never overwrite what another has put there, and either sends it all."""
    context = visitor()
    hurry(context)
    web.gate.closed = True
    address = web.page("/")
    first, second = context.new_page(), context.new_page()
    first.goto(address)
    second.goto(address)
    for n in range(10):
        for tab in (first, second):
            tab.evaluate("n => throughline.track('both', {n})", n)
    first.close()
    web.gate.closed = False
    site.wait(*["pageview"] * 2, *["both"] * 20)
    eventually(lambda: second.evaluate(QUEUE), lambda waiting: waiting == 0)
    assert {session["visitor"] for session in site.sessions()} != set()
    assert len(site.sessions()) == 1


def test_tabs_of_a_secure_page_take_turns(visitor: Open, web: Web, site: Counted) -> None:
    """Where the browser offers locks, even what several tabs hold in common is sent once."""
    context = visitor()
    hurry(context)
    # A secure context is what localhost is; the site is told to be the test's domain by a rule of the browser.
    web.host = f"{site.site['domain'].split('.')[0]}.localhost"
    answer = site.stack.request("PATCH", f"/api/sites/{site.id}", {"settings": {"hosts": ["localhost"]}})
    assert answer.status == 200
    web.gate.closed = True
    address = web.page("/")
    tabs = [context.new_page() for _ in range(3)]
    for tab in tabs:
        tab.goto(address)
        assert tab.evaluate("isSecureContext && !!navigator.locks")
        tab.evaluate("for (let n = 0; n < 5; n++) throughline.track('turn', {n})")
    tabs[0].wait_for_timeout(2500)  # until ingest knows the setting
    refused = len(web.gate.posts)
    web.gate.closed = False
    site.wait(*["pageview"] * 3, *["turn"] * 15)
    taken = [event["id"] for _, events in web.gate.posts[refused:] for event in events]
    assert len(taken) == len(set(taken))


def test_a_lost_acknowledgement_counts_once(visitor: Open, web: Web, site: Counted) -> None:
    context = visitor()
    hurry(context)
    tab = context.new_page()
    web.gate.deaf = True
    tab.goto(web.page("/"))
    eventually(lambda: len(web.gate.posts), lambda posts: posts >= 2)
    web.gate.deaf = False
    eventually(lambda: tab.evaluate(QUEUE), lambda waiting: waiting == 0)
    ledger = eventually(site.ledger, lambda ledger: ledger["filtered"].get("duplicate", 0) >= 1)
    assert ledger["counted"] == 1
    assert site.types() == ["pageview"]


def test_the_queue_is_bounded(tab: Tab, web: Web, site: Counted) -> None:
    web.gate.closed, web.gate.retry_after = True, 3600
    tab.goto(web.page("/"))
    eventually(lambda: len(web.gate.posts), lambda posts: posts == 1)
    tab.evaluate("for (let n = 0; n < 1000; n++) throughline.track('many', {n})")
    assert tab.evaluate(QUEUE) == 300
    kept = tab.evaluate(
        "Object.keys(localStorage).filter(key => key.includes(':q:')).map(key => JSON.parse(localStorage[key]).seq)"
    )
    assert max(kept) == 1001, "the newest are kept"


@pytest.mark.parametrize("length", [80_000, 100_000])
def test_an_event_too_large_for_the_server_keeps_none_from_it(length: int, tab: Tab, web: Web, site: Counted) -> None:
    """The browser itself refuses more than 64 KiB that shall outlive the page; that would be tried again for ever."""
    tab.goto(web.page("/"))
    tab.evaluate("n => { throughline.track('huge', {text: 'x'.repeat(n)}); throughline.track('small') }", length)
    site.wait("pageview", "small")
    eventually(lambda: tab.evaluate(QUEUE), lambda waiting: waiting == 0)


def test_many_events_travel_in_several_requests(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/"))
    tab.evaluate("for (let n = 0; n < 250; n++) throughline.track('many', {n, text: '\\u4e2d'.repeat(100)})")
    eventually(
        lambda: site.answer("custom-event-types")["event_types"], lambda types: types and types[0]["count"] == 250
    )
    assert all(len(events) <= 100 for _, events in web.gate.posts)
    assert len(ids(web)) == len(set(ids(web)))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(
            "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no') }})", id="blocked"
        ),
        pytest.param("Storage.prototype.setItem = () => { throw new DOMException('QuotaExceededError') }", id="full"),
    ],
)
def test_without_storage_it_works_in_memory(spoil: str, visitor: Open, web: Web, site: Counted) -> None:
    context = visitor()
    hurry(context)
    context.add_init_script(spoil)
    tab = context.new_page()
    web.gate.closed = True
    tab.goto(web.page("/"))
    tab.evaluate("throughline.track('kept')")
    eventually(lambda: len(web.gate.posts), lambda posts: posts >= 2)
    web.gate.closed = False
    site.wait("pageview", "kept")
    assert all("visitor" not in event for event in web.gate.events), "an id of one page would be a visitor of its own"


def test_storage_of_a_sandboxed_page_is_really_blocked(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", Content_Security_Policy="sandbox allow-scripts"))
    assert tab.evaluate("(() => { try { return !!localStorage } catch { return false } })()") is False
    site.wait("pageview")


def test_a_full_disk_of_a_real_site(tab: Tab, web: Web, site: Counted) -> None:
    fill = """<script>for (let n = 1e6, i = 0; n > 1; i++)
    try { localStorage['x' + i] = 'x'.repeat(n) } catch { n >>= 1 }</script>"""
    tab.goto(web.page("/", head=fill))
    tab.evaluate("throughline.track('kept')")
    site.wait("pageview", "kept")
