"""The web around the stack: a site whose pages embed the script, and a gate before tracking that can fail."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOST = "shop.test"  # resolved to this machine by a flag of the browser's; not a secure context, as many sites are not


@dataclass
class Page:
    """One page of the site: its body, its headers, and the script's tag (None: no script)."""

    body: str = ""
    head: str = ""
    script: str | None = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Gate:
    """What the site's proxy does with tracking requests, and what it has seen. `closed` answers 503 itself."""

    closed: bool = False
    retry_after: int | None = None
    deaf: bool = False  # passes the events on, then hangs up: the acknowledgement is lost
    posts: list[tuple[float, list[dict[str, Any]]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events posted so far, copies included, in the order of posting."""
        return [event for _, events in self.posts for event in events]


class Web:
    """The site's server. Pages are set by path; `/stats/*` is its proxy path to the stack, script and endpoint."""

    def __init__(self, stack_url: str) -> None:
        self.upstream = urlsplit(stack_url)
        self.pages: dict[str, Page] = {}
        self.gate = Gate()
        self.tracking_id = ""
        self.host = HOST
        self.doctype = "<!doctype html>"
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.server = server
        self.port = server.server_port

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def begin(self, host: str, tracking_id: str) -> None:
        """Forget the last test's pages and gate."""
        self.host = host
        self.doctype = "<!doctype html>"
        self.pages = {}
        self.gate = Gate()
        self.tracking_id = tracking_id

    def page(self, path: str, body: str = "", script: str | None = "", head: str = "", **headers: str) -> str:
        """Serve a page; returns its address. `script` = more attributes of the tag."""
        self.pages[path] = Page(body, head, script, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url + path

    def html(self, page: Page) -> str:
        tag = ""
        if page.script is not None:
            site = f'data-site="{self.tracking_id}" data-allow="local"'
            tag = f'<script defer src="/stats/t.js" {site} {page.script}></script>'
        head = f"<head><title>Shop</title>{page.head}{tag}</head>"
        return f"{self.doctype}<html>{head}<body>{page.body}</body></html>"

    def forward(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.upstream.hostname or "", self.upstream.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path.startswith("/stats/"):
                status, headers, body = web.forward("GET", self.path.removeprefix("/stats"), None, {})
                self.reply(status, body, {"Content-Type": headers.get("content-type", "text/plain")})
            elif path in web.pages:
                page = web.pages[path]
                self.reply(200, web.html(page).encode(), {"Content-Type": "text/html; charset=utf-8", **page.headers})
            else:
                self.reply(404, b"", {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gate = web.gate
            posted = json.loads(body)
            gate.posts.append((time.monotonic(), posted if isinstance(posted, list) else [posted]))
            gate.headers.append({name.lower(): value for name, value in self.headers.items()})
            if gate.closed:
                wait = {} if gate.retry_after is None else {"Retry-After": str(gate.retry_after)}
                self.reply(503, b"{}", wait)
                return
            kept = ("Content-Type", "User-Agent", "Sec-GPC")
            headers = {name: self.headers[name] for name in kept if self.headers[name]}
            status, answered, text = web.forward("POST", self.path.removeprefix("/stats"), body, headers)
            if gate.deaf:
                self.close_connection = True
                return
            self.reply(status, text, {"Content-Type": answered.get("content-type", "application/json")})

        def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with suppress(ConnectionError):  # a browser that leaves does not wait for its answer
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(stack_url: str) -> Iterator[Web]:
    web = Web(stack_url)
    thread = threading.Thread(target=web.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.server.shutdown()
        web.server.server_close()
        thread.join()


def eventually(question: Callable[[], Any], met: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    """The first answer that meets the condition; fails with the last one."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if met(answer):
            return answer
        assert time.monotonic() < end, answer
        time.sleep(0.2)
