"""ClickHouse's HTTP interface over an engine in this process.

A thread a connection, a pool of engine sessions shared by all. Speaks what clickhouse-connect speaks: a query as the
body or as `?query=`, settings and `param_*` as URL parameters, `INSERT … FORMAT …` followed by data, zstd, lz4 and gzip
bodies. The one user is `default`. Refuses requests under a foreign name (a page may let its own lead here) and those
that a page made a browser send. What statements may do is in `engine.USERS`, `guard` and `sandbox`.
"""

import base64
import contextlib
import hmac
import ipaddress
import json
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from deploy.local.body import BadBody, BodyTooLarge, compress, decompress, form
from deploy.local.engine import DATABASE, Engine, QueryError
from deploy.local.guard import Refused
from deploy.local.writes import WriteFailed, end_unwritten

USER = "default"
MAX_BODY = 256 * 1024 * 1024
MAX_CONNECTIONS = 512
IDLE_SECONDS = 60  # a kept-alive connection holds a thread; clients open a new one without a word

# URL parameters that belong to the transport; every other one is a setting of the query.
TRANSPORT = {
    "buffer_size",
    "cancel_http_readonly_queries_on_client_close",
    "client_protocol_version",
    "compress",
    "database",
    "decompress",
    "default_format",
    "enable_http_compression",
    "http_headers_progress_interval_ms",
    "password",
    "query",
    "query_id",
    "quota_key",
    "role",
    "send_progress_in_http_headers",
    "session_check",
    "session_id",
    "session_timeout",
    "user",
    "wait_end_of_query",
}
SETTING = re.compile(r"\w+(\.\w+)*")

# What ClickHouse answers by the error's code; 500 for the rest.
STATUS = (
    dict.fromkeys((6, 27, 33, 36, 38, 41, 42, 43, 44, 53, 62, 63, 70, 72, 117, 131, 456, 457), 400)
    | dict.fromkeys((46, 47, 50, 56, 60, 73, 81, 115), 404)
    | dict.fromkeys((452, 497), 403)
    | {48: 501, 159: 408, 209: 503, 439: 503, 516: 401}
)


