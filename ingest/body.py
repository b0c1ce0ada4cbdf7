"""Reading a request that nobody vouches for: bounded in bytes and in time."""

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from ingest.contract.batch import MAX_BODY

DEADLINE_SECONDS = 8.0  # uvicorn itself waits for a slow client for ever


class Refused(Exception):
    """The request cannot be read; `status` and the message are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request, deadline: float = DEADLINE_SECONDS) -> bytes:
    """The body, at most MAX_BODY bytes also after decompression (gzip, deflate); holds no more than that at any time.

    Raises Refused: 413 too large, 415 another encoding, 400 broken compression, 408 not there before the deadline.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Refused(415, "the body must be uncompressed, gzip or deflate")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 12 or int(length) > MAX_BODY):
        raise Refused(413, f"the body must be at most {MAX_BODY} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(deadline):
            async for chunk in request.stream():
                if len(body) + len(chunk) > MAX_BODY:
                    raise Refused(413, f"the body must be at most {MAX_BODY} bytes")
                body += chunk
    except TimeoutError:
        raise Refused(408, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise Refused(400, "the client went away") from None
    return bytes(body) if encoding in ("", "identity") else _inflate(bytes(body))


def _inflate(body: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=47)  # gzip or zlib, by its first bytes
    try:
        text = stream.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise Refused(400, "the body is not what its Content-Encoding says") from None
    if len(text) > MAX_BODY:
        raise Refused(413, f"the body must be at most {MAX_BODY} bytes")
    if not stream.eof or stream.unused_data:
        raise Refused(400, "the body is not what its Content-Encoding says")
    return text
