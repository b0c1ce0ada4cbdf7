"""The rows that workers write, in the column order of the tables `events` and `sessions`: one definition for both.

Times are ms since the epoch; amounts are ten-thousandths; depths are hundredths of a per cent (-1: none reported).
"""

from typing import NamedTuple


class EventRow(NamedTuple):
    """One line of the log as it lies in `events`; `reason` "" = counted. What admission filtered has id and type ""."""

    site: str
    visitor: str
    id: str
    type: str
    time: int
    received: int
    seq: int
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
    screen_width: int
    screen_height: int
    data: str
    scroll: int | None
    engaged_ms: int | None
    amount: int | None
    currency: str
    transaction: str
    settings: int
    reason: str
    hash: int  # murmur2 of site + visitor, 31 bits: partition = hash % partitions
    log: str
    partition: int
    offset: int
    index: int  # type: ignore[assignment]  # line of the record; hides tuple.index
    keys: tuple[str, ...] = ()  # of the leaves of `data`, dotted


class SessionRow(NamedTuple):
    """One session as written: sign +1, or -1 with every other field exactly as in its +1.

    Arrays are in order of events: pv_* one element a pageview, ev_* one a custom event, tx_* one an event with revenue.
    """

    site: str
    visitor: str
    session: str  # 16 hex: hash of site, visitor and the id of the first interactive event
    start: int
    end: int
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    entry_page: str | None
    exit_page: str | None
    pageviews: int
    events: int  # interactive
    engaged_ms: int | None  # None: no engagement event with engaged_ms lies in the session
    bucket: str
    settings: int  # the newest revision among its events: whose thresholds made `bucket`
    pv_page: tuple[str, ...]
    pv_time: tuple[int, ...]
    pv_depth: tuple[int, ...]
    pv_engaged_ms: tuple[int, ...]
    ev_type: tuple[str, ...]
    ev_time: tuple[int, ...]
    ev_seq: tuple[int, ...]
    tx_transaction: tuple[str, ...]
    tx_time: tuple[int, ...]
    tx_seq: tuple[int, ...]
    tx_event: tuple[str, ...]
    tx_type: tuple[str, ...]
    tx_amount: tuple[int, ...]
    tx_currency: tuple[str, ...]
    hash: int
    sign: int
    version: int  # 64-bit hash of the token of the batch that wrote the +1
