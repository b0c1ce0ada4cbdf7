"""Answers as they were sent, kept by question, and which state of the data they are of: their `ETag`.

Kept under the revision of their sites, read before the data; nothing outlives KEPT_MS, whatever went wrong.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from api.endpoint import AnyAsked, Endpoint
from api.parameter import Range
from api.span import iso, local
from ingest.contract.revision import Revision

BYTES = 32 * 1024 * 1024  # of a process
KEPT_MS = 300_000
SKEW_MS = 10_000  # that clocks of our machines may differ
_OVERHEAD = 500  # bytes an answer takes beyond its body
_MINUTE = 60_000


@dataclass(frozen=True)
class Named:
    """`tag` names question and data. `keep`: the answer stays right under it, save that a range which ends now moves:
    `to` is what the answer says of its end.
    """

    question: str
    tag: str
    keep: bool
    to: str | None


def named(endpoint: Endpoint, asked: AnyAsked, state: str, revision: Revision | None) -> Named:
    """`state`: of the data beyond what `revision` names; without one of either all data is named by `state`."""
    span, parameters = asked.given_span, asked.parameters
    shown: dict[str, Any] = {"exclude": {"from_", "to", "tz"}} if span else {}
    range_ = parameters if span is not None and isinstance(parameters, Range) else None
    moving = range_ is not None and range_.to is None
    open_ = range_ is not None and range_.from_ is None
    begin = None if span is None or (moving and open_) else span.start
    question = _digest(
        endpoint.name,
        asked.who.name,
        sorted(asked.request.path_params.items()),
        parameters.model_dump_json(**shown),
        span and (begin, None if moving else span.end, span.zone.key),
        asked.widened,
    )
    # What lies behind the end of a range that ends now is nothing, once clocks agree that nothing has come since.
    settled = revision is not None and revision.at + SKEW_MS < asked.now
    rolling = moving and open_ and not (range_ is not None and range_.all_time)
    edge: object = None
    if span is None:
        edge = _days(asked) if asked.given_site is None else None
    elif moving:
        edge = asked.now // _MINUTE if rolling or not settled else endpoint.edge(span)
    tag = _digest(
        question,
        state,
        revision and revision.name,
        asked.registry.state.revision if asked.given_site is None else asked.given_site.revision,
        edge,
        (asked.now + int(question[:8], 16)) // KEPT_MS,
    )
    keep = revision is not None and (settled or not moving)
    return Named(question, f'W/"{tag}"', keep, iso(span.end) if span and moving and not rolling else None)


def _days(asked: AnyAsked) -> list[str]:
    """The day that it is now for each site of the account."""
    zones = {site.settings.zone for site in asked.who.sites(asked.registry.state)}
    return sorted({f"{zone.key} {local(asked.now, zone).date()}" for zone in zones})


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()[:32]


class Kept:
    """At most `most` bytes; the longest unused answers go. Safe to share between threads."""

    def __init__(self, most: int = BYTES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[Named, bytes]] = OrderedDict()
        self.bytes = 0

    def get(self, name: Named) -> bytes | None:
        """The body, its end that of the range which is asked for now."""
        with self._lock:
            held = self._held.get(name.question)
            if held is None or not name.keep or held[0].tag != name.tag:
                return None
            self._held.move_to_end(name.question)
        was, body = held
        if name.to is None or was.to is None:
            return body
        return body.replace(b'"to":"%s"' % was.to.encode(), b'"to":"%s"' % name.to.encode())

    def put(self, name: Named, body: bytes) -> None:
        """In place of an earlier answer to the question."""
        if not name.keep or len(body) > self._most // 8:
            return
        with self._lock:
            if was := self._held.pop(name.question, None):
                self.bytes -= len(was[1]) + _OVERHEAD
            self._held[name.question] = (name, body)
            self.bytes += len(body) + _OVERHEAD
            while self.bytes > self._most:
                self.bytes -= len(self._held.popitem(last=False)[1][1]) + _OVERHEAD
