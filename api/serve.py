"""Requests below /api → answers: who asks, what is asked, the answer on a thread, and every problem in one shape."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from pydantic import TypeAdapter
from redis.exceptions import RedisError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api import body, client, query
from api import range as ranges
from api.answer.revision import revision
from api.caller import Caller, caller
from api.endpoint import Asked, Endpoint, Parts, Reply
from api.parameter import Range
from api.problem import ErrorBody, Problem, unavailable
from api.registry.change import owned
from api.registry.store import RegistryUnavailable
from api.signin import COOKIE
from rollups.client import ClickHouseUnavailable

THREADS = 16  # questions that are worked on at once
WAITING = 256  # further ones that may wait for a thread; those beyond are told to come again
HASHING = 2  # passwords that are hashed at once
WAITING_TO_HASH = 16
MINUTE = 60_000

log = logging.getLogger("throughline.api")
_Result = TypeVar("_Result")


class Below(BaseRoute):
    """Leads every request for a path at or below `prefix` to an app: any method, any character, a line feed too."""

    def __init__(self, prefix: str, app: ASGIApp) -> None:
        self.prefix = prefix
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Full or none; the app finds the rest of the path as the parameter `path`."""
        if scope["type"] != "http" or not (scope["path"] + "/").startswith(self.prefix + "/"):
            return Match.NONE, {}
        return Match.FULL, {"path_params": {"path": scope["path"][len(self.prefix) :]}}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on."""
        await self.app(scope, receive, send)


class _Threads:
    """Runs blocking work: `at_once`, with so many `waiting`; who comes beyond is told `refusal` (503)."""

    def __init__(self, at_once: int, waiting: int, refusal: str) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._room = at_once + waiting
        self._refusal = refusal

    async def run(self, work: Callable[[], _Result]) -> _Result:
        if self._room <= 0:
            raise unavailable(self._refusal)
        self._room -= 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._room += 1


class Serve:
    """The ASGI app of every path below /api; `Below` leads here."""

    def __init__(self, parts: Parts, endpoints: Sequence[Endpoint]) -> None:
        self._parts = parts
        by_path: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        self._paths = [(compile_path(path)[0], methods) for path, methods in by_path.items()]
        self._json = {each.name: TypeAdapter(each.response) for each in endpoints if each.response is not None}
        self._questions = _Threads(THREADS, WAITING, "too many questions at once")
        self._passwords = _Threads(HASHING, WAITING_TO_HASH, "too many people sign in at once")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises nothing but ClientDisconnect."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            raise
        except Exception as error:
            response = _told(_problem(error))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = request.path_params["path"]
        match, methods = next(
            ((match, methods) for pattern, methods in self._paths if (match := pattern.fullmatch(path))), (None, {})
        )
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        # Before anything else, so that a stranger learns not even which paths there are.
        who = None if endpoint is not None and endpoint.public else await self._caller(request)
        if match is None:
            raise Problem(404, "not_found", "there is nothing at this path")
        if endpoint is None:
            allowed = ", ".join(sorted({*methods, *({"HEAD"} if "GET" in methods else ())}))
            raise Problem(405, "method_not_allowed", f"this path knows {allowed}", headers={"Allow": allowed})
        if endpoint.changes:
            self._check_origin(request, who)
        request.scope["path_params"] = match.groupdict()
        received = await body.receive(request) if endpoint.body is not None else b""
        threads = self._passwords if endpoint.hashes else self._questions
        return await threads.run(lambda: self._answer(endpoint, request, who, received))

    async def _caller(self, request: Request) -> Caller:
        def find() -> Caller:
            return caller(request, self._parts.registry, self._parts.redis)

        if "authorization" not in request.headers:
            return await self._questions.run(find) if COOKIE in request.cookies else find()
        try:
            return find()
        except Problem:
            # The key may have been made a moment ago, by a command or another api.
            await self._questions.run(self._parts.registry.look_again)
            return find()

    def _check_origin(self, request: Request, who: Caller | None) -> None:
        """Refuse a change that a page of another origin makes by the cookie, or makes to it by signing in."""
        checked = who.by == "cookie" if who else "origin" in request.headers
        if checked and not client.is_same_origin(request, self._parts.trusted):
            raise Problem(403, "forbidden_origin", "a change with a session cookie must come from a page of this host")

    def _answer(self, endpoint: Endpoint, request: Request, who: Caller | None, received: bytes) -> Response:
        """Ask and answer; blocks. First whose it is, then whether the question is right, then the data."""
        parts = self._parts
        now = parts.now()
        site = None
        if endpoint.of_site and who is not None:
            ids = request.path_params
            site_id = ids["site_id"] if "site_id" in ids else ids["visitor_id"].partition("-")[0]
            site = owned(parts.registry.state, who.account.id, site_id)
        parameters = query.parameters(endpoint.parameters, request.query_params.multi_items())
        posted = body.read(endpoint.body, received) if endpoint.body is not None else None
        span = None
        if isinstance(parameters, Range) and site is not None:
            zone = site.settings.zone if parameters.tz is None else ranges.zone(parameters.tz)
            span = ranges.span(parameters.from_, parameters.to, zone, now, all_time=parameters.all_time)
        account = who.account if who else None
        asked = Asked(parts, request, now, account, site, span, parameters, posted)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if endpoint.of_data:
            tag = _tag(endpoint, asked)
            headers |= {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": "Authorization, Cookie"}
            if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
                return Response(status_code=304, headers=headers)
        found = endpoint.answer(asked)
        reply = found if isinstance(found, Reply) else Reply(found)
        headers |= reply.headers
        if endpoint.response is None:
            return Response(status_code=endpoint.status, headers=headers)
        text = self._json[endpoint.name].dump_json(reply.body, by_alias=True)
        return Response(text, endpoint.status, headers, "application/json")


def _tag(endpoint: Endpoint, asked: Asked) -> str:
    """Names the state of the data and the question; weak, as it says nothing of `fresh_as_of`.

    A range that ends now moves on with every minute, though nothing happened.
    """
    moving = asked.given_site is None or (asked.given_span is not None and asked.parameters.to is None)
    named: list[Any] = [
        revision(asked.reader),
        asked.registry.state.revision,
        endpoint.name,
        sorted(asked.request.path_params.items()),
        asked.parameters.model_dump_json(),
        asked.caller.id,
        asked.now // MINUTE if moving else None,
    ]
    return f'W/"{hashlib.sha256(repr(named).encode(errors="surrogatepass")).hexdigest()[:32]}"'


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case ClickHouseUnavailable():
            log.warning("ClickHouse failed a question: %s", str(error).splitlines()[:1])
            return unavailable("the data cannot be read now, or the question takes too long")
        case RegistryUnavailable() | RedisError():
            log.warning("no answer: %s", type(error).__name__)
            return unavailable("a part of the service is away")
        case _:
            log.error("a question broke", exc_info=error)
            return Problem(500, "internal", "this is a bug; it has been logged")


def _told(problem: Problem) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **problem.headers}
    text = ErrorBody(error=problem.detail).model_dump_json()
    return Response(text, problem.status, headers, "application/json")
