"""The HTTP connection: uvicorn's, plus what it lacks: a limit on headers, a deadline for receiving a request, and a
short way for the one kind of request that comes by the thousand.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from deploy.base import below
from deploy.direct import Direct, InHand

MAX_HEADER_BYTES = 64 * 1024  # request line and headers; browsers send 1 to 4 kB
MAX_HEADERS = 100
MAX_PIPELINED = 100  # requests that wait for the answer to the one before them
RECEIVE_SECONDS = 8.0  # from the first byte, or from connecting, to the last byte of the request
SEND_SECONDS = 30.0  # a client that reads nothing of its answer

_BROKEN = (
    b"content-length: 21\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n",
    b"Internal Server Error",
)
_ANSWERS = {
    400: b"HTTP/1.1 400 Bad Request\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    429: b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}


# Whatever comes with one of these is for the application.
_UNUSUAL = frozenset((b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"))

log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """One client. Silent, slow and oversized requests end with 408 or 431 and a closed socket.

    What was asked before a request that is refused is answered first. A deadline is a number that `sweep` looks at once
    a second: a timer a request costs more than its parsing.
    """

    deadline: float | None = None  # loop time by which the request in hand must be here
    _write_deadline: float | None = None
    _head_bytes = 0  # of the request in hand, as parsed so far, trailers too
    _unparsed_bytes = 0  # received in vain: an endless header is only buffered by the parser, and so is a trailer
    _begun = False  # some of a request is here, but not all of it
    _in_head = True
    _refused = 0  # the status
    _idle_deadline: float | None = None  # by which the next request has to begin
    _usual = True  # no header so far that is for the application
    _length = b""  # as the header says
    _body: bytes | bytearray = b""  # of the request that is answered directly

    def __init__(self, *arguments: Any, direct: Direct | None = None, base: bytes = b"", **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._to = direct
        self._base = base
        self._direct: Any = InHand()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.time() + RECEIVE_SECONDS

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._idle_deadline = None
        if self.deadline is None and self._receiving():
            self.deadline = self.loop.time() + RECEIVE_SECONDS
        # Where one request ends and another begins in the same data is not known, so that only data without any end
        # of a head and without any body counts; what is parsed of a head is counted exactly.
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self._unparsed_bytes > MAX_HEADER_BYTES:
            self._refuse(431)

    def on_message_begin(self) -> None:
        if self._refused:
            return
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._usual = True
        self._length = b""
        self._begun = True
        self._head_bytes = 0
        if self.deadline is None:
            self.deadline = self.loop.time() + RECEIVE_SECONDS

    def on_url(self, url: bytes) -> None:
        self._head_bytes += len(url)
        if not self._refused:
            self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            self._refuse(431)  # trailers of a chunked body come here too
        elif not self._refused:
            name = name.lower()
            if name == b"content-length":
                self._length = value
            elif name in _UNUSUAL:
                self._usual = False
                self.expect_100_continue |= name == b"expect" and value.lower() == b"100-continue"
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._unparsed_bytes = 0
        if self._head_bytes > MAX_HEADER_BYTES:
            self._refuse(431)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(429)
        if self._refused:
            return
        self._in_head = False
        if self._base:
            self.url = below(self.url, self._base)
        if self._answers_directly():
            self.cycle = self._direct
            self._direct.begin(self.parser.should_keep_alive())
            self._body = b""
        else:
            self._open_scope()
            super().on_headers_complete()

    def _answers_directly(self) -> bool:
        """A POST with a plain body of known length that nothing unanswered, unread or unusual stands before."""
        to = self._to
        return (
            to is not None
            and self._usual
            and self.url == to.direct_path
            and self._length.isdigit()
            and len(self._length) < 10
            and int(self._length) <= to.direct_bytes
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
        )

    def _open_scope(self) -> None:
        """What uvicorn makes of every request before it knows which."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        if self._refused:
            return
        if self.cycle is not self._direct:
            super().on_body(body)
        elif not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body

    def on_message_complete(self) -> None:
        self._unparsed_bytes = 0
        if self._refused:
            return
        self._in_head = True  # the next bytes belong to the next request's head
        self._begun = False
        self.deadline = None
        if self.cycle is not self._direct or self._to is None:
            super().on_message_complete()
            return
        self._direct.more_body = False
        body, self._body = bytes(self._body), b""
        try:
            self._to.post_at_once(self.client[0] if self.client else "", self.headers, body, self._answer)
        except Exception:
            log.exception("a request failed")
            self._answer(500, b"", b"", True)

    def _answer(self, status: int, head: bytes, body: bytes, last: bool) -> None:
        """The answer to the request in hand that is answered directly."""
        cycle = self._direct
        if cycle.response_complete:
            return
        if cycle.disconnected or self.transport.is_closing():
            cycle.response_complete = True  # nobody is there to read it
            return
        if status == 500:
            (head, body), last = _BROKEN, True
        elif not cycle.keep_alive and not last:
            head, last = head + b"connection: close\r\n", True
        cycle.response_complete = True
        defaults = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join((STATUS_LINE[status], *defaults, head, b"\r\n", body)))
        if last:
            self.transport.close()
        if self.pipeline or self._refused:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            if self.flow.read_paused:
                self.flow.resume_reading()
            self._idle_deadline = self.loop.time() + self.timeout_keep_alive

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._refused and is_last:
            self._end()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400)

    def pause_writing(self) -> None:
        self._write_deadline = self.loop.time() + SEND_SECONDS
        super().pause_writing()

    def resume_writing(self) -> None:
        self._write_deadline = None
        super().resume_writing()

    def expire(self, now: float) -> None:
        """Close the connection if its client has used up its time."""
        if self._write_deadline is not None and now >= self._write_deadline:
            self.transport.abort()
        elif self.deadline is not None and now >= self.deadline:
            if self.flow.read_paused:
                self.deadline = now + RECEIVE_SECONDS  # it is we who do not listen, for an answer is being made
            elif self._begun:
                self._refuse(408)
            else:
                self.transport.close()  # said nothing, is told nothing
        elif self._idle_deadline is not None and now >= self._idle_deadline:
            self.transport.close()

    def _receiving(self) -> bool:
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def _refuse(self, status: int) -> None:
        """Answer the request in hand with the status once all before it are answered, and close."""
        if self._refused:
            return
        self._refused = status
        self.deadline = None
        if self._in_head:
            if self._receiving():
                self._end()
        elif self.pipeline:
            self.pipeline.popleft()  # the request itself; the application has not seen it
        else:
            self._end()

    def _end(self) -> None:
        if self.transport.is_closing():
            return
        # Never write into the middle of an answer that the application is giving on this connection.
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_ANSWERS[self._refused] + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()


async def sweep(connections: Iterable[object], every: float = 1.0) -> None:
    """Expire connections for ever; cancel to stop. `connections` may change meanwhile."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every)
        now = loop.time()
        for connection in list(connections):
            with contextlib.suppress(Exception):  # a connection that fails to close must not keep the others open
                if isinstance(connection, Connection):
                    connection.expire(now)
