"""One page under two addresses is one pageview: the script compares as the page function does."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from ingest.contract.page import page
from tests.browser.conftest import new_site, profiles
from tests.browser.web import Web
from tests.deploy.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.services]

SAME = [
    ("/docs/intro", "/docs/intro/"),
    ("/caf%c3%a9", "/caf%C3%A9"),
    ("/caf%c3%a9", "/café"),
    ("/a//b", "/a/b"),
    ("/a", "/a///"),
    ("/a/b/../c", "/a/c"),
    ("/a/%2e%2E/c", "/c"),
    ("/%61%7Eb", "/a~b"),
    ("/a%5bx%5D%7c", "/a[x]|"),
    ("/100%", "/100%25"),
    ("/a?x=1", "/a?x=2"),
    ("/a#one", "/a#two"),
    ("/a#access_token=SECRET", "/a#id=7"),
]
SESSIONS = [";jsessionid=1F3.n", ";JSESSIONID=2!3", ";sid=7", ";phpsessid=a-b", ";session_id=x"]
OTHERS = [
    ("/a", "/A"),
    ("/a%2Fb", "/a/b"),
    ("/a!", "/a%21"),
    ("/a;id=15", "/a;id=16"),
    ("/a;newsid=1", "/a;newsid=2"),
    ("/a", "/"),
]
# Counts what comes into the queue instead of sending it; the server's answers are not the question here.
WATCH = """<script>window.urls = []; const known = new Set(); Storage.prototype.setItem = function (key, text) {
    if (!key.includes(':q:') || !text.includes('"pageview"') || known.has(key)) return;
    known.add(key); urls.push(JSON.parse(text).url) }</script>"""
WALK = """steps => { urls.length = 0; return steps.map(step => { const before = urls.length;
    history.replaceState(null, '', step); return [location.href, urls.length > before] }) }"""

PART = (
    st.sampled_from(
        [
            *"abAZ09-._~!$&'()*+,;=:@[]|^{}`\"<> é中🎉",
            "//",
            "/",
            "/./",
            "/../",
            "/..",
            "/.",
            "%",
            "%2",
            "%zz",
            "%25",
            "%2e",
            "%2E",
        ]
    )
    | st.integers(0, 255).map("%{:02x}".format)
    | st.integers(0, 255).map("%{:02X}".format)
)
PATH = st.lists(PART, max_size=8).map("".join)


def visited(chromium: Browser, web: Web, stack: Stack, path: str, script: str = "") -> Iterator[Tab]:
    """One visit that all cases share: each begins with a page of its own."""
    site = new_site(stack).site
    web.begin(site["domain"], site["tracking_id"])
    with profiles(chromium) as make:
        tab = make().new_page()
        tab.goto(web.page(path, head=WATCH, script=script))
        yield tab


@pytest.fixture(scope="module")
def watched(chromium: Browser, _web: Web, stack: Stack) -> Iterator[Tab]:
    yield from visited(chromium, _web, stack, "/start")


@pytest.fixture(scope="module")
def routed(chromium: Browser, _web: Web, stack: Stack) -> Iterator[Tab]:
    yield from visited(chromium, _web, stack, "/start/", "data-hash")


def walked(tab: Tab, *steps: str) -> list[bool]:
    return [counted for _, counted in tab.evaluate(WALK, ["/before", *steps])][1:]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_one_page(first: str, second: str, watched: Tab) -> None:
    assert walked(watched, first, second, first) == [True, False, False]


@pytest.mark.parametrize("session", SESSIONS)
def test_a_page_with_the_id_of_a_session(session: str, watched: Tab) -> None:
    assert walked(watched, "/a/b", f"/a/b{session}", f"/a{session}/b?x", "/a/b/") == [True, False, False, False]


@pytest.mark.parametrize(("first", "second"), OTHERS)
def test_two_pages(first: str, second: str, watched: Tab) -> None:
    assert walked(watched, first, second, first) == [True, True, True]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("#/a", "#!/a", True),
        ("#/a", "#!a", True),
        ("#/a", "#/a/", True),
        ("#/a?x=1", "#/a?x=2", True),
        ("#/a#one", "#/a#two", True),
        ("#/a/../b", "#/b", True),
        ("#id=7", "#access_token=SECRET", True),
        ("#top", "#", True),
        ("#/", "#", True),
        ("#/a", "#/b", False),
        ("#!a", "#!b", False),
        ("#/a", "#a", False),
    ],
)
def test_routes(first: str, second: str, same: bool, routed: Tab) -> None:
    assert walked(routed, f"/x{first}", f"/x{second}", f"/x{first}") == [True, not same, not same]


def test_what_is_no_route_is_not_sent(routed: Tab) -> None:
    steps = [f"/x{n}{fragment}" for n, fragment in enumerate(("#access_token=SECRET", "#id=7", "#SECRET/", "#?SECRET"))]
    walked(routed, *steps)
    urls = routed.evaluate("urls")
    assert len(urls) == 5
    assert [url for url in urls if "SECRET" in url or "id=7" in url or "#" in url] == []


def compared(tab: Tab, steps: list[str], routes: bool) -> None:
    answers: list[tuple[str, Any]] = tab.evaluate(WALK, ["/before", *steps])
    last = ""
    for href, counted in answers:
        parts = urlsplit(href)
        route = href.partition("#")[2] if routes else ""
        path = href.partition("#")[0].partition("?")[0].removeprefix(f"{parts.scheme}://{parts.netloc}")
        now = page(path + ("/" + route[1:].partition("#")[0] if route[:1] in ("/", "!") else ""))
        assert counted == (now != last), (href, last, now)
        last = now


def spellings(path: str) -> list[str]:
    """The path in ways that are, or are not, one page: by chance no two of many would be."""
    return [path, quote(path, safe="/%"), f"{path}/", path.replace("//", "/"), path.upper(), quote(path)]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(PATH, min_size=1, max_size=40))
def test_any_two_paths_are_compared_as_the_page_function_does(steps: list[str], watched: Tab) -> None:
    compared(watched, [f"/a/{spelling}" for path in steps for spelling in spellings(path)], routes=False)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(["#/", "#!", "#!/", "#"]), PATH), min_size=1, max_size=40))
def test_any_two_routes_are_compared_as_the_page_function_does(steps: list[tuple[str, str]], routed: Tab) -> None:
    pairs = [f"/app{kind}{spelling}" for kind, path in steps for spelling in spellings(path)]
    compared(routed, pairs, routes=True)
