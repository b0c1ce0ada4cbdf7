"""The HTTP connection under clients that are slow, silent or too talkative, and a server that is asked to stop."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn import Config, Server

from deploy import connection
from deploy.connection import Connection, sweep
from ingest.body import Refused, read_body

Scenario = Callable[[int], Coroutine[Any, Any, None]]


async def _body_length(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await read_body(request))))
    except Refused as refused:
        return PlainTextResponse(str(refused), refused.status, {"Connection": "close"})


async def _slow(_: Request) -> Response:
    await asyncio.sleep(1.0)
    return PlainTextResponse("slow")


def served(scenario: Scenario) -> None:
    """Run the scenario against a server on a free port, with a short deadline."""

    async def run() -> None:
        app = Starlette(routes=[Route("/", _body_length, methods=["GET", "POST"]), Route("/slow", _slow)])
        config = Config(app, http=Connection, ws="none", lifespan="off", log_config=None, access_log=False)
        server = Server(config)
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        sweeping = asyncio.create_task(sweep(server.server_state.connections, 0.05))
        try:
            await scenario(listener.getsockname()[1])
        finally:
            sweeping.cancel()
            server.should_exit = True
            await serving

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "RECEIVE_SECONDS", 0.4)
        asyncio.run(run())


async def exchange(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send the pieces and return everything that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()

    async def read() -> None:
        with suppress(ConnectionError):
            while more := await reader.read(65536):
                received.extend(more)

    reading = asyncio.create_task(read())
    for piece in pieces:
        if reading.done():
            break
        with suppress(ConnectionError):
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(pause)
    await asyncio.wait_for(reading, 5)
    writer.close()
    return bytes(received)


def test_an_ordinary_request_is_answered() -> None:
    async def scenario(port: int) -> None:
        answer = await exchange(
            port, b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", b"hello", pause=0.1
        )
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"5")

    served(scenario)


def test_a_silent_socket_is_closed() -> None:
    async def scenario(port: int) -> None:
        assert await exchange(port) == b""

    served(scenario)


def test_slow_headers_end_with_408() -> None:
    async def scenario(port: int) -> None:
        drops = [b"GET / HTTP/1.1\r\n"] + [b"X-A: b\r\n"] * 20
        assert (await exchange(port, *drops, pause=0.1)).startswith(b"HTTP/1.1 408")

    served(scenario)


def test_a_slow_body_ends_with_408() -> None:
    async def scenario(port: int) -> None:
        drops = [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"] + [b"a"] * 20
        assert (await exchange(port, *drops, pause=0.1)).startswith(b"HTTP/1.1 408")

    served(scenario)


def test_empty_lines_do_not_keep_a_connection_open() -> None:
    async def scenario(port: int) -> None:
        first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await exchange(port, first, *[b"\r\n"] * 20, pause=0.1)
        assert answer.count(b"HTTP/1.1 200") == 1

    served(scenario)


def test_a_slow_answer_is_not_the_clients_fault() -> None:
    async def scenario(port: int) -> None:
        answer = await exchange(port, b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.endswith(b"slow")

    served(scenario)


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"a" * 200_000 + b"\r\n",
        b"X: a\r\n" * 10_000,
        b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(90)),
    ],
    ids=["200 kB in one header", "10,000 headers", "90 kB in 90 headers"],
)
@pytest.mark.parametrize("piece", [1 << 20, 3000], ids=["at once", "in pieces"])
def test_too_many_headers_end_with_431(head: bytes, piece: int) -> None:
    async def scenario(port: int) -> None:
        request = b"GET / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n"
        answer = await exchange(port, *[request[at : at + piece] for at in range(0, len(request), piece)])
        assert answer.startswith(b"HTTP/1.1 431") and b"200 OK" not in answer

    served(scenario)
