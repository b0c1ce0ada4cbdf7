"""Static files: strict headers, named by content, nothing outside the folder."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from api import page

SHELL = b'<!doctype html><script type="module" src="/assets/app-1.js"></script>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    static = tmp_path / "static"
    (static / "assets" / "font").mkdir(parents=True)
    (static / "index.html").write_bytes(SHELL)
    (static / "assets" / "app-1.js").write_text("1")
    (static / "assets" / "font" / "a-2.woff2").write_bytes(b"2")
    return static


def get(static: Path, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=page.routes(static)))
        async with httpx.AsyncClient(transport=transport, base_url="http://stats.example") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/login", "/sites", "/sites/abc123", "/sites/abc123/settings"])
def test_every_address_is_the_shell_under_strict_headers(built: Path, path: str) -> None:
    answer = get(built, path)
    assert (answer.status_code, answer.content) == (200, SHELL)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    again = get(built, path, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_assets_are_kept_for_ever(built: Path) -> None:
    script, font = get(built, "/assets/app-1.js"), get(built, "/assets/font/a-2.woff2")
    assert (script.text, script.headers["content-type"]) == ("1", "text/javascript; charset=utf-8")
    assert (font.content, font.headers["content-type"]) == (b"2", "font/woff2")
    assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/assets/", "/assets/no.js", "/assets/..%2f..%2fsecret.txt", "/assets/%2e%2e/index.html"]
)
def test_nothing_else_is_served(built: Path, path: str) -> None:
    assert get(built, f"/assets/{path}").status_code == 404


def test_the_way_in_leads_to_the_sites(built: Path) -> None:
    answer = get(built, "/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sites")


def test_without_built_pages_the_api_is_named(tmp_path: Path) -> None:
    answer = get(tmp_path, "/sites")
    assert (answer.status_code, "/api/docs" in answer.text) == (200, True)


def test_what_is_smaller_compressed_is_sent_so_to_who_reads_it(built: Path) -> None:
    (built / "assets" / "app-2.js").write_text("let page = 1;\n" * 100)
    packed = get(built, "/assets/app-2.js", **{"Accept-Encoding": "gzip, br"})
    plain = get(built, "/assets/app-2.js", **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 4
    assert {answer.headers["vary"] for answer in (packed, plain)} == {"Accept-Encoding"}
    assert "content-encoding" not in get(built, "/assets/app-1.js", **{"Accept-Encoding": "gzip"}).headers
