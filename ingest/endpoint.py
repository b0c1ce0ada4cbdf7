"""The tracking endpoint: `POST /e`, `GET /e.gif`, `GET /t.js`, for any origin and without cookies."""

import hashlib
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ingest.admission import Knowledge, Sender, admit
from ingest.body import Refused, check_headers, read_body
from ingest.contract.address import Address, Network, bucket, client_address
from ingest.contract.event import Event, Line
from ingest.contract.incoming import Batch, Incoming, Problem, reading
from ingest.contract.site import Site
from ingest.gather import Gatherer
from ingest.limit import Limiter
from ingest.log.protocol import LogUnavailable
from ingest.metrics import Metrics
from ingest.pixel import GIF, read_query
from ingest.salt import Salts
from ingest.sites import Sites, SitesUnknown
from ingest.turn import in_turns

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "86400",
}

log = logging.getLogger(__name__)


class Answer(msgspec.Struct, frozen=True):
    """The body of every answer to an event."""

    accepted: int = 0
    filtered: dict[str, int] = {}
    errors: list[Problem] = []


@dataclass(frozen=True)
class Reply:
    """A status with its answer; `retry_after` in seconds."""

    status: int
    answer: Answer
    retry_after: int | None = None


def _refuse(status: int, message: str, retry_after: int | None = None) -> Reply:
    return Reply(status, Answer(errors=[Problem(0, "", message)]), retry_after)


