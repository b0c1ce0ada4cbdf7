"""The model's sites as the rows that a worker would have written, retracted copies of unfinished sessions included."""

import json
from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from random import Random
from typing import Any

from ingest.contract.data import leaf_keys
from rollups.rows import TOUCH, EventRow, SessionRow
from tests.oracle.bucket import bucket
from tests.oracle.fact import Fact, Session
from tests.oracle.sessions import Site, cut


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def visitor_hash(site: str, visitor: str) -> str:
    """The 16 hex of a visitor whom the model knows by name."""
    return _digest(site, visitor)


def session_id(session: Session) -> str:
    first = session.facts[0]
    return _digest(first.site, first.visitor, first.id)


def event_rows(site: str, model: Site) -> list[EventRow]:
    """A row of `events` for everything that was answered with 202."""
    rows = [_event(fact, "") for fact in model.counted]
    rows += [_event(fact, reason) for fact, reason in model.filtered]
    nobody = Fact(site=site, visitor="", id="", type="", time=0, received=0, device="", source="", campaign="", page="")
    for received, reason in model.admission:
        rows.append(_event(nobody, reason)._replace(time=received, received=received, visitor=""))
    return rows


def session_rows(model: Site, settings: dict[str, Any], seed: int = 0) -> Iterator[SessionRow]:
    """Rows of `sessions`: each session as it stands, and for some the copies that were written before it was complete.

    Such a copy is a session of the first few events, written (+1) and retracted (-1): possibly with another bucket,
    source, end and even another first event.
    """
    random = Random(seed)
    for session in model.sessions:
        for version in range(1, random.choice([1, 1, 2, 3])):
            kept = [fact for fact in session.facts if random.random() < 0.6]
            for unfinished in cut(kept):
                row = _session(unfinished, settings, version)
                yield row
                yield row._replace(sign=-1)
        yield _session(session, settings, 10)


def _amount(amount: Decimal) -> int:
    return int(amount * 10_000)


def _hundredths(depth: Decimal | None) -> int:
    return -1 if depth is None else int(depth * 100)


def _touch(fact: Fact) -> dict[str, str]:
    """The columns TOUCH, which have "" where a fact says that there is nothing."""
    said = {name: getattr(fact, name) for name in TOUCH}
    return {name: "" if value in ("(none)", "unknown") else value for name, value in said.items()}


def _event(fact: Fact, reason: str) -> EventRow:
    data = "" if fact.data is None else json.dumps(fact.data, ensure_ascii=False)
    return EventRow(
        site=fact.site,
        visitor=visitor_hash(fact.site, fact.visitor),
        id=fact.id,
        type=fact.type,
        time=fact.time,
        received=fact.received,
        seq=fact.seq,
        view=fact.view,
        url=fact.url,
        page=fact.page,
        referrer="",
        title=fact.title,
        source=fact.source,
        campaign=fact.campaign,
        country=fact.country,
        device=fact.device,
        browser=fact.browser,
        os=fact.os,
        screen_width=0,
        screen_height=0,
        data=data,
        scroll=None if fact.scroll is None else _hundredths(fact.scroll),
        engaged_ms=fact.engaged_ms,
        amount=_amount(fact.money.amount) if fact.money else None,
        currency=fact.money.currency if fact.money else "",
        transaction=fact.money.transaction if fact.money else "",
        settings=1,
        reason=reason,
        hash=0,
        log="test",
        partition=0,
        offset=0,
        index=0,
        keys=leaf_keys(data),
        **_touch(fact),
    )


def _session(session: Session, settings: dict[str, Any], version: int) -> SessionRow:
    touch = session.first_touch
    paid = [(fact, fact.money) for fact in session.interactive if fact.money]
    told = [fact.engaged_ms for fact in session.facts if fact.passive and fact.engaged_ms is not None]
    return SessionRow(
        site=touch.site,
        visitor=visitor_hash(touch.site, touch.visitor),
        session=session_id(session),
        start=session.start,
        end=session.end,
        source=touch.source,
        campaign=touch.campaign,
        country=touch.country,
        device=touch.device,
        browser=touch.browser,
        os=touch.os,
        entry_page=session.views[0].fact.page if session.views else None,
        exit_page=session.views[-1].fact.page if session.views else None,
        pageviews=len(session.views),
        events=len(session.interactive),
        engaged_ms=sum(told) if told else None,
        bucket=bucket(session, settings),
        settings=1,
        pv_page=tuple(view.fact.page for view in session.views),
        pv_time=tuple(view.fact.time for view in session.views),
        pv_depth=tuple(_hundredths(view.depth) for view in session.views),
        pv_engaged_ms=tuple(view.engaged_ms for view in session.views),
        ev_type=tuple(fact.type for fact in session.custom),
        ev_time=tuple(fact.time for fact in session.custom),
        ev_seq=tuple(fact.seq for fact in session.custom),
        tx_transaction=tuple(money.transaction for _, money in paid),
        tx_time=tuple(fact.time for fact, _ in paid),
        tx_seq=tuple(fact.seq for fact, _ in paid),
        tx_event=tuple(fact.id for fact, _ in paid),
        tx_type=tuple(fact.type for fact, _ in paid),
        tx_amount=tuple(_amount(money.amount) for _, money in paid),
        tx_currency=tuple(money.currency for _, money in paid),
        hash=0,
        sign=1,
        version=version,
        **_touch(touch),
    )
