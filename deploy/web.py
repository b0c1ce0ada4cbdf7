"""HTTP services: ingest, api, or both on one port, with /health and /metrics; no client can hold a connection open."""

import argparse
import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn import Config, Server

from deploy.base import Based
from deploy.connection import Connection, sweep
from deploy.direct import Direct
from deploy.folder import StackError
from deploy.health import Check, Health, watch
from deploy.logs import configure
from deploy.notify import READY, STOPPING, Notifier
from deploy.settings import SettingError, Settings, load
from deploy.supervise import die_with_parent

_STOP_SECONDS = 4
_CLOSE_SECONDS = 2.0  # `up` kills a moment later
_START_SECONDS = 10.0
_FILES = 65_536
_STORES = {"ingest": "event_log", "api": "clickhouse"}  # that a role needs beside Redis
_NO_STORE = {"Cache-Control": "no-store"}


class Service(Protocol):
    """What ingest and api offer to the process that serves them."""

    @property
    def routes(self) -> Sequence[BaseRoute]: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def health(self) -> Mapping[str, str]: ...


def application(services: Sequence[Service], checks: Sequence[Check] = ()) -> Starlette:
    """The routes of all services, /health over all their parts and the further checks, and /metrics."""
    health = Health([*(Check(type(service).__name__.lower(), service.health) for service in services), *checks])

    async def answer_health(_: Request) -> Response:
        state = await health.state()
        well = all(value == "ok" for value in state.values())
        body = {"status": "ok" if well else "unavailable", "parts": state}
        return JSONResponse(body, 200 if well else 503, _NO_STORE if well else {**_NO_STORE, "Retry-After": "2"})

    async def answer_metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)

    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)  # nobody is there to read it

    own = [Route("/health", answer_health), Route("/metrics", answer_metrics)]
    handlers = {ClientDisconnect: gone}
    return Starlette(
        routes=[*own, *(route for service in services for route in service.routes)], exception_handlers=handlers
    )


async def serve(
    services: Sequence[Service], listener: socket.socket, checks: Sequence[Check] = (), base: str = ""
) -> None:
    """Serve on the listening socket until SIGTERM or SIGINT, then answer what is in flight and close, within 10 s."""
    app, direct = application(services, checks), next((one for one in services if isinstance(one, Direct)), None)
    config = Config(
        Based(app, base) if base else app,
        http=partial(Connection, direct=direct, base=base.encode()),  # type: ignore[arg-type]
        ws="none",
        loop="uvloop",
        lifespan="off",
        access_log=False,  # it would write addresses of visitors
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = Server(config)

    notifier = Notifier()

    def stop(*_: object) -> None:
        notifier.tell(STOPPING)
        server.should_exit = True

    # For a signal before uvicorn listens to it, and for the one that it raises again when only its own part is over.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sweeper = asyncio.create_task(sweep(server.server_state.connections))
    started: list[Service] = []
    try:
        for service in services:
            started.append(service)
            await asyncio.wait_for(service.start(), _START_SECONDS)
        collect_seldom()
        notifier.tell(READY)  # the socket listens
        await server.serve(sockets=[listener])
    finally:
        sweeper.cancel()
        closing = [asyncio.ensure_future(service.close()) for service in started]
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_SECONDS)


def run(roles: Sequence[str], settings: Settings, listener: socket.socket, checks: Sequence[Check] = ()) -> None:
    """Serve `ingest`, `api` or both until SIGTERM or SIGINT. Blocks. Raises StackError."""
    import uvloop

    from deploy import wiring, wrong

    _allow_many_files()
    wrong.tell(settings, ["redis", *(_STORES[role] for role in roles)])

    async def main() -> None:
        ingest = wiring.ingest(settings) if "ingest" in roles else None
        api = wiring.api(settings) if "api" in roles else None
        if ingest and api:
            api.tell(ingest.know)  # other processes hear of it, this one knows it
        services: list[Service] = [service for service in (ingest, api) if service]
        if api:
            services.append(wiring.watcher(settings))
        await serve(services, listener, checks, settings.base_path)

    uvloop.run(main())
    # A thread that a store keeps would be waited for at exit, though who asked has been answered.
    sys.stdout.flush()
    os._exit(0)


def collect_seldom() -> None:
    """What is there stays, and the 80,000 lists that a body can hold are no reason to look through all of it."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _allow_many_files() -> None:
    """Every client is a file; the usual soft limit of 1,024 would be the first thing to break."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """The web process of a stack: both services on a socket that its parent listens on."""
    parser = argparse.ArgumentParser(prog="deploy.web")
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--watch", action="append", default=[], help="NAME=URL of another part's /health")
    given = parser.parse_args()
    die_with_parent()
    try:
        settings = load({})
        configure("web", settings.log_level, settings.log_format)
        checks = [watch(*entry.split("=", 1)) for entry in given.watch]
        run(("ingest", "api"), settings, socket.socket(fileno=given.fd), checks)
    except (StackError, SettingError) as error:
        sys.stderr.write(f"throughline: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
