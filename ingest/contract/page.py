"""The page function: one spelling of a url's path for events, referrers and the API's `url` and `value` parameters.

Beside it what admission keeps of a url: its host, and the stored forms that hold nothing private.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

MAX_PAGE = 2_000  # characters
MAX_VALUE = 200  # characters of a kept query value
MAX_KEPT = 10  # query parameters of one url
_CACHED = 2_048  # urls: an event asks for its own and its referrer several times, and both come again

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+|/")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "%/!$&'()*+,;=:@"
_CUT_TAIL = re.compile(r"(?:/\.{0,2})*(?:%[0-9A-F]?)?$")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]+\]")
_KEPT = re.compile(r"utm_[a-z0-9_.-]{1,60}|source|ref")


class Url(NamedTuple):
    """An absolute url taken apart; `host` and `origin` are "" where there is no valid host, `query` is not decoded."""

    scheme: str
    host: str
    origin: str
    page: str
    query: str


@lru_cache(_CACHED)
def read_url(url: str) -> Url:
    """Take a url apart once for everything below; never raises. A bare path has no scheme and no host."""
    text = _stripped(url)
    before, _, query = text.partition("#")[0].partition("?")
    match = _SCHEME.match(text)
    if match is None:
        return Url("", "", "", _page_of_path(before), query)
    scheme = match[1].lower()
    authority, slash, path = before[match.end() :].partition("/")
    name, port = _host_and_port(authority.partition("\\")[0].rpartition("@")[2])
    usual = not port or (scheme, port) in (("http", "80"), ("https", "443"))
    origin = f"{scheme}://{name}" + ("" if usual else f":{port}") if name else ""
    return Url(scheme, name, origin, _page_of_path(slash + path), query)


def page(url: str) -> str:
    """The page of a url or of a bare path; idempotent, never raises; ASCII of at most 2,000 characters.

    Only `scheme://` introduces a host, so "example.com/a" and "//a" are paths.
    """
    return read_url(url).page


def host(url: str) -> str:
    """The host of an absolute url: lower case, IDNA form, no user, port or final dot; "" if there is no valid one."""
    return read_url(url).host


@lru_cache(_CACHED)
def parameters(url: Url) -> tuple[tuple[str, str], ...]:
    """The decoded query in order: names in lower case, values trimmed, printable, ≤ 200 characters."""
    pairs = []
    for part in url.query.split("&") if url.query else ():
        name, _, value = part.partition("=")
        pairs.append((unquote_plus(name).strip().lower(), _printable(unquote_plus(value))))
    return tuple(pairs)


def stored_url(url: Url) -> str:
    """Origin + page + the campaign parameters (`utm_*`, `source`, `ref`); anything else of a query may be private."""
    kept = [f"{name}={quote(value, safe='')}" for name, value in parameters(url) if _KEPT.fullmatch(name) and value]
    return url.origin + url.page + ("?" + "&".join(kept[:MAX_KEPT]) if kept else "")


def stored_referrer(url: Url) -> str:
    """Origin + page of an absolute url, or "" for anything else."""
    return url.origin + url.page if url.origin else ""


def _page_of_path(path: str) -> str:
    if not path.startswith("/"):
        path = "/" + path
    if len(path) <= MAX_PAGE and _PLAIN.fullmatch(path):
        return path
    path = quote(_PERCENT.sub(_one_spelling, path), safe=_PATH_SAFE, errors="surrogatepass")
    path = re.sub("/{2,}", "/", _without_dots(path))
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    if len(path) > MAX_PAGE:
        # Half an escape, a dot segment or a trailing slash at the cut would make the result no page itself.
        path = _CUT_TAIL.sub("", path[:MAX_PAGE]) or "/"
    return path


def _host_and_port(authority: str) -> tuple[str, str]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return "", ""
    name = match[1].lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return "", ""
    name = name.removesuffix(".")
    return (name, match[2] or "") if _HOST.fullmatch(name) else ("", "")


def _stripped(url: str) -> str:
    return url.strip().strip("\0\t\r\n ")


def _one_spelling(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"  # a per cent sign that escapes nothing
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4 for a path that begins with "/"."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for number, segment in enumerate(segments):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
            continue
        if number == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def _printable(text: str) -> str:
    if len(text) <= MAX_VALUE and text.isprintable():
        return text.strip()
    return "".join(c for c in text[: 4 * MAX_VALUE] if c.isprintable()).strip()[:MAX_VALUE].strip()
