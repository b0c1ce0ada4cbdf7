"""One stack, one Chromium and one site for all tests of this folder; each test gets a Throughline site of its own."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests.browser.shop import HOSTILE, events, hostile_events, imported
from tests.browser.site import Counted
from tests.browser.web import HOST, Web, serving
from tests.deploy.stack import Stack

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
FLAGS = [
    f"--user-agent={AGENT}",  # Playwright's own way misses what is sent while a page is left
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1,MAP *.{HOST} 127.0.0.1",
]
_numbers = itertools.count(1)
expect.set_options(timeout=30_000)  # a machine with much to do is no bug of a page


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ends with this folder: until then an event loop runs in this thread, and no other test could start its own."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    # Playwright turns the back-forward cache off; visitors have it on.
    browser = playwright.chromium.launch(
        executable_path=path, args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def _web(stack: Stack) -> Iterator[Web]:
    with serving(stack.url) as web:
        yield web


@pytest.fixture
def web(_web: Web, site: Counted) -> Web:
    _web.begin(site.site["domain"], site.site["tracking_id"])
    return _web


def new_site(stack: Stack) -> Counted:
    """With a domain of its own; changed settings would reach ingest only after a moment."""
    return Counted(stack, stack.site(f"s{next(_numbers)}.{HOST}"))


@pytest.fixture
def site(stack: Stack) -> Counted:
    return new_site(stack)


Open = Callable[..., BrowserContext]


@contextmanager
def profiles(chromium: Browser) -> Iterator[Open]:
    """Makes browser profiles: a visitor each. Exceptions in a page fail the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def watch(tab: Tab) -> None:
        tab.on("pageerror", lambda error: errors.append(str(error)))

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(**{"locale": "en-GB", **options})
        context.on("page", watch)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Open]:
    with profiles(chromium) as make:
        yield make


@pytest.fixture
def tab(visitor: Open) -> Tab:
    return visitor().new_page()


@pytest.fixture(scope="package")
def signed_in(chromium: Browser, stack: Stack) -> Any:
    """The cookie of one sign-in, made through the page; guessing is slowed, so one is enough for all tests."""
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(f"{stack.url}/login")
    tab.get_by_label("Email").fill(stack.first_run["email"])
    tab.get_by_label("Password").fill(stack.password)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name="Not now").click()
    tab.wait_for_url("**/sites")
    state = context.storage_state()
    context.close()
    return state


@contextmanager
def sitting(tab: Tab, stack: Stack) -> Iterator[Tab]:
    """A tab of the dashboard. Errors on its console and requests to other hosts fail the test."""
    wrong: list[str] = []
    tab.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    tab.on("request", lambda asked: None if asked.url.startswith(stack.url) else wrong.append(asked.url))
    tab.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    yield tab
    assert wrong == []


def _desk_options(signed_in: Any, stack: Stack) -> dict[str, Any]:
    return {"storage_state": signed_in, "base_url": stack.url, "permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture(scope="package")
def _room(chromium: Browser, signed_in: Any, stack: Stack) -> Iterator[BrowserContext]:
    """One profile for all desks, with a page that stays: its process and what it compiled are half of a test's cost."""
    context = chromium.new_context(locale="en-GB", **_desk_options(signed_in, stack))
    context.new_page().goto("/health")
    yield context
    context.close()


@pytest.fixture
def desk(_room: BrowserContext, signed_in: Any, stack: Stack) -> Iterator[Tab]:
    """Signed in, in a profile as it was after that."""
    errors: list[str] = []

    def watch(tab: Tab) -> None:
        tab.on("pageerror", lambda error: errors.append(str(error)))

    _room.on("page", watch)
    with sitting(_room.new_page(), stack) as tab:
        yield tab
    _room.remove_listener("page", watch)
    stays, *others = _room.pages
    for page in others:
        page.close()
    stays.evaluate("localStorage.clear()")
    _room.clear_cookies()
    _room.add_cookies(signed_in["cookies"])
    assert errors == []


@pytest.fixture
def lone_desk(visitor: Open, signed_in: Any, stack: Stack) -> Iterator[Tab]:
    """In a profile of its own, for whoever sets its clock."""
    with sitting(visitor(**_desk_options(signed_in, stack)).new_page(), stack) as tab:
        yield tab


@pytest.fixture(scope="package")
def shop(stack: Stack) -> Counted:
    """A site with some of everything."""
    return imported(stack, f"shop.{HOST}", "Shop", events)


@pytest.fixture(scope="package")
def hostile(stack: Stack) -> Counted:
    """A site whose every string wants to run."""
    return imported(stack, f"hostile.{HOST}", HOSTILE, hostile_events)
