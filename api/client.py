"""Who is at the other end of a request: address, scheme and origin, through proxies that are trusted."""

from collections.abc import Sequence

from starlette.requests import Request

from ingest.contract.address import Address, Network, client_address, is_trusted


def address(request: Request, trusted: Sequence[Network]) -> Address:
    """The nearest address that is no trusted proxy; never raises."""
    peer = request.client.host if request.client else ""
    return client_address(peer, request.headers.getlist("x-forwarded-for"), trusted)


def is_secure(request: Request, trusted: Sequence[Network]) -> bool:
    """Whether the client speaks TLS, with us or with a trusted proxy before us."""
    if _behind_proxy(request, trusted) and "x-forwarded-proto" in request.headers:
        return request.headers["x-forwarded-proto"].rpartition(",")[2].strip().lower() == "https"
    return request.url.scheme == "https"


def url(request: Request, trusted: Sequence[Network], path: str) -> str:
    """The address of a page of ours as the client would write it."""
    host = request.headers.get("host", "")
    if _behind_proxy(request, trusted):
        host = request.headers.get("x-forwarded-host", "") or host
    scheme = "https" if is_secure(request, trusted) else "http"
    return f"{scheme}://{host}{path}"


def is_same_origin(request: Request, trusted: Sequence[Network]) -> bool:
    """Whether a page of this very host sent the request; False without an `Origin`, which every browser sends."""
    scheme, _, host = request.headers.get("origin", "").lower().partition("://")
    hosts = {request.headers.get("host", "").lower()}
    if _behind_proxy(request, trusted):
        hosts.add(request.headers.get("x-forwarded-host", "").lower())
    return scheme in ("http", "https") and host in hosts - {""}


def _behind_proxy(request: Request, trusted: Sequence[Network]) -> bool:
    peer = request.client.host if request.client else ""
    return bool(peer) and is_trusted(peer, trusted)
