"""The answers of the tracking endpoint: what became of the events, as both transports say it."""

import math
from functools import lru_cache

import msgspec
from starlette.responses import Response

from ingest.contract.incoming import Problem

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class Answer(msgspec.Struct, frozen=True):
    """The body of every answer to an event."""

    accepted: int = 0
    filtered: dict[str, int] = {}
    errors: list[Problem] = []


class Reply(msgspec.Struct, frozen=True):
    """A status with its answer; `retry_after` in seconds."""

    status: int
    answer: Answer
    retry_after: int | None = None

    @property
    def last(self) -> bool:
        """Whether the connection ends with it, for the rest of the body is not worth reading."""
        return self.status in (408, 413, 415)


_encoder = msgspec.json.Encoder()


def refuse(status: int, message: str, retry_after: int | None = None) -> Reply:
    return Reply(status, Answer(errors=[Problem(0, "", message)]), retry_after)


@lru_cache(1_000)
def accepted(events: int) -> Reply:
    """All of it."""
    return Reply(202, Answer(events))


def too_many(whose: str, wait: float) -> Reply:
    """`wait` in seconds."""
    return refuse(429, f"too many events of this {whose}", max(1, math.ceil(wait)))


def content(reply: Reply) -> bytes:
    answer = reply.answer
    return _encoder.encode(answer) if answer.filtered or answer.errors else _accepting(answer.accepted)


@lru_cache(1_000)
def _accepting(events: int) -> bytes:
    return _encoder.encode(Answer(events))


def respond(reply: Reply) -> Response:
    """The answer to a POST."""
    headers = dict(CORS)
    if reply.last:
        headers["Connection"] = "close"
    if reply.retry_after is not None:
        headers["Retry-After"] = str(reply.retry_after)
    return Response(content(reply), reply.status, headers, "application/json")


def head(reply: Reply, length: int) -> bytes:
    """The header lines that `respond` gives the reply with a body of `length` bytes."""
    return _head(reply.status, reply.retry_after, length)


@lru_cache(1_000)
def _head(status: int, retry_after: int | None, length: int) -> bytes:
    headers = respond(Reply(status, Answer(), retry_after)).raw_headers
    lines = [(name, b"%d" % length if name == b"content-length" else value) for name, value in headers]
    return b"".join(b"%s: %s\r\n" % line for line in lines)
