"""The HTTP connection: uvicorn's, plus what it lacks: a limit on headers and a deadline for receiving a request."""

import asyncio
import contextlib
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024  # request line and headers; browsers send 1 to 4 kB
MAX_HEADERS = 100
MAX_PIPELINED = 100  # requests that wait for the answer to the one before them
RECEIVE_SECONDS = 8.0  # from the first byte, or from connecting, to the last byte of the request
SEND_SECONDS = 30.0  # a client that reads nothing of its answer

_ANSWERS = {
    400: b"HTTP/1.1 400 Bad Request\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    429: b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.time() + RECEIVE_SECONDS

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
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
        super().on_message_begin()
        self._begun = True
        self._head_bytes = 0
        if self.deadline is None:
            self.deadline = self.loop.time() + RECEIVE_SECONDS

    def on_url(self, url: bytes) -> None:
        self._head_bytes += len(url)
        if not self._refused:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            self._refuse(431)  # trailers of a chunked body come here too
        elif not self._refused:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unparsed_bytes = 0
        if self._head_bytes > MAX_HEADER_BYTES:
            self._refuse(431)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(429)
        if not self._refused:
            super().on_headers_complete()
            self._in_head = False

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._unparsed_bytes = 0
        if self._refused:
            return
        self._in_head = True  # the next bytes belong to the next request's head
        self._begun = False
        self.deadline = None
        super().on_message_complete()

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
