"""Rows and rollups for these tests: every field says something, so that a column that goes astray shows."""

from typing import Any

from rollups import control
from rollups.rollup import Rollup, parse
from rollups.rows import EventRow, SessionRow
from rollups.write import Writer

T0 = 1_764_000_000_000  # 2025-11-24 16:00 UTC
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def paused(writer: Writer) -> bool:
    """Whether a worker that looks now decides nothing."""
    with writer.one_life() as look:
        return look.phase != control.CLEARED


def event(id_: str = "e1", time: int = T0, **fields: Any) -> EventRow:
    """A counted pageview."""
    row = EventRow(
        site="site01",
        visitor="00000000000000aa",
        id=id_,
        type="pageview",
        time=time,
        received=time,
        seq=0,
        view="",
        url="https://example.com/é",
        page="/",
        referrer="",
        title="Tïtle\n'",
        source="direct",
        campaign="(none)",
        country="DE",
        device="Desktop",
        browser="Firefox",
        os="Linux",
        screen_width=1440,
        screen_height=900,
        data="",
        scroll=None,
        engaged_ms=None,
        amount=None,
        currency="",
        transaction="",
        settings=0,
        reason="",
        hash=7,
        log="log",
        partition=0,
        offset=time,
        index=0,
    )
    return row._replace(**fields)


def session(start: int = T0, **fields: Any) -> SessionRow:
    """A session of one pageview and one purchase, 90 seconds long."""
    row = SessionRow(
        site="site01",
        visitor="00000000000000aa",
        session=f"{start:016x}"[-16:],
        start=start,
        end=start + 90_000,
        source="google",
        campaign="Spring",
        country="DE",
        device="Phone",
        browser="Safari",
        os="iOS",
        entry_page="/a",
        exit_page=None,
        pageviews=1,
        events=2,
        engaged_ms=None,
        bucket="engaged",
        settings=3,
        pv_page=("/a",),
        pv_time=(start,),
        pv_depth=(-1,),
        pv_engaged_ms=(0,),
        ev_type=("purchase",),
        ev_time=(start + 90_000,),
        ev_seq=(4,),
        tx_transaction=("t1",),
        tx_time=(start + 90_000,),
        tx_seq=(4,),
        tx_event=("e9",),
        tx_type=("purchase",),
        tx_amount=(-199_001,),
        tx_currency=("EUR",),
        hash=7,
        sign=1,
        version=2**64 - 1,
    )
    return row._replace(**fields)


SERIES = parse(
    "series",
    "-- source: sessions\n-- grain: quarter\n-- sum: sessions, bounces\n"
    "SELECT site, start AS time, sign AS sessions, sign * (pageviews <= 1) AS bounces FROM {source}",
)
COUNTRY = parse(
    "country",
    "-- source: sessions\n-- grain: day\n-- key: country\n-- sum: sessions\n"
    "SELECT site, start AS time, country, sign AS sessions FROM {source}",
)
VIEWED = parse(
    "viewed",
    "-- source: sessions\n-- grain: day\n-- reach: element\n-- key: page\n-- sum: views\n"
    "SELECT site, at AS time, page, sign AS views FROM {source} ARRAY JOIN pv_page AS page, pv_time AS at",
)
LEDGER = parse(
    "ledger",
    "-- source: events\n-- grain: quarter\n-- key: reason\n-- sum: events\n"
    "SELECT site, received AS time, reason, 1 AS events FROM {source}",
)
VISITOR = parse(
    "visitor",
    "-- source: sessions\n-- grain: none\n-- key: visitor\n-- min: first_seen\n-- max: last_seen\n-- sum: sessions\n"
    "SELECT site, visitor, start AS first_seen, end AS last_seen, sign AS sessions FROM {source}",
)
ROLLUPS: dict[str, Rollup] = {made.name: made for made in (SERIES, COUNTRY, VIEWED, LEDGER, VISITOR)}
