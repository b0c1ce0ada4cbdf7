"""The tracking endpoint: `POST /e`, `GET /e.gif`, `GET /t.js`, for any origin and without cookies."""

import gzip
import hashlib
from collections.abc import Callable, Generator, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ingest.answer import CORS, Reply, content, head, refuse, respond
from ingest.body import Refused, read_body
from ingest.contract.batch import Batch, reading
from ingest.contract.etag import is_held
from ingest.intake import Intake
from ingest.metrics import Metrics
from ingest.pixel import GIF, read_query

_PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Max-Age": "86400",
    "Vary": "Access-Control-Request-Headers, Access-Control-Request-Private-Network",
}
_USUAL_HEADERS = "Content-Type, Content-Encoding"
_PIXEL = {**CORS, "Cache-Control": "no-store"}


class Endpoint:
    """Requests as HTTP brings them, and the intake's replies as HTTP says them."""

    def __init__(self, intake: Intake, metrics: Metrics, script: bytes) -> None:
        self._intake = intake
        self._metrics = metrics
        self._script = script
        self._packed_script = gzip.compress(script, 9, mtime=0)
        self._script_tag = f'W/"{hashlib.sha256(script).hexdigest()[:16]}"'

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/e", self.post, methods=["POST"]),
            Route("/e.gif", self.pixel, methods=["GET"]),
            Route("/t.js", self.tracking_script, methods=["GET"]),
            *[Route(path, self.preflight, methods=["OPTIONS"]) for path in ("/e", "/e.gif", "/t.js")],
        ]

    async def post(self, request: Request) -> Response:
        """Any content type is read as JSON: browsers send text/plain, a plain `curl -d` a form's."""
        caller = self._intake.caller(_peer(request), request.scope["headers"])
        if isinstance(caller, Reply):
            reply = caller
        else:
            try:
                reply = await self._intake.take(caller, reading(await read_body(request)))
            except Refused as refused:
                reply = refuse(refused.status, str(refused))
        self._metrics.answered(reply)
        return respond(reply)

    def post_at_once(
        self,
        peer: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        answer: Callable[[int, bytes, bytes, bool], None],
    ) -> None:
        """What `post` does, for a body that is here: calls `answer` with status, header lines, body, and whether the
        connection ends with it; now, or once the log has the events. Status 500 where something broke later."""

        def tell(reply: Reply | None) -> None:
            if reply is None:
                answer(500, b"", b"", True)
                return
            self._metrics.answered(reply)
            text = content(reply)
            answer(reply.status, head(reply, len(text)), text, reply.last)

        caller = self._intake.caller(peer, headers)
        if isinstance(caller, Reply):
            tell(caller)
        else:
            self._intake.take_at_once(caller, reading(body), tell)

    async def preflight(self, request: Request) -> Response:
        """Any header is allowed: what watches a page's requests adds its own. By name, as "*" leaves some out."""
        asked = ", ".join(request.headers.getlist("access-control-request-headers")) or _USUAL_HEADERS
        headers = {**_PREFLIGHT, "Access-Control-Allow-Headers": asked}
        if "access-control-request-private-network" in request.headers:
            headers["Access-Control-Allow-Private-Network"] = "true"
        return Response(status_code=204, headers=headers)

    async def pixel(self, request: Request) -> Response:
        """Always the GIF; the status tells operators what an image cannot."""
        if request.method == "HEAD":
            return Response(GIF, media_type="image/gif", headers=_PIXEL)
        caller = self._intake.caller(_peer(request), request.scope["headers"])
        if isinstance(caller, Reply):
            reply = caller
        else:
            reply = await self._intake.take(caller, _queried(request.scope["query_string"]))
        if reply.status == 202:
            reply = Reply(200, reply.answer)
        self._metrics.answered(reply)
        headers = _PIXEL if reply.retry_after is None else {**_PIXEL, "Retry-After": str(reply.retry_after)}
        return Response(GIF, reply.status, headers, "image/gif")

    async def tracking_script(self, request: Request) -> Response:
        headers = {
            **CORS,
            "Cache-Control": "public, max-age=3600",
            "ETag": self._script_tag,
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if is_held(self._script_tag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self._script, media_type="text/javascript", headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(self._packed_script, media_type="text/javascript", headers=headers)


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _queried(query: bytes) -> Generator[None, None, Batch]:
    yield from ()
    return read_query(query)
