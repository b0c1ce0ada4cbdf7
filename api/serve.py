"""Requests below /api → answers: who asks, what is asked, the answer on a thread, and every problem in one shape."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from redis.exceptions import RedisError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api import body, client, query, rights
from api import range as ranges
from api.answers import Answers
from api.caller import Caller, caller
from api.endpoint import AnyAsked, Asked, Endpoint, Parts
from api.metrics import Metrics
from api.parameter import Range
from api.problem import ErrorBody, Problem, refused, unavailable
from api.pulse import SILENT_SECONDS
from api.registry.refusal import Refusal
from api.registry.secret import sha256
from api.registry.store import RegistryUnavailable
from api.signin import COOKIE
from api.threads import SECONDS, Threads
from ingest.contract.used import Days
from rollups import deadline
from rollups.client import ClickHouseUnavailable

THREADS = 16  # questions that are worked on at once
WAITING = 256  # further ones that may wait for a thread; those beyond are told to come again
HASHING = 2  # passwords that are hashed at once
WAITING_TO_HASH = 16
ASKING_REDIS = 8  # sessions and kept answers are looked up at once
LOOK_SECONDS = 1.0  # that a key which is not known is looked for
WELL_SECONDS = 3.0  # ClickHouse was heard within, so that looking makes sense

log = logging.getLogger("throughline.api")


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


class Serve:
    """The ASGI app of every path below /api; `Below` leads here."""

    def __init__(self, parts: Parts, endpoints: Sequence[Endpoint], metrics: Metrics) -> None:
        self._parts = parts
        self._metrics = metrics
        by_path: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            assert endpoint.right is None or endpoint.of_site == (endpoint.right.role is not None)  # noqa: S101
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        self._paths = [(compile_path(path)[0], methods) for path, methods in by_path.items()]
        self._answers = Answers(parts, endpoints)
        self._questions = Threads("question", THREADS, WAITING, "too many questions at once")
        self._passwords = Threads("password", HASHING, WAITING_TO_HASH, "too many people sign in at once")
        self._sessions = Threads("session", ASKING_REDIS, WAITING, "too many requests at once")
        self._looks = Threads("look", 1, 1, "")
        self._days = Days()
        self._look: asyncio.Future[None] | None = None
        self.changed: Callable[[], Awaitable[None]] | None = None  # before whoever changed something is answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises nothing but ClientDisconnect."""
        request, begun = Request(scope, receive), time.perf_counter()
        try:
            with deadline.within(SECONDS):
                response = await self._respond(request)
                if self.changed is not None and request.scope.get("changes"):
                    await self.changed()
        except ClientDisconnect:
            raise
        except asyncio.CancelledError:  # whoever stops this process waits no longer
            response = _told(unavailable("the service is stopping"))
        except Exception as error:
            response = _told(_problem(error))
        self._metrics.answered(scope.get("asked", ""), response.status_code, time.perf_counter() - begun)
        await response(scope, receive, send)

    async def framing(self, token: str) -> bool | None:
        """Whether pages of other sites may frame what the share link opens; None if it opens nothing."""
        with suppress(Problem), deadline.within(SECONDS):  # as much as is known has to do
            await self.catch_up()
        link = self._parts.registry.state.link(sha256(token))
        return None if link is None else link.embed

    def look(self) -> None:
        """What keeps answers right: to be called every second. Blocks; raises ClickHouseUnavailable."""
        if self._answers.standing.wanted:
            self._answers.standing.look()

    def close(self) -> None:
        """Begin no further work."""
        for threads in (self._questions, self._passwords, self._sessions, self._looks):
            threads.close()

    async def _respond(self, request: Request) -> Response:
        path = request.path_params["path"].removesuffix("/")
        match, methods = next(
            ((match, methods) for pattern, methods in self._paths if (match := pattern.fullmatch(path))), (None, {})
        )
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        await self.catch_up()
        request.scope["asked"] = endpoint.name if endpoint is not None else ""
        # Before anything else, so that a stranger learns not even which paths there are.
        who = None if endpoint is not None and endpoint.public else await self._caller(request)
        if match is None:
            raise Problem(404, "not_found", "there is nothing at this path")
        if endpoint is None:
            allowed = ", ".join(sorted({*methods, *({"HEAD"} if "GET" in methods else ())}))
            raise Problem(405, "method_not_allowed", f"this path knows {allowed}", headers={"Allow": allowed})
        if endpoint.changes:
            self._check_origin(request, who)
            request.scope["changes"] = True
        request.scope["path_params"] = match.groupdict()
        received = await body.receive(request) if endpoint.types.body is not None else b""
        asked = self._understood(endpoint, request, who, received)
        if endpoint.hashes or endpoint.light:
            threads = self._passwords if endpoint.hashes else self._sessions
            return await threads.run(lambda: self._answers.answer(endpoint, asked))
        if self._parts.pulse.silence() > SILENT_SECONDS:
            raise unavailable("ClickHouse does not answer, so the data cannot be read now", retry_after=5)
        looked = None
        if endpoint.of_data:
            known = await self._sessions.run(lambda: self._answers.at_once(endpoint, asked))
            if isinstance(known, Response):
                return known
            looked = known
        work = partial(self._answers.answer, endpoint, asked, looked)
        return await self._questions.run(work, who.name if who else None)

    async def _caller(self, request: Request) -> Caller:
        def find() -> Caller:
            return caller(request, self._parts.registry, self._parts.redis)

        if "authorization" not in request.headers:
            return await self._sessions.run(find) if COOKIE in request.cookies else find()
        try:
            who = find()
        except Problem:
            await self._look_again()
            who = find()
        if who.key is not None and self._days.is_new(who.key.id, now := self._parts.now()):
            await self._sessions.run(partial(self._answers.note_use, who.key.id, now))
        return who

    async def catch_up(self) -> None:
        """Know what any process has changed so far: what one of them ended is over in all of them.

        While Redis or ClickHouse does not say, what was known goes on: until a second after they do.
        """
        published = await self._sessions.run(self._answers.published)
        for _ in range(2):  # a look that somebody else began may have been too early
            if self._parts.registry.state.revision < published and self._parts.pulse.silence() < SILENT_SECONDS:
                await self._look_now(published)

    async def _look_again(self) -> None:
        """Read the registry once more: the key may have been made a moment ago, by a command or another api."""
        if self._parts.pulse.silence() < WELL_SECONDS:  # else nobody can have made one since
            await self._look_now(0)

    async def _look_now(self, published: int) -> None:
        if self._look is None or self._look.done():
            with deadline.within(2 * LOOK_SECONDS):
                self._look = asyncio.ensure_future(self._looks.run(partial(self._parts.registry.look_again, published)))
        await asyncio.wait({self._look}, timeout=LOOK_SECONDS)

    def _check_origin(self, request: Request, who: Caller | None) -> None:
        """Refuse a change that a page of another origin makes by the cookie, or makes to it by signing in."""
        checked = who.by == "cookie" if who else "origin" in request.headers
        if checked and not client.is_same_origin(request, self._parts.trusted):
            raise Problem(403, "forbidden_origin", "a change with a session cookie must come from a page of this host")

    def _understood(self, endpoint: Endpoint, request: Request, who: Caller | None, received: bytes) -> AnyAsked:
        """First whose it is, then whether the question is right. Raises Problem; asks no store."""
        parts = self._parts
        now = parts.now()
        site = None
        if endpoint.right is not None and who is not None:
            ids = request.path_params
            site_id = ids.get("site_id") or (ids["visitor_id"].partition("-")[0] if "visitor_id" in ids else None)
            site = rights.allowed(parts.registry.state, who, endpoint.right, site_id)
        parameters = query.parameters(endpoint.types.parameters, request.query_params.multi_items())
        model = endpoint.types.body
        posted = None if model is None else body.read(model, received or endpoint.bodiless * b"{}")
        span = None
        if isinstance(parameters, Range) and site is not None:
            zone = site.settings.zone if parameters.tz is None else ranges.zone(parameters.tz)
            span = ranges.span(
                parameters.from_,
                parameters.to,
                zone,
                now,
                all_time=parameters.all_time,
                interval=getattr(parameters, "interval", None),
            )
        return Asked(parts, request, now, who, site, span, parameters, posted)


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case Refusal():
            return refused(error)
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
