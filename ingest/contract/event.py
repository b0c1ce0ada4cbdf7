"""The event as it travels the log and as workers read it: one definition for collector, log, import and worker.

A record of the log is UTF-8 JSON lines, one `Event` or `Filtered` each, all of one partition.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, TypeAlias, get_args

import msgspec

VERSION = 1

Reason: TypeAlias = Literal["bot", "host", "excluded", "late", "duplicate", "flood", "erased"]
ERASED: Reason = "erased"  # what came of a visitor who was erased since
LATE: Reason = "late"  # too long under way, or of a month that its site keeps no longer
REASONS: tuple[Reason, ...] = get_args(Reason)

PAGEVIEW = "pageview"
ENGAGEMENT = "engagement"  # the one passive type: extends a session, never opens one, never counts as an event
NO_CAMPAIGN = "(none)"
DIRECT = "direct"
UNKNOWN = "unknown"


class Revenue(msgspec.Struct, frozen=True, gc=False):
    """`amount` in ten-thousandths of `currency` (exact); currency "" = the site's; `transaction` never empty."""

    amount: int
    currency: str
    transaction: str


class Touch(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """What else an event says of where its visitor came from and is; "" where it says nothing.

    As an array on the log and in states: new fields come last. `channel` is never "" but in what an earlier build made.
    """

    medium: str = ""
    term: str = ""
    content: str = ""
    channel: str = ""
    hostname: str = ""
    region: str = ""
    city: str = ""


UNTOUCHED = Touch()


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="event", omit_defaults=True):
    """One admitted event, already corrected in time, enriched and stripped of everything private.

    `time` and `received` are ms since the epoch, UTC; `visitor` is 16 hex digits, unique within `site`; `scroll` is in
    hundredths of a per cent (0 to 10,000, ≥ 98 % already raised to 100 %); `data` is a JSON text or "";
    `settings` is the registry revision of the site's settings at admission. Order of events: (time, seq, id).
    """

    site: str
    visitor: str
    id: str
    type: str
    time: int
    received: int
    v: int = VERSION
    seq: int = 0
    view: str = ""
    url: str = ""
    page: str = "/"
    referrer: str = ""
    title: str = ""
    source: str = DIRECT
    campaign: str = NO_CAMPAIGN
    country: str = UNKNOWN
    device: str = "Desktop"
    browser: str = ""
    os: str = ""
    screen: tuple[int, int] = (0, 0)
    data: str = ""
    scroll: int | None = None
    engaged_ms: int | None = None
    revenue: Revenue | None = None
    settings: int = 0
    touch: Touch = UNTOUCHED


class Filtered(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag="filtered", omit_defaults=True):
    """What admission filtered: enough for the ledger to count it once, and nothing about the visitor."""

    site: str
    reason: Reason
    received: int
    v: int = VERSION


class Rebuild(msgspec.Struct, frozen=True, tag_field="kind", tag="rebuild", omit_defaults=True):
    """An operator's wish: judge all sessions of these visitors, who are of one partition, by the settings revision."""

    site: str
    visitors: list[str]
    settings: int
    received: int
    v: int = VERSION


class Erase(msgspec.Struct, frozen=True, tag_field="kind", tag="erase", omit_defaults=True):
    """A wish of the visitor's: what came of them before this, or happened up to its receipt, counts no longer.

    `erasure` names the wish.
    """

    site: str
    visitor: str
    erasure: str
    received: int
    v: int = VERSION


Line: TypeAlias = Event | Filtered  # what admission makes
Logged: TypeAlias = Line | Rebuild | Erase  # what a line of the log may be

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event | Filtered | Rebuild | Erase)


def encode(lines: Sequence[Logged]) -> bytes:
    """The lines as JSON lines, ready to be the value of one record."""
    return _encoder.encode_lines(lines)


def decode(line: bytes) -> Logged:
    """One line of a record. Raises ValueError, saying what is wrong, for anything no worker can read."""
    try:
        event: Logged = _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"not an event: {error}") from error
    if event.v != VERSION:
        raise ValueError(f"event version {event.v} is not {VERSION}")
    return event


def receipt(record: bytes) -> int | None:
    """When the record was received, ms: what its first readable line says; None if there is none."""
    for line in record.split(b"\n"):
        with suppress(ValueError):
            return decode(line).received
    return None
