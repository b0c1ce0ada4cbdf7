"""Records → lines that a worker can use, and letters for those that nobody can. Bad data is a value here."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ingest.channel import of_stored
from ingest.contract.event import Erase, Event, Filtered, Logged, Rebuild, decode
from ingest.log.dead import DeadLetter, dead_letter
from ingest.log.protocol import Record
from workers.fold import Entry

MAX_LINE = 128 * 1024  # bytes; admission's own limits keep an event far below
MAX_ID = 200
_FIRST, _LAST = -2_208_988_800_000, 10_413_791_999_999  # what the tables' times can hold: 1900 to 2299
_WORD = 2**31
_LONG = 2**63
_AMOUNT = 10**18
_NUL = b"\\u0000"

FUTURE_MS = 5 * 60_000  # how far ahead of the worker's clock a receipt is believed


def read(
    log: str, records: Iterable[Record], latest: int, decided: Mapping[tuple[int, int], str] | None = None
) -> tuple[list[Entry], list[DeadLetter]]:
    """The lines of the records in log order, and a letter for each line that is not one.

    A receipt after `latest` (ms) is not believed. `decided`: (offset, place) → reason of the dead lines of a batch that
    was decided before, whatever the clock and the code say now.
    """
    entries: list[Entry] = []
    letters: list[DeadLetter] = []
    for record in records:
        nul = _NUL in record.value
        for place, raw in lines(record):
            reason = "" if decided is None else decided.get((record.offset, place), "")
            if not reason:
                try:
                    found = line(raw, nul)
                    if decided is None and found.received > latest:
                        reason = (
                            f"future: received {(found.received - latest + FUTURE_MS) // 1000} s ahead of the clock"
                        )
                    else:
                        entries.append(Entry(record.offset, place, found))
                except ValueError as error:
                    reason = str(error)
            if reason:
                letters.append(dead_letter(reason, log, record.partition, record.offset, place, raw))
    return entries, letters


def lines(record: Record) -> Iterator[tuple[int, bytes]]:
    """The lines of a record with their places in it; blank ones are none."""
    return ((place, raw) for place, raw in enumerate(record.value.split(b"\n")) if raw and not raw.isspace())


def line(raw: bytes, nul: bool = True) -> Logged:
    """One line, fit for the tables. Raises ValueError with what is wrong. `nul`: whether it may have escaped ones."""
    if len(raw) > MAX_LINE:
        raise ValueError(f"a line of {len(raw)} bytes, over {MAX_LINE}")
    found = decode(raw)
    if isinstance(found, Event) and not found.touch.channel:
        found = msgspec.structs.replace(found, touch=of_stored(found.url, found.source))
    wrong = _unfit(found) if isinstance(found, Event) else _unfit_other(found)
    if wrong:
        raise ValueError(wrong)
    # An escaped NUL is legal JSON; the escape may also be text within the text of `data`, so look before refusing.
    if nul and _NUL in raw and any("\0" in text for text in _texts(found)):
        raise ValueError("NUL in a text")
    return found


def _unfit(event: Event) -> str:
    """What the tables or the rule could not take, "" if nothing. Any producer can write to the log."""
    if not event.site or len(event.site) > 64 or len(event.visitor) != 16:
        return "site or visitor is not one of ours"
    if not event.id or len(event.id) > MAX_ID or not event.type or len(event.type) > 64:
        return "id or type is empty or too long"
    if not (_FIRST <= event.time <= _LAST and _FIRST <= event.received <= _LAST):
        return "a time outside 1900 to 2299"
    if not (-_LONG <= event.seq < _LONG and 0 <= event.settings < 2 * _LONG):
        return "seq or settings out of range"
    if not (0 <= event.screen[0] < _WORD and 0 <= event.screen[1] < _WORD):
        return "screen out of range"
    if event.scroll is not None and not 0 <= event.scroll <= 10_000:
        return "scroll outside 0 to 10,000"
    if event.engaged_ms is not None and not 0 <= event.engaged_ms <= 86_400_000:
        return "engaged_ms outside a day"
    if event.revenue is not None and not (-_AMOUNT < event.revenue.amount < _AMOUNT and event.revenue.transaction):
        return "an amount of more than 18 digits, or no transaction"
    return ""


def _unfit_other(line: Filtered | Rebuild | Erase) -> str:
    if not line.site or len(line.site) > 64:
        return "site is not one of ours"
    if isinstance(line, Rebuild) and not (0 <= line.settings < 2 * _LONG and all(len(v) == 16 for v in line.visitors)):
        return "settings out of range, or a visitor is not one of ours"
    if isinstance(line, Erase) and (len(line.visitor) != 16 or not 0 < len(line.erasure) <= MAX_ID):
        return "the visitor or the name of the erasure is not one of ours"
    return "" if _FIRST <= line.received <= _LAST else "a time outside 1900 to 2299"


def _texts(found: Logged) -> Iterable[str]:
    for value in msgspec.structs.astuple(found):
        if isinstance(value, str):
            yield value
        elif isinstance(value, msgspec.Struct):
            yield from (text for text in msgspec.structs.astuple(value) if isinstance(text, str))
