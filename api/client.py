"""Who is at the other end of a request: address, scheme and origin, through proxies that are trusted."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.requests import Request

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def address(request: Request, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy; "" when the server does not tell (a unix socket)."""
    found = request.client.host if request.client else ""
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    while hops and _is_trusted(found, trusted):
        found = hops.pop()
    return found


def is_secure(request: Request, trusted: Sequence[Network]) -> bool:
    """Whether the client speaks TLS, with us or with a trusted proxy before us."""
    if _behind_proxy(request, trusted) and "x-forwarded-proto" in request.headers:
        return request.headers["x-forwarded-proto"].rpartition(",")[2].strip().lower() == "https"
    return request.url.scheme == "https"


def is_same_origin(request: Request, trusted: Sequence[Network]) -> bool:
    """Whether a page of this very host sent the request; False without an `Origin`, which every browser sends."""
    origin = urlsplit(request.headers.get("origin", ""))
    hosts = {request.headers.get("host", "").lower()}
    if _behind_proxy(request, trusted):
        hosts.add(request.headers.get("x-forwarded-host", "").lower())
    return origin.scheme in ("http", "https") and origin.netloc.lower() in hosts - {""}


def _behind_proxy(request: Request, trusted: Sequence[Network]) -> bool:
    return _is_trusted(request.client.host if request.client else "", trusted)


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in network for network in trusted if network.version == found.version)