REFUSED = "Code: 497. DB::Exception: {} is not allowed through this door. (ACCESS_DENIED)"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Throughline-ClickHouse"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS
    server: "Door"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """No log: queries hold visitors' data."""

    def _answer(self) -> None:
        with self.server.busy():
            try:
                self._route()
            except (BadBody, BodyTooLarge) as error:
                self.close_connection = True  # the rest of the body is unread
                status = 413 if isinstance(error, BodyTooLarge) else 400
                self._send(status, f"{error}\n".encode())
            except WriteFailed:
                end_unwritten()
            except (QueryError, Refused) as error:
                failure = error if isinstance(error, QueryError) else QueryError(REFUSED.format(error))
                headers = {"X-ClickHouse-Exception-Code": str(failure.code)}
                if failure.code == 516:
                    self.close_connection = True  # the body is unread
                    headers["WWW-Authenticate"] = 'Basic realm="ClickHouse"'
                self._send(STATUS.get(failure.code, 500), f"{failure}\n".encode(), headers)

    def _route(self) -> None:
        if not self._addressed() or any(name.lower().startswith(("origin", "sec-fetch-")) for name in self.headers):
            self.close_connection = True  # the body is unread
            return self._send(403, b"not for web pages, and only under the address that it listens on\n")
        url = urlsplit(self.path)
        if url.path == "/":
            self._authenticate(dict(parse_qsl(url.query)))
        body = self._body()
        if url.path in ("/ping", "/replicas_status"):
            return self._send(200, b"Ok.\n")
        if url.path != "/":
            return self._send(404, b"there is only /, /ping\n")
        given = dict(parse_qsl(url.query, keep_blank_values=True))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):  # how clients send parameters that are too long for a URL
            given |= form(kind, body)
            body = b""
        settings = {k: v for k, v in given.items() if k not in TRANSPORT and not k.startswith("param_")}
        params = {k.removeprefix("param_"): v for k, v in given.items() if k.startswith("param_")}
        wrong = next((name for name in settings if not SETTING.fullmatch(name)), None)
        if wrong is not None:
            raise QueryError(f"Code: 115. DB::Exception: Unknown setting {wrong!r}. (UNKNOWN_SETTING)")
        query = b"\n".join(part for part in (given.get("query", "").encode(), body) if part)
        if not query.strip():
            return self._send(200, b"Ok.\n")
        database = given.get("database", "")
        with self.server.engine.session() as session:
            answer = session.run(
                query,
                DATABASE if database in ("", "default") else database,
                settings,
                params,
                given.get("default_format", "TabSeparated"),
            )
        headers = {
            "X-ClickHouse-Summary": json.dumps({"read_rows": str(answer.read), "written_rows": str(answer.written)}),
            "X-ClickHouse-Format": answer.format,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Query-Id": given.get("query_id", ""),
        }
        out = answer.body
        if given.get("enable_http_compression") == "1":
            encoding, out = compress(out, self.headers.get("Accept-Encoding", ""))
            headers["Content-Encoding"] = encoding
        return self._send(200, out, headers)

    def _addressed(self) -> bool:
        """Whether the request names this machine, by loopback or by the address that it came in on, and our port."""
        local = self.connection.getsockname()
        try:
            named = urlsplit(f"//{', '.join(self.headers.get_all('Host', []))}")
            host, port = named.hostname or "", named.port or 80
        except ValueError:
            return False
        if host not in ("localhost", self.server.host):
            try:
                address = ipaddress.ip_address(host)
            except ValueError:
                return False
            if not address.is_loopback and address != ipaddress.ip_address(local[0].partition("%")[0]):
                return False
        return port == int(local[1])

    def _authenticate(self, url: dict[str, str]) -> None:
        """Raises QueryError unless the first of the ways to give them that is there has the right user and password."""
        kind, _, basic = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            with contextlib.suppress(ValueError):
                basic = base64.b64decode(basic).decode()
            user, _, password = basic.partition(":")
        elif "X-ClickHouse-User" in self.headers or "X-ClickHouse-Key" in self.headers:
            user, password = self.headers.get("X-ClickHouse-User", ""), self.headers.get("X-ClickHouse-Key", "")
        else:
            user, password = url.get("user", ""), url.get("password", "")
        right = f"{USER}:{self.server.password}".encode()
        if not hmac.compare_digest(f"{user or USER}:{password}".encode(errors="replace"), right):
            raise QueryError(
                f"Code: 516. DB::Exception: {USER}: Authentication failed: password is incorrect, or there is no user "
                "with such name. (AUTHENTICATION_FAILED)"
            )

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if value:
                self.send_header(name, value)
        if self.server.stopping.is_set():
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _body(self) -> bytes:
        """The whole body, decompressed; bounded on the wire and in memory."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = self._chunked()
        else:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit():
                raise BadBody("Content-Length is not a number")
            if int(length) > MAX_BODY:
                raise BodyTooLarge(f"the body is larger than {MAX_BODY} bytes")
            raw = self._read(int(length))
        return decompress(raw, self.headers.get("Content-Encoding", ""), MAX_BODY)

    def _chunked(self) -> bytes:
        chunks: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self.rfile.readline(100).split(b";")[0], 16)
            except ValueError as error:
                raise BadBody("a chunk's size is not a number") from error
            total += size
            if size < 0 or total > MAX_BODY:
                raise BodyTooLarge(f"the body is larger than {MAX_BODY} bytes")
            if size == 0:
                while self.rfile.readline(1000).strip():
                    pass
                return b"".join(chunks)
            chunks.append(self._read(size))
            self.rfile.readline(10)

    def _read(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise BadBody("the body ended early")
        return data


class Door(socketserver.ThreadingTCPServer):
    """The listening socket; knows how many requests are running and whether it is stopping."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, engine: Engine, password: str) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.host = host.lower()
        self.engine = engine
        self.password = password
        self.stopping = threading.Event()
        self._running = 0
        self._idle = threading.Condition()
        self._connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__((host, port), Handler)

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        if not self._connections.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.shutdown_request(request)
            return
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away mid-answer is its own affair."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            sys.stderr.write(f"clickhouse: {type(error).__name__}: {error}\n")

    def drain(self, seconds: float) -> bool:
        """Refuse what is new, wait for what runs; returns whether everything has ended in time."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + seconds
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, deadline - time.monotonic())
