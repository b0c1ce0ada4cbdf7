"""One stack below a path of a proxy's, on every address of IPv6 and IPv4, as a service of systemd."""

import http.client
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.base import below
from deploy.notify import Notifier
from deploy.settings import SettingError, load
from tests.deploy.stack import Answer, Stack

BASE = "/analytics"


class Systemd:
    """Hears what it is told, as systemd does; `said` in order."""

    def __init__(self, listener: socket.socket) -> None:
        self.address = listener.getsockname().decode().replace("\0", "@")
        self.said: list[bytes] = []
        threading.Thread(target=self._hear, args=(listener,), daemon=True).start()

    def _hear(self, listener: socket.socket) -> None:
        while said := listener.recv(100):
            self.said.append(said)

    def heard(self, state: bytes, times: int = 1) -> None:
        end = time.monotonic() + 30
        while self.said.count(state) < times:
            assert time.monotonic() < end, self.said
            time.sleep(0.02)


@pytest.fixture(scope="module")
def systemd() -> Iterator[Systemd]:
    name = f"\0throughline-test-{time.monotonic_ns()}"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end,
    ):
        listener.bind(name)
        yield Systemd(listener)
        end.sendto(b"", name)


@pytest.fixture(scope="module")
def stack(systemd: Systemd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env = {"THROUGHLINE_BASE_PATH": BASE, "NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "200000"}
    with Stack(tmp_path_factory.mktemp("based") / "data", "--host", "::", env=env) as running:
        yield running


def asked(stack: Stack, path: str, host: str = "127.0.0.1", method: str = "GET", body: str | None = None) -> Answer:
    """An answer to the very path, from the very address."""
    connection = http.client.HTTPConnection(host, urlsplit(stack.url).port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", "Origin": f"http://{host}"})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@pytest.mark.services
def test_systemd_is_told_when_it_is_ready_that_it_lives_and_when_it_stops(stack: Stack, systemd: Systemd) -> None:
    systemd.heard(b"WATCHDOG=1", 2)
    assert systemd.said[0] == b"READY=1"


@pytest.mark.services
def test_every_address_is_below_the_path(stack: Stack) -> None:
    assert urlsplit(stack.url).path == BASE
    for path, to in ((BASE, "/sites"), (f"{BASE}/", "/sites"), (f"{BASE}/login/", "/login"), ("/", "/sites")):
        answer = asked(stack, path)
        assert (answer.status // 100, answer.headers["location"]) == (3, BASE + to), path
    for page in ("/sites", "/api/docs"):
        text = asked(stack, BASE + page).body.decode()
        links = re.findall(r'\b(?:href|src)="(/[^"]*)"', text)
        assert links and all(link.startswith(f"{BASE}/") for link in links)
        assert {asked(stack, link).status for link in links} <= {200, 303}, links
    assert asked(stack, f"{BASE}/api/openapi.json").json()["servers"] == [{"url": BASE}]
    assert asked(stack, f"{BASE}/t.js").status == asked(stack, "/t.js").status == 200
    assert asked(stack, f"{BASE}x/t.js").status == 404


@pytest.mark.services
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_events_come_with_and_without_the_path_by_ipv6_and_ipv4(stack: Stack, host: str) -> None:
    site = stack.site(f"{'six' if ':' in host else 'four'}.example")
    for path in ("/e", f"{BASE}/e"):
        event = f'{{"site":"{site["tracking_id"]}","type":"pageview","url":"https://{site["domain"]}/"}}'
        assert asked(stack, path, host, "POST", event).status == 202
    stack.wait_for(f"/api/sites/{site['id']}/analytics/dashboard", lambda answer: answer["pageviews"] == 2)


@pytest.mark.services
def test_the_cookie_is_for_the_path_alone(stack: Stack) -> None:
    body = {"email": stack.first_run["email"], "password": stack.password}
    answer = stack.request("POST", f"{BASE}/api/login", body, key="", Origin=stack.url.removesuffix(BASE))
    assert answer.status == 200
    assert f"; Path={BASE}; " in answer.headers["set-cookie"]


@pytest.mark.services
def test_a_link_that_is_made_leads_below_the_path(stack: Stack) -> None:
    site = stack.site("shared.example")
    made = stack.request("POST", f"/api/sites/{site['id']}/links", {"name": "Board"}).json()
    path = urlsplit(made["url"]).path
    assert path.startswith(f"{BASE}/share/")
    assert f'href="{BASE}/assets/' in asked(stack, path).body.decode()


@pytest.mark.services
@pytest.mark.browser
def test_the_pages_work_below_the_path(stack: Stack) -> None:
    from playwright.sync_api import expect, sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    site, wrong = stack.site("shown.example"), list[str]()
    event = {"site": site["tracking_id"], "type": "pageview", "url": f"https://{site['domain']}/"}
    assert stack.request("POST", "/e", event, key="").status == 202
    stack.wait_for(f"/api/sites/{site['id']}", lambda answer: answer["events_count"] == 1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        tab.on("request", lambda asked: None if asked.url.startswith(f"{stack.url}/") else wrong.append(asked.url))
        tab.goto(f"{stack.url}/sites/{site['id']}")
        tab.wait_for_url(f"{stack.url}/login?next=*")
        tab.get_by_label("Email").fill(stack.first_run["email"])
        tab.get_by_label("Password").fill(stack.password)
        tab.get_by_role("button", name="Sign in").click()
        tab.get_by_role("button", name="Not now").click()
        tab.wait_for_url(f"{stack.url}/sites/{site['id']}")
        tab.get_by_role("link", name="Settings of").click()
        tab.wait_for_url(f"{stack.url}/sites/{site['id']}/settings")
        expect(tab.locator("code", has_text="<script")).to_contain_text(f'src="{stack.url}/t.js"')
        tab.locator("a.brand").click()
        tab.wait_for_url(f"{stack.url}/sites")
        tab.go_back()
        tab.wait_for_url(f"{stack.url}/sites/{site['id']}/settings")
        tab.reload()
        expect(tab.locator("code", has_text="<script")).to_be_attached()
        browser.close()
    assert wrong == []


@pytest.mark.services
def test_a_stop_is_told_to_systemd(stack: Stack, systemd: Systemd) -> None:
    stack.stop()
    systemd.heard(b"STOPPING=1")
    assert systemd.said[-1] == b"STOPPING=1"


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        (b"/a/e", b"/e"),
        (b"/a", b"/"),
        (b"/a?x=1", b"/?x=1"),
        (b"/a/?x", b"/?x"),
        (b"/ab/e", b"/ab/e"),
        (b"/e", b"/e"),
        (b"/a/a/e", b"/a/e"),
        (b"*", b"*"),
    ],
)
def test_an_address_below_the_path(url: bytes, inside: bytes) -> None:
    assert below(url, b"/a") == inside


@pytest.mark.parametrize("path", ["analytics", "/", "/a/", "/a//b", "/../b", "/a b", '/"', "/a?b", "/a/."])
def test_a_path_that_is_none(path: str) -> None:
    with pytest.raises(SettingError, match="base-path must be a path such as /analytics"):
        load({"base_path": path}, {})
    assert load({"base_path": "/a/b-c.d"}, {}).base_path == "/a/b-c.d"


def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier().tell("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")  # another process's
    silent = Notifier()
    silent.tell("READY=1")
    assert silent.alive() > 1000
