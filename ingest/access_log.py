"""Access logs: a web server's line as a pageview, or the reason why it is none. Pure; the importer does the I/O."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from ingest import visitor
from ingest.contract.event import PAGEVIEW, Event
from ingest.contract.exact import decode
from ingest.contract.page import read_url, stored_referrer, stored_url
from ingest.contract.site import Site
from ingest.enrich import Country, read_agent
from ingest.source import attribute

Format: TypeAlias = Literal["combined", "common", "json"]
LeftOut: TypeAlias = Literal["malformed", "method", "status", "static", "bot"]
LEFT_OUT: tuple[LeftOut, ...] = get_args(LeftOut)

MAX_LINE = 64 * 1024  # bytes
REMEMBERED_LINES = 1_000_000

_HEAD = (
    r'(?P<ip>\S+) \S+ (?:\S+|"[^"]*"|[^\[]*?) \[(?P<time>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*+)"'
    r" (?P<status>\d{3}) (?:\d+|-)"
)
_COMMON = re.compile(_HEAD + r"\s*")
_COMBINED = re.compile(
    _HEAD + r' "(?P<referrer>(?:[^"\\]|\\.)*+)" "(?P<agent>(?:[^"\\]|\\.)*+)"'
    # Many servers append fields of their own, such as nginx's "$http_x_forwarded_for".
    r'(?: (?:"(?:[^"\\]|\\.)*+"|[^\s"]+))*\s*'
)
_REQUEST = re.compile(r"(?P<method>[A-Z][A-Z-]*) (?P<target>\S+) HTTP/[\d.]+")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_CLF_TIME = re.compile(r"(\d{2})/([A-Z][a-z]{2})/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = re.compile(r"\d{9,10}(?:\.\d{1,9})?|\d{13}")
_STATIC = re.compile(
    "css|js|mjs|map|json|xml|rss|atom|txt|pdf|webmanifest|png|jpg|jpeg|gif|svg|ico|webp|avif|bmp|woff|woff2|ttf|otf|eot"
    "|mp3|mp4|m4a|webm|ogg|wav|avi|mov|swf|zip|gz|tgz|tar|bz2|xz|rar|7z|exe|dmg|deb|rpm|iso"
)

# What a JSON line may call a field: nginx's variables, then the usual short names.
KEYS: Mapping[str, tuple[str, ...]] = {
    "time": ("time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp", "datetime", "date", "ts"),
    "ip": ("remote_addr", "remote_ip", "client_ip", "clientip", "ip", "remote_host", "client", "host_ip"),
    "request": ("request", "request_line"),
    "method": ("request_method", "method", "verb", "http_method"),
    "target": ("request_uri", "uri", "path", "url", "request_path", "target"),
    "status": ("status", "response", "status_code", "code", "response_code", "http_status"),
    "referrer": ("http_referer", "referrer", "referer", "http_referrer"),
    "agent": ("http_user_agent", "agent", "user_agent", "useragent", "ua"),
}


class Malformed(ValueError):
    """A line that is no line of this format."""


class Hit(NamedTuple):
    """A request as its line tells it; `agent` None: a common line, which has no place for one. `time` in ms."""

    time: int
    ip: str
    method: str
    target: str
    status: int
    referrer: str
    agent: str | None


def detect(lines: Sequence[bytes]) -> Format:
    """The format of a file by its first lines: the first that fits one decides, combined before common."""
    for line in lines:
        if line.lstrip().startswith(b"{"):
            return "json"
        text = _text(line)
        if _COMBINED.fullmatch(text):
            return "combined"
        if _COMMON.fullmatch(text):
            return "common"
    return "combined"


def parse(line: bytes, format_: Format, fields: Mapping[str, str] | None = None) -> Hit:
    """The request of a line (without its line end). `fields`: names of KEYS → a JSON line's own, dotted into objects.

    Raises Malformed.
    """
    if len(line) > MAX_LINE:
        raise Malformed("the line is too long")
    return _parse_json(line, fields or {}) if format_ == "json" else _parse_text(_text(line), format_)


def judge(hit: Hit, now: int) -> LeftOut | None:
    """Why a request is no pageview: the first reason in the order of LEFT_OUT, or None."""
    if hit.time > now:
        return "malformed"
    if hit.method != "GET":
        return "method"
    if not (200 <= hit.status < 300 or hit.status == 304):
        return "status"
    if _is_static(hit.target):
        return "static"
    return "bot" if hit.agent is not None and is_bot(hit.agent) else None


def is_bot(agent: str) -> bool:
    """Whether nobody looked at a page: in logs HTTP libraries and nameless agents are bots too."""
    if agent in ("", "-"):
        return True
    known = read_agent(agent)
    return known.bot or known.library


@dataclass
class Occurrences:
    """Numbers identical lines of one file, so that each counts and a second import of the file numbers them alike.

    Remembers the last million different lines (about 150 MB): identical ones stand close together in a log.
    """

    most: int = REMEMBERED_LINES

    def __post_init__(self) -> None:
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def line_id(self, line: bytes) -> str:
        """The id of the line's event: derived from the line and how often the file had it before."""
        digest = blake2b(line, digest_size=12).digest()
        number = self._seen.pop(digest, 0)
        self._seen[digest] = number + 1
        if len(self._seen) > self.most:
            self._seen.popitem(last=False)
        return blake2b(digest + number.to_bytes(8, "big"), digest_size=16).hexdigest()


