"""Lines of JSON: nginx, Caddy, Traefik, Cloudflare and whoever calls a field by a usual name."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from ingest.access_log import escape, moment, request
from ingest.access_log.address import Client
from ingest.access_log.hit import Hit, Malformed
from ingest.contract.exact import decode

Fields: TypeAlias = Mapping[str, str]
Path: TypeAlias = tuple[str, ...]

# What a line may call a field, in lower case; the first that it has stands. A dot leads into an object, or is part of
# the name. In this order of servers: nginx's variables, Caddy, Traefik, Cloudflare, Elastic's schema, Envoy, Google's
# balancer, then the usual short names.
KEYS: Mapping[str, tuple[str, ...]] = {
    "time": (
        *("time_iso8601", "time_local", "msec", "startutc", "edgestarttimestamp", "start_time", "time", "timestamp"),
        *("@timestamp", "datetime", "date", "ts", "startlocal", "time_unix", "started_at"),
    ),
    "ip": (
        *("remote_addr", "request.client_ip", "request.remote_ip", "request.remote_addr", "clienthost", "clientaddr"),
        *("clientip", "client.ip", "source.ip", "downstream_remote_address", "httprequest.remoteip"),
        *("remote_ip", "client_ip", "ip", "remote_host", "client", "host_ip", "remoteaddr", "remoteip"),
        *("client_addr", "remote_address", "source_ip", "c-ip"),
    ),
    "request": ("request", "request_line", "requestline"),
    "method": (
        *("request_method", "request.method", "requestmethod", "clientrequestmethod", "http.request.method"),
        *("httprequest.requestmethod", "method", "verb", "http_method", "cs-method"),
    ),
    "target": (
        *("request_uri", "request.uri", "requestpath", "clientrequesturi", "url.original", "httprequest.requesturl"),
        *(
            "uri",
            "path",
            "url",
            "request_path",
            "target",
            "request_url",
            "clientrequestpath",
            "url.path",
            "cs-uri-stem",
        ),
    ),
    "query": ("args", "query_string", "querystring", "query", "url.query", "cs-uri-query"),
    "status": (
        *("status", "downstreamstatus", "edgeresponsestatus", "http.response.status_code", "httprequest.status"),
        *("response_code", "response", "status_code", "statuscode", "code", "http_status", "sc-status"),
    ),
    "referrer": (
        *("http_referer", "request.headers.referer", "request_referer", "clientrequestreferer"),
        *("http.request.referrer", "httprequest.referer", "referrer", "referer", "http_referrer"),
    ),
    "agent": (
        *("http_user_agent", "request.headers.user-agent", "request_user-agent", "clientrequestuseragent"),
        *("user_agent.original", "httprequest.useragent", "agent", "user_agent", "useragent", "ua", "user-agent"),
    ),
}
_HEX = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_STATUS = re.compile(r"\d{3}", re.ASCII)
_LAYOUTS = 1_000
_HEADERS = (("request", "headers"),)  # Caddy's: an agent that is not among them was not sent


class Members:
    """Reads the lines of one file. `fields`: names of KEYS → the line's own, dotted into objects."""

    def __init__(self, client: Client, fields: Fields) -> None:
        self._client = client
        self._keys = [(fields[name],) if name in fields else keys for name, keys in KEYS.items()]
        self._layouts: dict[tuple[str, ...], Sequence[tuple[Path, ...]]] = {}
        self._agents = "agent" in fields  # whether lines of this file can tell an agent

    def read(self, line: bytes) -> Hit:
        """Raises Malformed."""
        found = read_object(line)
        time, ip, whole, method, target, query, status, referrer, agent = (
            _first(found, paths) for paths in self._places(tuple(found))
        )
        # Fields of their own win over the whole request line; an object called request is Caddy's and no line.
        if isinstance(whole, str) and not (method and target):
            method, target = request.read(whole)
        elif isinstance(target, str):
            target = escape.target(target)
            if isinstance(query, str) and query not in ("", "-") and "?" not in target:
                target += "?" + escape.target(query).removeprefix("?")
        if not (isinstance(method, str) and method and isinstance(target, str) and target and isinstance(ip, str)):
            raise Malformed("it has no request or no address")
        if not _STATUS.fullmatch(str(status)):
            raise Malformed("it has no status")
        if agent is not None or _first(found, _HEADERS):
            self._agents = True
        return Hit(
            moment.read_value(time),
            self._client(ip.replace("\0", "")),
            method.strip("\0 "),
            target,
            int(str(status)),
            _string(referrer),
            # A file none of whose lines has a place for an agent is not judged by it, as common lines are not.
            _string(agent) if self._agents else None,
        )

    def _places(self, names: tuple[str, ...]) -> Sequence[tuple[Path, ...]]:
        """Where a line with these members may have each of KEYS: what a server writes, it writes alike."""
        if names not in self._layouts:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            self._layouts[names] = [_paths(keys, names) for keys in self._keys]
        return self._layouts[names]


def read_object(line: bytes) -> dict[str, Any]:
    """A line's members. Raises Malformed."""
    try:
        found = decode(line)
    except ValueError:
        found = _mended(line)
    if not isinstance(found, dict):
        raise Malformed("not a JSON object")
    return found


def _mended(line: bytes) -> Any:
    r"""nginx without `escape=json` writes \x22 into JSON; bytes may be no UTF-8, and halves of surrogate pairs stand
    alone.
    """
    text = _HEX.sub(lambda found: found[1] + _quoted(bytes([int(found[2], 16)])), line).decode(
        "utf-8", "surrogateescape"
    )
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None


def _quoted(byte: bytes) -> bytes:
    return b"\\" + byte if byte in b'"\\' else b"\\u%04x" % byte[0] if byte < b" " else byte


def _first(found: dict[str, Any], paths: Sequence[Path]) -> Any:
    for path in paths:
        value = found[path[0]] if len(path) == 1 else _at(found, path)
        if value is not None:
            return value
    return None


def _paths(keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Path, ...]:
    lower = {name.lower(): name for name in reversed(names)}
    paths: list[Path] = []
    for key in keys:
        if key in names or key.lower() in lower:
            paths.append((key if key in names else lower[key.lower()],))
        first, dot, rest = key.partition(".")
        if dot and first.lower() in lower:
            paths.append((lower[first.lower()], *rest.split(".")))
    return tuple(paths)


def _at(found: Any, path: Path) -> Any:
    for step in path:
        if isinstance(found, dict):
            if step in found:
                found = found[step]
            else:
                found = next((value for name, value in found.items() if name.lower() == step.lower()), None)
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def _string(value: object) -> str:
    if isinstance(value, list):  # a header, which may be there more than once
        value = value[0] if value else ""
    return escape.text(str(value)) if isinstance(value, str | int | Decimal) else ""
