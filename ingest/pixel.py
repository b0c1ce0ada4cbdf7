"""The no-JavaScript pixel: an event in a query string."""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

from ingest.contract.batch import Batch
from ingest.contract.event import PAGEVIEW
from ingest.contract.exact import decode
from ingest.contract.incoming import Problem, validate

GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
MAX_QUERY = 64 * 1024  # bytes
_MAX_PARAMETERS = 100
_NUMBERS = frozenset(("at", "sent_at", "seq", "scroll", "engaged_ms"))
_JSON = frozenset(("screen", "data", "revenue"))
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
_SCREEN = re.compile(r"([0-9]{1,9})[x,]([0-9]{1,9})", re.ASCII)


def read_query(query: bytes) -> Batch:
    """The event of a query: names as in the JSON; never raises.

    `type` is pageview unless given, an empty value is a missing one, the first of repeated names stands. `data`,
    `revenue` and `screen` are JSON; or `data.plan=pro`, `revenue.amount=9.90`, `screen=1440x900`.
    """
    if len(query) > MAX_QUERY:
        return Batch(1, problems=[Problem(0, "", f"the query must be at most {MAX_QUERY} bytes")])
    posted: dict[str, Any] = {}
    for part in query.split(b"&")[:_MAX_PARAMETERS]:
        raw_name, _, raw_value = part.replace(b"+", b" ").partition(b"=")
        name, text = _text(raw_name), _text(raw_value)
        outer, dot, inner = name.partition(".")
        if not text:
            continue
        if dot and outer in ("data", "revenue"):
            nested = posted.setdefault(outer, {})
            if isinstance(nested, dict):
                nested.setdefault(inner, text)
        else:
            posted.setdefault(name, _value(name, text))
    posted.setdefault("type", PAGEVIEW)
    event = validate(0, posted)
    return Batch(1, problems=event) if isinstance(event, list) else Batch(1, events=[(0, event)])


def _text(escaped: bytes) -> str:
    """Browsers escape the query of an image in the page's encoding, whatever it is."""
    return unquote_to_bytes(escaped).decode("utf-8", "replace")


def _value(name: str, text: str) -> object:
    if name in _NUMBERS and (match := _NUMBER.fullmatch(text)):
        return Decimal(text) if match[1] else int(text)
    if name == "screen" and (match := _SCREEN.fullmatch(text)):
        return [int(match[1]), int(match[2])]
    if name in _JSON and text[0] in "[{":
        try:
            return decode(text.encode())
        except ValueError:
            return text
    return text
