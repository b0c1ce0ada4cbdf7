"""Cross-origin reads: which pages of other origins a browser lets ask the API (with a Bearer key, never by cookie)."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY = "*"
_REMEMBER_SECONDS = "7200"  # the longest that a browser keeps a preflight's answer
_METHODS = "GET, HEAD, POST, PATCH, DELETE"
_EXPOSED = "ETag, Retry-After"


class Cors:
    """Answers preflights, and lets pages of `origins` (`scheme://host[:port]`, or `*`) read what `app` answers."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Preflights are 204 for everybody, so that they tell neither paths nor origins."""
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        allowed = origin if origin in self._origins else ANY if ANY in self._origins else ""

        async def send_allowing(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                if self._origins:
                    answer.add_vary_header("Origin")
                if origin and allowed:
                    answer["Access-Control-Allow-Origin"] = allowed
                    answer["Access-Control-Expose-Headers"] = _EXPOSED
            await send(message)

        if scope["method"] != "OPTIONS":
            await self._app(scope, receive, send_allowing)
            return
        answer = Response(status_code=204, headers={"Allow": _METHODS + ", OPTIONS", "Cache-Control": "no-store"})
        if origin and allowed:
            answer.headers["Access-Control-Allow-Methods"] = _METHODS
            answer.headers["Access-Control-Allow-Headers"] = headers.get("access-control-request-headers", "")
            answer.headers["Access-Control-Max-Age"] = _REMEMBER_SECONDS
        await answer(scope, receive, send_allowing)
