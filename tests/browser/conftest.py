"""One stack, one Chromium and one site for all tests of this folder; each test gets a Throughline site of its own."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from playwright.sync_api import Page as Tab

from tests.browser.web import HOST, Web, eventually, serving
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


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def _web(stack: Stack) -> Iterator[Web]:
    with serving(stack.url) as web:
        yield web


@dataclass
class Counted:
    """A Throughline site, and what the API says about it."""

    stack: Stack
    site: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.site["id"])

    def answer(self, name: str, query: str = "") -> Any:
        return self.stack.get(f"/api/sites/{self.id}/analytics/{name}{query}")

    def ledger(self) -> dict[str, Any]:
        return dict(self.stack.get(f"/api/sites/{self.id}/ledger"))

    def sessions(self) -> list[dict[str, Any]]:
        """Every session of every visitor."""
        visitors = self.stack.get(f"/api/sites/{self.id}/visitors")["visitors"]
        lists = [self.stack.get(f"/api/visitors/{visitor['id']}/sessions") for visitor in visitors]
        return [{**session, "visitor": each["visitor_id"]} for each in lists for session in each["sessions"]]

    def events(self) -> list[dict[str, Any]]:
        """Every interactive event of every session."""
        return [
            event
            for session in self.sessions()
            for event in self.stack.get(f"/api/visitors/{session['visitor']}/sessions/{session['id']}/events")["events"]
        ]

    def types(self) -> list[str]:
        return sorted(event["type"] for event in self.events())

    def wait(self, *types: str) -> list[dict[str, Any]]:
        """The events, once exactly these types are there."""
        found: list[dict[str, Any]] = eventually(
            self.events, lambda events: sorted(event["type"] for event in events) == sorted(types)
        )
        return found


@pytest.fixture
def web(_web: Web, site: Counted) -> Web:
    _web.begin(site.site["domain"], site.site["tracking_id"])
    return _web


@pytest.fixture
def site(stack: Stack) -> Counted:
    """A new site with a domain of its own; changed settings would reach ingest only after a moment."""
    return Counted(stack, stack.site(f"s{next(_numbers)}.{HOST}"))


Open = Callable[..., BrowserContext]


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Open]:
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
def tab(visitor: Open) -> Tab:
    return visitor().new_page()
