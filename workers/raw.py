"""The lines of a batch as they lie in `events`: whole columns, with no row made of any of them."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from ingest.contract.data import leaf_keys
from ingest.contract.event import Event, Filtered, Logged
from ingest.log.partition import hash31
from rollups.rows import Columns, EventRow
from rollups.write import Decided
from workers.blob import Blob
from workers.fold import Entry

# What the table has under the name that it has in an event.
_OWN = {name: attrgetter(name) for name in EventRow._fields if name in Event.__struct_fields__}


def event_columns(
    entries: Sequence[Entry],
    reasons: Mapping[tuple[int, int], str],
    keys: Mapping[tuple[int, int], Sequence[str]],
    log: str,
    partition: int,
) -> Columns:
    """The lines, events or filtered ones, as they lie in `events`.

    `reasons`: of those that do not count; `keys`: of the data of those of which they were decided to be others.
    """
    events = [line if isinstance(line, Event) else _filtered(line) for _, _, line in entries]
    places = [entry[:2] for entry in entries]
    why = [
        entry.line.reason if isinstance(entry.line, Filtered) else reasons.get(place, "")
        for place, entry in zip(places, entries, strict=True)
    ]
    sold = [event.revenue for event in events]
    made: dict[str, Sequence[Any]] = {
        "screen_width": [event.screen[0] for event in events],
        "screen_height": [event.screen[1] for event in events],
        "amount": [revenue and revenue.amount for revenue in sold],
        "currency": [revenue.currency if revenue else "" for revenue in sold],
        "transaction": [revenue.transaction if revenue else "" for revenue in sold],
        "reason": why,
        "hash": [hash31(event.site, event.visitor) for event in events],
        "log": [log] * len(events),
        "partition": [partition] * len(events),
        "offset": [entry.offset for entry in entries],
        "index": [entry.place for entry in entries],
        "keys": [
            keys[place] if place in keys else leaf_keys(event.data) if event.data and not reason else ()
            for place, event, reason in zip(places, events, why, strict=True)
        ],
    }
    return [list(map(_OWN[name], events)) if name in _OWN else made[name] for name in EventRow._fields]


def _filtered(line: Logged) -> Event:
    """What admission filtered, for the ledger: site and receipt."""
    return Event(site=line.site, visitor="", id="", type="", time=line.received, received=line.received, page="")


def decided_columns(decided: Decided, decision: Blob, entries: Iterable[Entry]) -> Columns:
    """Those of a decided batch."""
    lost = {(offset, place) for offset, place, _ in decision.dead}
    reasons = {(offset, place): reason for offset, place, reason in decision.reasons}
    keys = {(offset, place): own for offset, place, own in decision.named}
    stored = [entry for entry in entries if isinstance(entry.line, Event | Filtered) and entry[:2] not in lost]
    return event_columns(stored, reasons, keys, decided.log, decided.partition)
