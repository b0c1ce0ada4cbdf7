"""The built pages: one HTML shell for every address of the dashboard, and its assets, all from `static/`."""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ingest.contract.etag import is_held

STATIC = Path(__file__).parent / "static"
SHELL_PATHS = ("/login", "/account", "/invite/{token}", "/sites", "/sites/{site_id}", "/sites/{site_id}/settings")
SHARE_PATH = "/share/{token}"

_ALONE = "frame-ancestors 'none'"
# Nothing from elsewhere, nothing inline: what a visitor's url or title holds can never run.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"font-src 'self'; form-action 'self'; base-uri 'none'; {_ALONE}"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
# What a share link lets pages of other sites show in a frame: it has no cookie, and nothing in it changes anything.
FRAMED = {name: value.replace(_ALONE, "frame-ancestors *") for name, value in SECURITY.items()}
del FRAMED["X-Frame-Options"]
_FOR_EVER = "public, max-age=31536000, immutable"  # asset names carry a hash of their content
_NOT_BUILT = "The pages are not built. The API answers all the same; see /api/docs."

Handler = Callable[[Request], Awaitable[Response]]
Framing = Callable[[str], Awaitable[bool | None]]  # of a share link's token; None: no such link


async def _nowhere(_: str) -> bool | None:
    return None


def routes(folder: Path = STATIC, framing: Framing = _nowhere, base: str = "") -> list[BaseRoute]:
    """`/`, the dashboard's addresses, share links and `/assets/*`. Files are read once, here.

    `framing`: whether pages of other sites may frame what a link opens. `base`: see Api.
    """
    shell = folder / "index.html"
    text = based(shell.read_text(), base).encode() if shell.is_file() else _NOT_BUILT.encode()
    kind = "text/html; charset=utf-8" if shell.is_file() else "text/plain; charset=utf-8"
    page = file_handler(text, kind, "no-cache")
    framed = file_handler(text, kind, "no-cache", FRAMED)
    nowhere = file_handler(text, kind, "no-store", status=404)
    assets = {
        path.relative_to(folder / "assets").as_posix(): file_handler(path.read_bytes(), media_type(path), _FOR_EVER)
        for path in sorted((folder / "assets").rglob("*"))
        if path.is_file()
    }

    async def home(_: Request) -> Response:
        return RedirectResponse("/sites", 303, headers={"Cache-Control": "no-cache"})

    async def asset(request: Request) -> Response:
        handler = assets.get(request.path_params["name"])
        return await handler(request) if handler else Response("not found", 404, SECURITY, "text/plain")

    async def share(request: Request) -> Response:
        may = await framing(request.path_params["token"])
        return await (nowhere if may is None else framed if may else page)(request)

    shells = [Route(path, page) for path in SHELL_PATHS]
    return [Route("/", home), *shells, Route(SHARE_PATH, share), Route("/assets/{name:path}", asset)]


def based(html: str, base: str) -> str:
    """The page with its own addresses below `base`, which it tells its script."""
    if not base:
        return html
    said = f'<meta name="base" content="{base}"></head>'  # a path without characters that mean anything
    return re.sub(r'\b(href|src)="/', rf'\1="{base}/', html).replace("</head>", said, 1)


def file_handler(
    content: bytes, kind: str, cache_control: str, security: Mapping[str, str] = SECURITY, status: int = 200
) -> Handler:
    """Answers with the content, compressed once, under the strict headers of all pages; 304 to who has it already."""
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**security, "Cache-Control": cache_control, "ETag": etag, "Vary": "Accept-Encoding"}
    packed = gzip.compress(content, 9, mtime=0) if "woff" not in kind else content

    async def handler(request: Request) -> Response:
        if status == 200 and is_held(etag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if len(packed) < len(content) and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, status, {**headers, "Content-Type": kind, "Content-Encoding": "gzip"})
        return Response(content, status, {**headers, "Content-Type": kind})

    return handler


def media_type(path: Path) -> str:
    """The Content-Type of a built file."""
    guessed = {".js": "text/javascript", ".woff2": "font/woff2", ".map": "application/json"}.get(path.suffix)
    kind = guessed or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
