"""What leads a browser to another address of ours, moved below the path that a proxy gave us (`base_path`)."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Based:
    """`app`, whose redirects and cookies are for the addresses below `base` ("/analytics")."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app = app
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirects lose their host too: which one, and whether by TLS, only the browser knows."""

        async def send_based(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    place = urlsplit(headers["location"])
                    headers["location"] = self._base + place._replace(scheme="", netloc="").geturl()
                if "set-cookie" in headers:
                    headers["set-cookie"] = headers["set-cookie"].replace("; Path=/;", f"; Path={self._base};")
            await send(message)

        await self._app(scope, receive, send_based)


def below(url: bytes, base: bytes) -> bytes:
    """The address of a request as it is without `base`; one that does not begin with it is left as it is."""
    if not url.startswith(base) or url[len(base) : len(base) + 1] not in (b"", b"/", b"?"):
        return url
    rest = url[len(base) :]
    return rest if rest.startswith(b"/") else b"/" + rest
