"""The built pages: one HTML shell for every address of the dashboard, and its assets, all from `static/`."""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

STATIC = Path(__file__).parent / "static"
SHELL_PATHS = ("/login", "/sites", "/sites/{site_id}", "/sites/{site_id}/settings")

# Nothing from elsewhere, nothing inline: what a visitor's url or title holds can never run.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_FOR_EVER = "public, max-age=31536000, immutable"  # asset names carry a hash of their content
_NOT_BUILT = "The pages are not built. The API answers all the same; see /api/docs."

Handler = Callable[[Request], Awaitable[Response]]


def routes(folder: Path = STATIC, base: str = "") -> list[BaseRoute]:
    """`/`, the dashboard's addresses and `/assets/*`. Files are read once, here. `base`: see Api."""
    shell = folder / "index.html"
    text = based(shell.read_text(), base).encode() if shell.is_file() else _NOT_BUILT.encode()
    kind = "text/html; charset=utf-8" if shell.is_file() else "text/plain; charset=utf-8"
    page = file_handler(text, kind, "no-cache")
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

    return [Route("/", home), *(Route(path, page) for path in SHELL_PATHS), Route("/assets/{name:path}", asset)]


def based(html: str, base: str) -> str:
    """The page with its own addresses below `base`, which it tells its script."""
    if not base:
        return html
    said = f'<meta name="base" content="{base}"></head>'  # a path without characters that mean anything
    return re.sub(r'\b(href|src)="/', rf'\1="{base}/', html).replace("</head>", said, 1)


def file_handler(content: bytes, kind: str, cache_control: str) -> Handler:
    """Answers with the content, compressed once, under the strict headers of all pages; 304 to who has it already."""
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**SECURITY, "Cache-Control": cache_control, "ETag": etag, "Vary": "Accept-Encoding"}
    packed = gzip.compress(content, 9, mtime=0) if "woff" not in kind else content

    async def handler(request: Request) -> Response:
        held = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if etag.removeprefix("W/") in held:
            return Response(status_code=304, headers=headers)
        if len(packed) < len(content) and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers={**headers, "Content-Type": kind, "Content-Encoding": "gzip"})
        return Response(content, headers={**headers, "Content-Type": kind})

    return handler


def media_type(path: Path) -> str:
    """The Content-Type of a built file."""
    guessed = {".js": "text/javascript", ".woff2": "font/woff2", ".map": "application/json"}.get(path.suffix)
    kind = guessed or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
