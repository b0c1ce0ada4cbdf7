"""The lines of a batch as they lie in `events`: whole columns, with no row made of any of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ingest.contract.data import leaf_keys
from ingest.contract.event import ERASED, LATE, Event, Filtered, Logged, Reason
from ingest.log.partition import hash31
from rollups.decided import Decided
from rollups.rows import TOUCH, Columns, EventRow
from workers.blob import Blob
from workers.fold import Entry

DECIDED = ("reason", "keys")  # columns of which a decision may say otherwise than the lines
_REASON, _KEYS = map(EventRow._fields.index, DECIDED)


def counted_columns(entries: Sequence[Entry], log: str, partition: int) -> Columns:
    """The lines, events or filtered ones, as they lie in `events` if every event of them counts."""
    events = [line if isinstance(line, Event) else _filtered(line) for _, _, line in entries]
    screens = [event.screen for event in events]
    sold = [event.revenue for event in events]
    touches = [event.touch for event in events]
    made: dict[str, Sequence[Any]] = {
        "site": [event.site for event in events],
        "visitor": [event.visitor for event in events],
        "id": [event.id for event in events],
        "type": [event.type for event in events],
        "time": [event.time for event in events],
        "received": [event.received for event in events],
        "seq": [event.seq for event in events],
        "view": [event.view for event in events],
        "url": [event.url for event in events],
        "page": [event.page for event in events],
        "referrer": [event.referrer for event in events],
        "title": [event.title for event in events],
        "source": [event.source for event in events],
        "campaign": [event.campaign for event in events],
        "country": [event.country for event in events],
        "device": [event.device for event in events],
        "browser": [event.browser for event in events],
        "os": [event.os for event in events],
        "screen_width": [width for width, _ in screens],
        "screen_height": [height for _, height in screens],
        "data": [event.data for event in events],
        "scroll": [event.scroll for event in events],
        "engaged_ms": [event.engaged_ms for event in events],
        "amount": [revenue and revenue.amount for revenue in sold],
        "currency": [revenue.currency if revenue else "" for revenue in sold],
        "transaction": [revenue.transaction if revenue else "" for revenue in sold],
        "settings": [event.settings for event in events],
        "reason": [line.reason if isinstance(line, Filtered) else "" for _, _, line in entries],
        "hash": [hash31(event.site, event.visitor) for event in events],
        "log": [log] * len(events),
        "partition": [partition] * len(events),
        "offset": [offset for offset, _, _ in entries],
        "index": [place for _, place, _ in entries],
        "keys": [leaf_keys(event.data) if event.data else () for event in events],
        **{name: [getattr(touch, name) for touch in touches] for name in TOUCH},
    }
    return [made[name] for name in EventRow._fields]


def _filtered(line: Logged) -> Event:
    """What admission filtered, for the ledger: site and receipt."""
    return Event(site=line.site, visitor="", id="", type="", time=line.received, received=line.received, page="")


def nameless(reasons: Iterable[tuple[int, int, str]]) -> dict[tuple[int, int], Reason]:
    """The lines of which only the ledger may know: of erased visitors, and of months that are gone."""
    kinds: dict[str, Reason] = {ERASED: ERASED, LATE: LATE}
    return {(offset, place): kinds[reason] for offset, place, reason in reasons if reason in kinds}


def bare(entries: Iterable[Entry], nameless: Mapping[tuple[int, int], Reason]) -> list[Entry]:
    """The entries, some of them without anything but why they do not count."""
    return [
        entry._replace(line=Filtered(entry.line.site, reason, entry.line.received))
        if (reason := nameless.get(entry[:2]))
        else entry
        for entry in entries
    ]


def judged(
    counted: Columns,
    entries: Iterable[Entry],
    reasons: Mapping[tuple[int, int], str],
    keys: Mapping[tuple[int, int], Sequence[str]],
) -> Columns:
    """The columns of these entries as they were decided to be: `reasons` of those that do not count; `keys` of the data
    of those of which they are others.
    """
    if not reasons and not keys:
        return counted
    columns, why, own = list(counted), list(counted[_REASON]), list(counted[_KEYS])
    for at, (offset, place, _) in enumerate(entries):
        if reason := reasons.get((offset, place)):
            why[at], own[at] = reason, ()
        elif (offset, place) in keys:
            own[at] = keys[offset, place]
    columns[_REASON], columns[_KEYS] = why, own
    return columns


def event_columns(
    entries: Sequence[Entry],
    reasons: Mapping[tuple[int, int], str],
    keys: Mapping[tuple[int, int], Sequence[str]],
    log: str,
    partition: int,
) -> Columns:
    """Both at once."""
    return judged(counted_columns(entries, log, partition), entries, reasons, keys)


def decided_columns(
    decided: Decided, decision: Blob, entries: Iterable[Entry], counted: Columns | None = None
) -> Columns:
    """Those of a decided batch; `counted`: of the same entries, if they are made already and none of them is dead."""
    reasons = {(offset, place): reason for offset, place, reason in decision.reasons}
    keys = {(offset, place): own for offset, place, own in decision.named}
    if counted is not None:
        return judged(counted, entries, reasons, keys)
    lost = {(offset, place) for offset, place, _ in decision.dead}
    stored = [entry for entry in entries if isinstance(entry.line, Event | Filtered) and entry[:2] not in lost]
    stored = bare(stored, nameless(decision.reasons))
    return event_columns(stored, reasons, keys, decided.log, decided.partition)
