"""The page function: one spelling of a url's path for events, referrers and the API's `url` and `value` parameters.

Beside it what admission keeps of a url: its host, and the stored forms that hold nothing private.
"""

import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote, unquote

import idna

from ingest import rule
from ingest.contract.text import value

MAX_PAGE = 2_000  # characters
MAX_VALUE = 200  # characters of a kept query value
MAX_PARAMETERS = 50  # query parameters with a value that are looked at
MAX_KEPT = 12  # query parameters of one url
MAX_NAME = 253  # characters of a host, without the final dot
MAX_LABEL = 63
_CACHED = 2_048  # urls, since they come again; longer ones than this are not remembered, so that it is 10 MB at most
_CACHED_LENGTH = 500

# What servers put into a path where there is no cookie: `;jsessionid=…` behind a segment, `/(S(…))` as one.
_SESSION = re.compile(
    r"(?:;|%3B)(?=[A-Za-z])(?i:[a-z]{0,9}sess(?:ion)?[_-]?id|aspsessionid[a-z]{0,12}|jsessionidsso|session|sid|phpsid"
    r"|oscsid|zenid|cfid|cftoken)(?:=|%3D)(?:[^/;%]|%(?!3B))*"
    r"|(?<=/)\((?:[A-Z]\([^()/]*\))*S\([A-Za-z0-9]{20,40}\)(?:[A-Z]\([^()/]*\))*\)(?=/|$)"
)
# A link copied out of HTML says `&amp;`; one put together by hand `??`, or has a second query behind the first.
_BEFORE_NAME = re.compile(r"(?<![^&])(?:[?;]|amp(?:;|%3b))+", re.IGNORECASE)
_SECOND_QUERY = re.compile(r"\?(?=utm_)", re.IGNORECASE)

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_BEFORE_PATH = re.compile(r"[^/?#\\]*")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?")
_PAIR = re.compile(r"(?<![^&])([^&=]*)=([^&]+)")
# What may tell where a visit comes from, however it is escaped.
_CLICK_IDS = "|".join(row.name for row in rule.read("click"))
_TELLING = re.compile(rf"utm_|(?:source|ref|{_CLICK_IDS})=|[^=%+]*[%+]", re.IGNORECASE)
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+|/")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_BYTES = {
    high + low: bytes([int(high + low, 16)]) for high in "0123456789ABCDEFabcdef" for low in "0123456789ABCDEFabcdef"
}
_BYTE_OF = {digits.encode(): byte for digits, byte in _BYTES.items()}
_SPELLING = {
    digits: chr(byte[0]) if chr(byte[0]) in _UNRESERVED else "%" + digits.upper() for digits, byte in _BYTES.items()
}
_PATH_SAFE = "%/!$&'()*+,;=:@"
_CUT_TAIL = re.compile(r"(?:/\.{0,2})?(?:%[0-9A-F]?)?$")
_MAX_TAIL = 5  # characters: no dot segment follows a slash or another dot segment
# What browsers accept in a host, which is more than a registry does.
_HOST = re.compile(r"[!\"$&'()*+,\-.0-9;=_`a-z{}~]{1,253}(?<!\.)|\[[0-9a-f:.]+\]")
_KEPT = re.compile(r"utm_[a-z0-9_.-]{1,60}|source|ref")


class Url(NamedTuple):
    """An absolute url taken apart; `host` and `origin` are "" where there is no valid host, `query` is not decoded."""

    scheme: str
    host: str
    origin: str
    page: str
    query: str


def read_url(url: str) -> Url:
    """Take a url apart once for everything below; never raises. A bare path has no scheme and no host."""
    return _read_again(url) if len(url) <= _CACHED_LENGTH else _read(url)


def _read(url: str) -> Url:
    text = _stripped(url)
    before, _, query = text.partition("#")[0].partition("?")
    match = _SCHEME.match(text)
    if match is None:
        return Url("", "", "", _page_of_path(before), query)
    scheme = match[1].lower()
    name, port = _host_and_port(text, match.end())
    usual = not port or (scheme, port) in (("http", "80"), ("https", "443"))
    origin = f"{scheme}://{name}" + ("" if usual else f":{port}") if name else ""
    return Url(scheme, name, origin, _page_of_path("".join(before[match.end() :].partition("/")[1:])), query)


_read_again = lru_cache(_CACHED)(_read)


def page(url: str) -> str:
    """The page of a url or of a bare path; idempotent, never raises; ASCII of at most 2,000 characters.

    Only `scheme://` introduces a host, so "example.com/a" and "//a" are paths.
    """
    return read_url(url).page


def host(url: str) -> str:
    """The host of an absolute url: lower case, IDNA form, no user, port or final dot; "" if there is no valid one."""
    return _host_again(url) if len(url) <= _CACHED_LENGTH else _host(url)


def _host(url: str) -> str:
    text = _stripped(url)
    match = _SCHEME.match(text)
    return _host_and_port(text, match.end())[0] if match else ""


_host_again = lru_cache(_CACHED)(_host)


def parameters(url: Url) -> tuple[tuple[str, str], ...]:
    """The first 50 of the decoded query that have a value, in order: names in lower case, values trimmed, inner white
    space and controls one space, ≤ 200 characters. Of more than 50 only those that may tell where a visit comes from.
    """
    return _read_parameters(url.query) if url.query else ()