def event(hit: Hit, line_id: str, seq: int, site: Site, received: int, country: Country) -> Event:
    """The pageview of a hit. `seq` orders lines of the same moment: the line's number in its file."""
    url = read_url(f"https://{site.domain}{_path_and_query(hit.target)}")
    referrer = read_url(hit.referrer)
    agent = read_agent(hit.agent or "")
    source, campaign = attribute(url, referrer, site.domain, site.settings.direct)
    return Event(
        site=site.id,
        visitor=visitor.imported(site.secret, hit.ip, hit.agent or ""),
        id=line_id,
        type=PAGEVIEW,
        time=hit.time,
        received=received,
        seq=seq,
        url=stored_url(url),
        page=url.page,
        referrer=stored_referrer(referrer),
        source=source,
        campaign=campaign,
        country=country(hit.ip),
        device=agent.device,
        browser=agent.browser,
        os=agent.os,
        settings=site.revision,
    )


def _parse_text(text: str, format_: Format) -> Hit:
    match = (_COMBINED if format_ == "combined" else _COMMON).fullmatch(text)
    request = _REQUEST.fullmatch(match["request"]) if match else None
    if match is None or request is None:
        raise Malformed(f"not a line of the {format_} format")
    combined = format_ == "combined"
    return Hit(
        time=_clf_time(match["time"]),
        ip=_address(match["ip"]),
        method=request["method"],
        target=request["target"],
        status=int(match["status"]),
        referrer=_unescaped(match["referrer"]) if combined else "",
        agent=_unescaped(match["agent"]) if combined else None,
    )


def _parse_json(line: bytes, fields: Mapping[str, str]) -> Hit:
    try:
        found = decode(line)
    except ValueError:
        raise Malformed("not JSON") from None
    if not isinstance(found, dict):
        raise Malformed("not a JSON object")
    value = {name: _field(found, (fields[name],) if name in fields else keys) for name, keys in KEYS.items()}
    method, target = value["method"], value["target"]
    # Fields of their own win over the whole request line; an object called request is Caddy's and no line.
    if isinstance(value["request"], str) and not (method and target):
        request = _REQUEST.fullmatch(value["request"])
        if request is None:
            raise Malformed("its request is no request line")
        method, target = request["method"], request["target"]
    status = str(value["status"])
    if not (isinstance(method, str) and isinstance(target, str) and target and isinstance(value["ip"], str)):
        raise Malformed("it has no request or no address")
    if not re.fullmatch(r"\d{3}", status, re.ASCII):
        raise Malformed("it has no status")
    return Hit(
        time=_json_time(value["time"]),
        ip=_address(value["ip"]),
        method=method,
        target=target,
        status=int(status),
        referrer=_string(value["referrer"]),
        agent=_string(value["agent"]),
    )


def _field(found: dict[str, Any], keys: Sequence[str]) -> Any:
    """The first of the keys that the line has: as it stands, or dotted into objects and lists."""
    for key in keys:
        if key in found:
            return found[key]
        inside: Any = found
        for step in key.split("."):
            if isinstance(inside, list) and step.isdecimal() and int(step) < len(inside):
                inside = inside[int(step)]
            else:
                inside = inside.get(step) if isinstance(inside, dict) else None
        if inside is not None:
            return inside
    return None


def _json_time(value: object) -> int:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Malformed("it has no time")
    if _EPOCH.fullmatch(value):
        return int(value) if len(value) == 13 and value.isdecimal() else int(Decimal(value) * 1000)
    if "/" in value:
        return _clf_time(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Malformed("its time is no time") from None
    return _ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _clf_time(text: str) -> int:
    match = _CLF_TIME.fullmatch(text)
    if match is None:
        raise Malformed("its time is no time")
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        number = _MONTHS.index(month) + 1
        return _ms(datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=zone))
    except (ValueError, OverflowError):
        raise Malformed("its time is no time") from None


_START = datetime(1970, 1, 1, tzinfo=UTC)


def _ms(moment: datetime) -> int:
    ms = (moment - _START) // timedelta(milliseconds=1)
    if ms < 0:
        raise Malformed("its time is before 1970")
    return ms


def _is_static(target: str) -> bool:
    last = re.split(r"[?#]", target, maxsplit=1)[0].rpartition("/")[2]
    _, dot, extension = last.rpartition(".")
    return bool(dot and _STATIC.fullmatch(extension.lower()))


def _path_and_query(target: str) -> str:
    """A request's target as it follows a host; a proxy's absolute form without its own host."""
    rest = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", target)
    return rest if rest.startswith("/") else "/" + rest


def _address(text: str) -> str:
    """An address in its one spelling; a host name stays as it is."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text


def _string(value: object) -> str:
    text = str(value) if isinstance(value, str | int | Decimal) else ""
    return "" if text == "-" else text


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def _unescaped(text: str) -> str:
    r"""Undo the server's escapes: \" and \\, \xHH as a byte of UTF-8, \t and \n."""
    if text == "-":
        return ""
    if "\\" not in text:
        return text
    raw = bytearray()
    position = 0
    for match in _ESCAPE.finditer(text):
        raw += text[position : match.start()].encode()
        raw += (
            bytes([int(match[1], 16)])
            if match[1]
            else {"n": "\n", "t": "\t", "r": "\r"}.get(match[2], match[2]).encode()
        )
        position = match.end()
    return (raw + text[position:].encode()).decode("utf-8", "replace")