class Endpoint:
    """Turns requests into lines of the log and the log's acknowledgement into answers."""

    def __init__(
        self,
        sites: Sites,
        salts: Salts,
        gatherer: Gatherer,
        knowledge: Knowledge,
        address_limit: Limiter,
        site_limit: Limiter,
        trusted: Sequence[Network],
        now: Callable[[], int],
        metrics: Metrics,
        script: bytes,
    ) -> None:
        self._sites = sites
        self._salts = salts
        self._gatherer = gatherer
        self._knowledge = knowledge
        self._address_limit = address_limit
        self._site_limit = site_limit
        self._trusted = trusted
        self._now = now
        self._metrics = metrics
        self._script = script
        self._script_tag = f'"{hashlib.sha256(script).hexdigest()[:16]}"'

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/e", self.post, methods=["POST"]),
            Route("/e", self.preflight, methods=["OPTIONS"]),
            Route("/e.gif", self.pixel, methods=["GET"]),
            Route("/t.js", self.tracking_script, methods=["GET"]),
        ]

    async def post(self, request: Request) -> Response:
        """Any content type is read as JSON: browsers send text/plain, a plain `curl -d` a form's."""
        reply = await self._receive(request, self._posted)
        headers = dict(_CORS)
        if reply.status in (408, 413, 415, 431):
            headers["Connection"] = "close"  # the rest of the body is not worth reading
        return self._respond(reply, msgspec.json.encode(reply.answer), "application/json", headers)

    async def preflight(self, request: Request) -> Response:
        return Response(status_code=204, headers=_PREFLIGHT)

    async def pixel(self, request: Request) -> Response:
        """Always the GIF; the status tells operators what an image cannot."""
        headers = {**_CORS, "Cache-Control": "no-store"}
        if request.method == "HEAD":
            return Response(GIF, media_type="image/gif", headers=headers)
        reply = await self._receive(request, self._queried)
        if reply.status == 202:
            reply = Reply(200, reply.answer)
        return self._respond(reply, GIF, "image/gif", headers)

    async def tracking_script(self, request: Request) -> Response:
        headers = {
            **_CORS,
            "Cache-Control": "public, max-age=3600",
            "ETag": self._script_tag,
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == self._script_tag:
            return Response(status_code=304, headers=headers)
        return Response(self._script, media_type="text/javascript", headers=headers)

    def _respond(self, reply: Reply, content: bytes, media_type: str, headers: dict[str, str]) -> Response:
        self._metrics.responses.labels(reply.status).inc()
        for reason, events in reply.answer.filtered.items():
            self._metrics.events.labels(reason).inc(events)
        if reply.answer.accepted:
            self._metrics.events.labels("accepted").inc(reply.answer.accepted)
        if reply.answer.errors:
            self._metrics.events.labels("invalid").inc(len({problem.index for problem in reply.answer.errors}))
        if reply.retry_after is not None:
            headers["Retry-After"] = str(reply.retry_after)
        return Response(content, reply.status, headers, media_type)

    async def _posted(self, request: Request) -> Batch:
        return await in_turns(reading(await read_body(request)))

    async def _queried(self, request: Request) -> Batch:
        return read_query(request.scope["query_string"])

    async def _receive(self, request: Request, read_batch: Callable[[Request], Awaitable[Batch]]) -> Reply:
        peer = request.client.host if request.client else ""
        try:
            check_headers(request)
            address = client_address(peer, request.headers.getlist("x-forwarded-for"), self._trusted)
            key = bucket(address)
            # Whoever is over the rate already is not read at all.
            if wait := self._address_limit.wait(key, 1, self._now()):
                return _too_many("address", wait)
            batch = await read_batch(request)
        except Refused as refused:
            return _refuse(refused.status, str(refused))
        received = self._now()
        if wait := self._address_limit.wait(key, batch.size, received):
            return _too_many("address", wait)
        self._address_limit.take(key, batch.size, received)
        if not batch.events:
            return Reply(400, Answer(errors=batch.problems))
        return await self._take(batch, self._sender(request, address, received))

    def _sender(self, request: Request, address: Address, received: int) -> Sender:
        headers = request.headers
        return Sender(received, str(address), headers.get("user-agent", ""), headers.get("sec-gpc", "").strip() == "1")

    async def _take(self, batch: Batch, sender: Sender) -> Reply:
        """Valid events, from their sites to the log's acknowledgement."""
        try:
            await self._sites.look_again({posted.site for _, posted in batch.events})
        except SitesUnknown:
            # A 404 would make the sender give up events of a site that may exist.
            return _refuse(503, "the list of sites is unavailable", 2)
        known: list[tuple[Incoming, Site]] = []
        problems = list(batch.problems)
        for index, posted in batch.events:
            site = self._sites.find(posted.site)
            if site is None:
                problems.append(Problem(index, "site", "unknown tracking id"))
            else:
                known.append((posted, site))
        problems.sort(key=lambda problem: problem.index)
        if not known:
            return Reply(400 if batch.problems else 404, Answer(errors=problems))
        if wait := self._over_site_rate(known, sender.received):
            return _too_many("site", wait)
        await self._salts.hold(sender.received)
        lines = await in_turns(self._admitting(known, sender))
        try:
            with self._metrics.write_seconds.time():
                await self._gatherer.write(lines)
        except LogUnavailable as unavailable:
            return _refuse(503, f"the event log is unavailable: {unavailable.brief}", unavailable.retry_after)
        filtered: dict[str, int] = Counter(line.reason for line in lines if not isinstance(line, Event))
        return Reply(202, Answer(len(lines) - sum(filtered.values()), filtered, problems))

    def _admitting(self, known: list[tuple[Incoming, Site]], sender: Sender) -> Generator[None, None, list[Line]]:
        lines: list[Line] = []
        for posted, site in known:
            lines.append(admit(posted, site, sender, self._knowledge))
            yield
        return lines

    def _over_site_rate(self, known: list[tuple[Incoming, Site]], now: int) -> float:
        """Seconds until every site of the batch has room, or 0 after its events are taken from their rates."""
        if not self._site_limit.on:
            return 0
        events = Counter(site.id.encode() for _, site in known)
        wait = max(self._site_limit.wait(key, count, now) for key, count in events.items())
        if not wait:
            for key, count in events.items():
                self._site_limit.take(key, count, now)
        return wait


def _too_many(whose: str, wait: float) -> Reply:
    return _refuse(429, f"too many events of this {whose}", max(1, math.ceil(wait)))