def _read_parameters(query: str) -> tuple[tuple[str, str], ...]:
    return _parameters_again(query) if len(query) <= _CACHED_LENGTH else _parameters_at_once(query)


def _parameters(query: str) -> tuple[tuple[str, str], ...]:
    if "?" in query or ";" in query or "amp%3" in query:
        query = _BEFORE_NAME.sub("", query)
        if "//" not in query:  # a whole address in a value may have a query of its own
            query = _SECOND_QUERY.sub("&", query)
    if query.count("&") >= MAX_PARAMETERS:
        query = "&".join([part for part in query.split("&") if _TELLING.match(part)])
    pairs = islice(_PAIR.finditer(query), MAX_PARAMETERS)
    return tuple([(_decoded(pair[1]).strip().lower(), _value(_decoded(pair[2]))) for pair in pairs])


_parameters_again = lru_cache(_CACHED)(_parameters)
_parameters_at_once = lru_cache(1)(_parameters)  # an event asks twice in a row


def lowered(value: str) -> str:
    """A parameter's value in lower case, where some letters are two: cut once more."""
    return value.lower()[:MAX_VALUE].strip()


def stored_url(url: Url) -> str:
    """Origin + page + the campaign parameters (`utm_*`, `source`, `ref`); anything else of a query may be private."""
    if not url.query:
        return url.origin + url.page
    return url.origin + url.page + (_kept_again if len(url.query) <= _CACHED_LENGTH else _kept)(url.query)


def _kept(query: str) -> str:
    campaign = ((name, value) for name, value in _read_parameters(query) if _KEPT.fullmatch(name) and value)
    kept = [f"{name}={quote(value, safe='')}" for name, value in islice(campaign, MAX_KEPT)]
    return "?" + "&".join(kept) if kept else ""


_kept_again = lru_cache(_CACHED)(_kept)


def stored_referrer(url: Url) -> str:
    """Origin + page of an absolute url, or "" for anything else."""
    return url.origin + url.page if url.origin else ""


def _page_of_path(path: str) -> str:
    if not path.startswith("/"):
        path = "/" + path
    if len(path) <= MAX_PAGE and _PLAIN.fullmatch(path):
        return path
    path = _one_spelling(path)
    if ";" in path or "%3B" in path or "/(" in path:
        path = _SESSION.sub("", path)
    path = re.sub("//+", "/", _without_dots(path))
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    # Escaping takes longest and only ever lengthens, so what the cut takes away is not escaped.
    path = quote(path[: MAX_PAGE + 1], safe=_PATH_SAFE, errors="surrogatepass")
    if len(path) > MAX_PAGE:
        # Half an escape, a dot segment or a trailing slash at the cut would make the result no page itself.
        path = path[: MAX_PAGE - _MAX_TAIL] + _CUT_TAIL.sub("", path[MAX_PAGE - _MAX_TAIL : MAX_PAGE])
    return path


def _host_and_port(text: str, start: int) -> tuple[str, str]:
    """Of a url whose authority begins at `start`."""
    before_path = _BEFORE_PATH.match(text, start)
    match = _AUTHORITY.fullmatch(before_path[0].rpartition("@")[2]) if before_path else None
    if match is None:
        return "", ""
    name = match[1].lower()
    if "%" in name:
        name = unquote(name[: 9 * MAX_NAME]).lower()
    if not name.isascii():
        name = _ascii(name) if len(name) <= MAX_NAME + 1 else ""
    name = name.removesuffix(".")
    return (name, match[2] or "") if _HOST.fullmatch(name) else ("", "")


@lru_cache(_CACHED)
def _ascii(name: str) -> str:
    """The name as browsers show it to scripts (UTS 46, non-transitional), or "".

    What IDNA 2008 refuses beyond that, emoji for one, browsers accept. Encoding takes the square of a label's length.
    """
    try:
        labels = idna.uts46_remap(name, std3_rules=False).split(".")
        if max(map(len, labels)) > MAX_LABEL:
            return ""
        coded = [label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels]
    except (idna.IDNAError, UnicodeError):
        return ""
    return ".".join(coded) if max(map(len, coded)) <= MAX_LABEL else ""


def _stripped(url: str) -> str:
    return url.strip().strip("\0\t\r\n ")


def _one_spelling(path: str) -> str:
    first, *rest = path.split("%")
    if not rest:
        return path
    # A per cent sign that escapes nothing is escaped itself.
    find = _SPELLING.get
    return first + "".join([found + part[2:] if (found := find(part[:2])) else "%25" + part for part in rest])


def _decoded(text: str) -> str:
    """As urllib's unquote_plus, in a third of its time."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    first, *rest = text.encode("utf-8", "surrogatepass").split(b"%")
    find = _BYTE_OF.get
    whole = b"".join([first, *[found + part[2:] if (found := find(part[:2])) else b"%" + part for part in rest]])
    return whole.decode("utf-8", "replace")


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4 for a path that begins with "/"."""
    if "/." not in path:
        return path
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


def _value(text: str) -> str:
    return value(text[: 4 * MAX_VALUE])[:MAX_VALUE].strip()
