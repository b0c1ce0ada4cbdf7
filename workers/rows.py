"""Sessions → the rows of their table."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from msgspec.structs import astuple

from ingest.contract.event import ENGAGEMENT, PAGEVIEW
from rollups.rows import Int64s, Moneys, SessionRow, Texts, Times
from workers.bucket import Thresholds, bucket
from workers.memory import Item
from workers.names import Dimension, Names

Limits = Callable[[int], Thresholds]  # settings revision → thresholds, of one site


def version(token: str) -> int:
    """What pairs a session row with its retraction: 64 bits of the token of the batch that wrote it."""
    return int.from_bytes(blake2b(token.encode(), digest_size=8).digest())


def session_id(site: str, visitor: str, first: str, time: int) -> str:
    """16 hex; of the session's first interactive event, whose id alone may come again after a day."""
    return blake2b(f"{site}\0{visitor}\0{first}\0{time}".encode(), digest_size=8).hexdigest()


def session_row(
    site: str,
    visitor: str,
    hash_: int,
    items: Sequence[Item],
    limits: Limits,
    version_: int,
    revision: int | None,
    names: Names,
) -> SessionRow:
    """The session of these items, which are in order and begin with an interactive one.

    It is judged by the newest settings revision among them, or by `revision`; `names` says which values it may hold.
    """
    first, last = items[0], items[-1]
    name = names.day(site, first.time).name
    pv_page: list[str] = []
    pv_time: list[int] = []
    pv_depth: list[int] = []
    custom: list[Item] = []
    sold: list[Item] = []
    touch: Item | None = None
    passive = 0
    settings = first.settings
    for item in items:
        if item.type == PAGEVIEW:
            touch = touch or item
            pv_page.append(name("page", item.page))
            pv_time.append(item.time)
            pv_depth.append(-1 if item.scroll is None else item.scroll)
        elif item.type == ENGAGEMENT:
            passive += 1
        else:
            custom.append(item)
        if item.amount is not None:
            sold.append(item)
        if item.settings > settings:
            settings = item.settings
    touch = touch or first
    settings = settings if revision is None else revision
    pv_engaged = [0] * len(pv_page)
    engaged = _credit(items, pv_depth, pv_engaged) if passive else None
    found = bucket(
        limits(settings),
        revenue=bool(sold),
        types={item.type for item in items if item.type != ENGAGEMENT},
        customs=len(custom),
        pageviews=len(pv_page),
        milliseconds=last.time - first.time if engaged is None else engaged,
        depth=max(pv_depth, default=0),
    )
    ev_type, ev_time, ev_seq = custom_columns(custom, name) if custom else _NO_CUSTOM
    tx_transaction, tx_time, tx_seq, tx_event, tx_type, tx_amount, tx_currency = (
        sold_columns(sold) if sold else _NO_SALE
    )
    return SessionRow(
        site,
        visitor,
        session_id(site, visitor, first.id, first.time),
        first.time,
        last.time,
        name("source", touch.source),
        name("campaign", touch.campaign),
        touch.country,
        touch.device,
        touch.browser,
        touch.os,
        pv_page[0] if pv_page else None,
        pv_page[-1] if pv_page else None,
        len(pv_page),
        len(items) - passive,
        engaged,
        found,
        settings,
        tuple(pv_page),
        tuple(pv_time),
        tuple(pv_depth),
        tuple(pv_engaged),
        ev_type,
        ev_time,
        ev_seq,
        tx_transaction,
        tx_time,
        tx_seq,
        tx_event,
        tx_type,
        tx_amount,
        tx_currency,
        hash_,
        1,
        version_,
        *astuple(touch.touch),
    )


def custom_columns(items: Sequence[Item], name: Callable[[Dimension, str], str]) -> tuple[Texts, Times, Int64s]:
    """The columns ev_*."""
    return (
        tuple([name("type", item.type) for item in items]),
        tuple([item.time for item in items]),
        tuple([item.seq for item in items]),
    )


class Sold(NamedTuple):
    """The columns tx_*."""

    tx_transaction: Texts
    tx_time: Times
    tx_seq: Int64s
    tx_event: Texts
    tx_type: Texts
    tx_amount: Moneys
    tx_currency: Texts


def sold_columns(items: Sequence[Item]) -> Sold:
    """Of the items that carry revenue."""
    return Sold(
        tuple([item.transaction for item in items]),
        tuple([item.time for item in items]),
        tuple([item.seq for item in items]),
        tuple([item.id for item in items]),
        tuple([item.type for item in items]),
        tuple([item.amount or 0 for item in items]),
        tuple([item.currency for item in items]),
    )


# Most sessions have neither.
_NO_CUSTOM = custom_columns((), lambda *_: "")
_NO_SALE = sold_columns(())


def _credit(items: Sequence[Item], depths: list[int], engaged: list[int]) -> int | None:
    """Credit engagement to pageviews, in place; returns the engaged time of the session, None where none was reported.

    The pageview with the same view, wherever it lies in the session, goes before the latest earlier one of the page.
    """
    by_view = {}
    at = -1
    for item in items:
        if item.type == PAGEVIEW:
            at += 1
            if item.view:
                by_view[item.view] = at
    by_page: dict[str, int] = {}
    total: int | None = None
    at = -1
    for item in items:
        if item.type == PAGEVIEW:
            at += 1
            by_page[item.page] = at
        elif item.type == ENGAGEMENT:
            if item.engaged_ms is not None:
                total = (total or 0) + item.engaged_ms
            credited = by_view.get(item.view, by_page.get(item.page))
            if credited is not None:
                if item.scroll is not None and item.scroll > depths[credited]:
                    depths[credited] = item.scroll
                engaged[credited] += item.engaged_ms or 0
    return total
