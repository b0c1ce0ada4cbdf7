"""The rows that workers write, in the column order of the tables `events` and `sessions`: one definition for both.

Times are ms since the epoch; amounts are ten-thousandths; depths are hundredths of a per cent (-1: none reported).
A field's type says how the column is sent, String if nothing else: the server turns it into LowCardinality faster than
a client builds its dictionary.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias, get_type_hints

_TIME = "DateTime64(3, 'UTC')"
_MONEY = "Decimal(18, 4)"

Time = Annotated[int, _TIME]
Times = Annotated[tuple[int, ...], f"Array({_TIME})"]
Money = Annotated[int | None, f"Nullable({_MONEY})"]
Moneys = Annotated[tuple[int, ...], f"Array({_MONEY})"]
Int8 = Annotated[int, "Int8"]
Int32 = Annotated[int, "Int32"]
Int64 = Annotated[int, "Int64"]
UInt32 = Annotated[int, "UInt32"]
UInt64 = Annotated[int, "UInt64"]
MaybeInt32 = Annotated[int | None, "Nullable(Int32)"]
MaybeInt64 = Annotated[int | None, "Nullable(Int64)"]
Int32s = Annotated[tuple[int, ...], "Array(Int32)"]
Int64s = Annotated[tuple[int, ...], "Array(Int64)"]
MaybeText = Annotated[str | None, "Nullable(String)"]
Texts = Annotated[tuple[str, ...], "Array(String)"]


# Columns of both tables that came with 0028 and 0029, in order: `{touch}` in a statement.
TOUCH = ("medium", "term", "content", "channel", "hostname", "region", "city")


class EventRow(NamedTuple):
    """One line of the log as it lies in `events`; `reason` "" = counted. What admission filtered has id and type ""."""

    site: str
    visitor: str
    id: str
    type: str
    time: Time
    received: Time
    seq: Int64
    view: str
    url: str
    page: str
    referrer: str
    title: str
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    screen_width: Int32
    screen_height: Int32
    data: str
    scroll: MaybeInt32
    engaged_ms: MaybeInt64
    amount: Money
    currency: str
    transaction: str
    settings: UInt64
    reason: str
    hash: UInt32  # murmur2 of site + visitor, 31 bits: partition = hash % partitions
    log: str
    partition: UInt32
    offset: UInt64
    index: UInt32  # type: ignore[assignment]  # line of the record; hides tuple.index
    keys: Texts = ()  # of the leaves of `data`, dotted
    medium: str = ""
    term: str = ""
    content: str = ""
    channel: str = ""
    hostname: str = ""
    region: str = ""
    city: str = ""


class SessionRow(NamedTuple):
    """One session as written: sign +1, or -1 with every other field exactly as in its +1.

    Arrays are in order of events: pv_* one element a pageview, ev_* one a custom event, tx_* one an event with revenue.
    """

    site: str
    visitor: str
    session: str  # 16 hex: hash of site, visitor and the id of the first interactive event
    start: Time
    end: Time
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    entry_page: MaybeText
    exit_page: MaybeText
    pageviews: UInt32
    events: UInt32  # interactive
    engaged_ms: MaybeInt64  # None: no engagement event with engaged_ms lies in the session
    bucket: str
    settings: UInt64  # the newest revision among its events: whose thresholds made `bucket`
    pv_page: Texts
    pv_time: Times
    pv_depth: Int32s
    pv_engaged_ms: Int64s
    ev_type: Texts
    ev_time: Times
    ev_seq: Int64s
    tx_transaction: Texts
    tx_time: Times
    tx_seq: Int64s
    tx_event: Texts
    tx_type: Texts
    tx_amount: Moneys
    tx_currency: Texts
    hash: UInt32
    sign: Int8
    version: UInt64  # 64-bit hash of the token of the batch that wrote the +1
    # Of the event that says the source; all "" in rows that an earlier build wrote.
    medium: str = ""
    term: str = ""
    content: str = ""
    channel: str = ""
    hostname: str = ""
    region: str = ""
    city: str = ""


# The values of each column of a row, in the order of its fields.
Columns: TypeAlias = Sequence[Sequence[Any]]


def transposed(row: type[EventRow] | type[SessionRow], rows: Iterable[Sequence[Any]]) -> Columns:
    """The columns of such rows."""
    return list(zip(*rows, strict=True)) or [()] * len(row._fields)


def event_rows(columns: Columns) -> list[EventRow]:
    """The other way round."""
    return list(map(EventRow._make, zip(*columns, strict=True)))


def types_of(row: type[NamedTuple]) -> Mapping[str, str]:
    """Column → its type as it is sent, in order."""
    hints = get_type_hints(row, include_extras=True)
    return {name: getattr(hints[name], "__metadata__", ("String",))[0] for name in row._fields}


EVENT, SESSION = types_of(EventRow), types_of(SessionRow)
