"""Rows of a few lines, for cases made by hand."""

from datetime import datetime
from typing import Any

from ingest.contract.data import leaf_keys
from rollups.rows import EventRow, SessionRow


def at(text: str) -> int:
    """ISO 8601 with an offset → ms."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def session(visitor: str, start: int, **fields: Any) -> SessionRow:
    """A session of one pageview of "/" without duration, but for `fields`."""
    made: dict[str, Any] = {
        "site": "s1",
        "visitor": visitor,
        "session": f"{visitor}-{start}",
        "start": start,
        "end": start,
        "source": "direct",
        "campaign": "(none)",
        "country": "DE",
        "device": "Desktop",
        "browser": "Firefox",
        "os": "Linux",
        "entry_page": "/",
        "exit_page": "/",
        "pageviews": 1,
        "events": 1,
        "engaged_ms": None,
        "bucket": "bouncer",
        "settings": 1,
        "pv_page": ("/",),
        "pv_time": (start,),
        "pv_depth": (-1,),
        "pv_engaged_ms": (0,),
        "ev_type": (),
        "ev_time": (),
        "ev_seq": (),
        "tx_transaction": (),
        "tx_time": (),
        "tx_seq": (),
        "tx_event": (),
        "tx_type": (),
        "tx_amount": (),
        "tx_currency": (),
        "hash": 0,
        "sign": 1,
        "version": 1,
    }
    return SessionRow(**(made | fields))


def retracted(row: SessionRow) -> SessionRow:
    return row._replace(sign=-1)


def viewing(visitor: str, views: list[tuple[str, int, int]], **fields: Any) -> SessionRow:
    """A session of pageviews (page, time, depth in hundredths of a per cent or -1)."""
    pages, times, depths = zip(*views, strict=True)
    return session(
        visitor,
        times[0],
        **{
            "end": times[-1],
            "pageviews": len(views),
            "events": len(views),
            "pv_page": pages,
            "pv_time": times,
            "pv_depth": depths,
            "pv_engaged_ms": (0,) * len(views),
        }
        | fields,
    )


def acting(visitor: str, start: int, types: list[str], **fields: Any) -> SessionRow:
    """A session of custom events a second apart, the first one at `start`."""
    times = tuple(start + 1000 * index for index in range(len(types)))
    return session(
        visitor,
        start,
        **{"ev_type": tuple(types), "ev_time": times, "ev_seq": (0,) * len(types), "events": 1 + len(types)} | fields,
    )


def paying(visitor: str, start: int, payments: list[tuple[str, int, int, str]], **fields: Any) -> SessionRow:
    """A session of purchases (transaction, time, amount in ten-thousandths, currency)."""
    transactions, times, amounts, currencies = zip(*payments, strict=True)
    paid = {
        "tx_transaction": transactions,
        "tx_time": times,
        "tx_seq": (0,) * len(payments),
        "tx_event": tuple(f"{visitor}-{time}" for time in times),
        "tx_type": ("purchase",) * len(payments),
        "tx_amount": amounts,
        "tx_currency": currencies,
    }
    return session(visitor, start, **paid | fields)


def event(visitor: str, type_: str, time: int, **fields: Any) -> EventRow:
    """A counted event of the page "/", received when it happened."""
    made: dict[str, Any] = {
        "site": "s1",
        "visitor": visitor,
        "id": f"{visitor}-{type_}-{time}",
        "type": type_,
        "time": time,
        "received": time,
        "seq": 0,
        "view": "",
        "url": "https://shop.example/",
        "page": "/",
        "referrer": "",
        "title": "Shop",
        "source": "direct",
        "campaign": "(none)",
        "country": "DE",
        "device": "Desktop",
        "browser": "Firefox",
        "os": "Linux",
        "screen_width": 0,
        "screen_height": 0,
        "data": "",
        "scroll": None,
        "engaged_ms": None,
        "amount": None,
        "currency": "",
        "transaction": "",
        "settings": 1,
        "reason": "",
        "hash": 0,
        "log": "test",
        "partition": 0,
        "offset": 0,
        "index": 0,
    }
    return EventRow(**(made | {"keys": leaf_keys(fields.get("data", ""))} | fields))
