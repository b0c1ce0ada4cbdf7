"""The valid posted event, and the straight way to it: most bodies need nothing but this one decoding."""

import re
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ingest.contract import field
from ingest.contract.event import Revenue
from ingest.contract.exact import BROKEN
from ingest.contract.text import printable

MAX_TIME = 253_402_300_799_999  # ms: the year 9999
MAX_DATE = 8_640_000_000_000_000  # ms on either side of 1970: what JavaScript's clock can show, set wrong or not
MAX_SEQ = 2**53 - 1
MAX_PIXELS = 65_535
MAX_ENGAGED = 86_400_000
MAX_TRANSACTION = 128
_CURRENCY = re.compile(r"([A-Za-z]{3})?", re.ASCII)


class Posted(msgspec.Struct, frozen=True, gc=False):
    """One posted event, valid; `data` as compact JSON text, `scroll` in hundredths of a per cent; a currency "" is the
    site's, a transaction "" the event's id. `seq` None: the first of its body.
    """

    site: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Annotated[str, Meta(min_length=1, max_length=field.MAX_TYPE)]
    url: Annotated[str, Meta(max_length=field.MAX_URL)]
    id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    at: Annotated[int, Meta(ge=-MAX_DATE, le=MAX_DATE)] | None = None
    sent_at: Annotated[int, Meta(ge=-MAX_DATE, le=MAX_DATE)] | None = None
    seq: Annotated[int, Meta(ge=0, le=MAX_SEQ)] | None = None
    visitor: Annotated[str, Meta(max_length=128)] = ""
    view: Annotated[str, Meta(max_length=64)] = ""
    referrer: Annotated[str, Meta(max_length=field.MAX_URL)] = ""
    title: Annotated[str, Meta(max_length=field.MAX_TITLE)] = ""
    screen: tuple[int, int] | None = None
    data: str = ""
    revenue: Revenue | None = None
    scroll: int | None = None
    engaged_ms: Annotated[int, Meta(ge=0, le=MAX_ENGAGED)] | None = None


_Pixels = Annotated[int, Meta(ge=0, le=MAX_PIXELS)]


class _Wire(Posted, frozen=True, gc=False, forbid_unknown_fields=True):
    """As it is decoded: what has rules of its own is still as it was sent. Unknown members are looked at elsewhere."""

    screen: tuple[_Pixels, _Pixels] | None = None
    # Missing is "", which nobody can send, for it is no object.
    data: dict[str, Any] = ""  # type: ignore[assignment]
    revenue: Any = None
    scroll: Any = None


_decoder = msgspec.json.Decoder(_Wire | list[_Wire], float_hook=Decimal)


def read_at_once(body: bytes) -> list[Posted] | None:
    """The events of a body, or None for one that breaks a rule or may: `incoming` then looks what it is. Never raises.

    What it gives is what `incoming` gives too. Each is to be finished.
    """
    if b"\\u0000" in body:
        return None
    try:
        decoded = _decoder.decode(body)
    except BROKEN:
        return None
    return decoded if isinstance(decoded, list) else [decoded]


def placed(posted: Posted, index: int) -> Posted:
    """The event that stands at the index of its body, which is its `seq` if it has none of its own."""
    return posted if posted.seq is not None or not index else msgspec.structs.replace(posted, seq=index)


def finish(posted: Posted) -> Posted | None:
    """The decoded event by the rules that no decoder knows; None where it may break one. Never raises."""
    type_ = posted.type
    data: Any = posted.data
    try:
        field.web_address(posted.url)
        if posted.id is not None:
            printable(posted.id)
        if not type_.isprintable() or type_[0] == " " or type_[-1] == " " or "  " in type_:
            posted = msgspec.structs.replace(posted, type=field.event_type(type_))
        if data != "":
            posted = msgspec.structs.replace(posted, data=field.data(data))
        if posted.revenue is not None:
            posted = msgspec.structs.replace(posted, revenue=_revenue(posted.revenue))
        if posted.scroll is not None:
            posted = msgspec.structs.replace(posted, scroll=field.depth(posted.scroll))
    except ValueError:
        return None
    return posted


def _revenue(sent: object) -> Revenue:
    whole: Any = field.whole_revenue(sent)
    if not isinstance(whole, dict) or "amount" not in whole or whole.keys() - {"amount", "currency", "transaction"}:
        raise ValueError
    currency, transaction = whole.get("currency", ""), whole.get("transaction", "")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ValueError
    if not isinstance(transaction, str) or len(transaction) > MAX_TRANSACTION:
        raise ValueError
    return Revenue(field.amount(whole["amount"]), currency.upper(), transaction)
