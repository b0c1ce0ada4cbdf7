"""A visitor's counted events within a stretch of time, and the judgement of each new one."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from operator import attrgetter

import msgspec
from msgspec.structs import astuple

from ingest.contract.event import ENGAGEMENT, UNTOUCHED, Event, Touch

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

GAP = 30 * MINUTE  # between two events of one session, exactly this still belongs
REACH = DAY  # how far from its session's first event an interactive one may lie
KEEP = REACH + GAP  # how far around an event others can matter to it: duplicates, the sessions it may join or cut
FLOOD = 5_000  # events within REACH of the newest
TEXT = 4 * 1024 * 1024  # characters of them
ITEM_TEXT = 100  # what an event counts beyond its texts, so that events without any are bounded too


class Item(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """What sessions need of an event. Compares in the order of events, (time, seq, id).

    No session begins with an engagement event, so none asks what its `touch` was.
    """

    time: int
    seq: int
    id: str
    type: str
    view: str
    page: str
    source: str
    campaign: str
    country: str
    device: str
    browser: str
    os: str
    settings: int
    scroll: int | None = None
    engaged_ms: int | None = None
    amount: int | None = None
    currency: str = ""
    transaction: str = ""
    touch: Touch = UNTOUCHED

    @classmethod
    def of(cls, event: Event) -> "Item":
        revenue = event.revenue
        return cls(
            event.time,
            event.seq,
            event.id,
            event.type,
            event.view,
            event.page,
            event.source,
            event.campaign,
            event.country,
            event.device,
            event.browser,
            event.os,
            event.settings,
            event.scroll,
            event.engaged_ms,
            None if revenue is None else revenue.amount,
            "" if revenue is None else revenue.currency,
            "" if revenue is None else revenue.transaction,
            UNTOUCHED if event.type == ENGAGEMENT else event.touch,
        )


def text(item: Item) -> int:
    """What the item counts towards TEXT."""
    return (
        ITEM_TEXT
        + len(item.id)
        + len(item.type)
        + len(item.view)
        + len(item.page)
        + len(item.source)
        + len(item.campaign)
        + len(item.country)
        + len(item.device)
        + len(item.browser)
        + len(item.os)
        + len(item.currency)
        + len(item.transaction)
        + sum(map(len, astuple(item.touch)))
    )


_time = attrgetter("time")


def cut(items: list[Item]) -> list[tuple[int, int]]:
    """The sessions of items in order, as half-open index ranges; what lies in none is passive and loose."""
    spans: list[tuple[int, int]] = []
    begin = -1  # of the current session; -1: none
    first = last = 0
    for at, item in enumerate(items):
        time = item.time
        if begin >= 0 and time - last <= GAP and (time - first <= REACH or item.type == ENGAGEMENT):
            last = time
            continue
        if begin >= 0:
            spans.append((begin, at))
            begin = -1
        if item.type != ENGAGEMENT:
            begin = at
            first = last = time
    if begin >= 0:
        spans.append((begin, len(items)))
    return spans


class Memory:
    """Counted events in order, and what they say of a new one; `text` counts what they hold."""

    __slots__ = ("_at", "_ids", "_recent", "_since", "items", "text")

    def __init__(self, items: list[Item], text: int) -> None:
        self.items = items
        self.text = text
        ids: dict[str, tuple[int, ...]] = {}
        for item in items:
            ids[item.id] = (*ids[item.id], item.time) if item.id in ids else (item.time,)
        self._ids = ids
        # The items from index _at on, those from the time _since on, hold _recent text; -1: not worked out yet.
        self._at, self._since, self._recent = -1, 0, 0

    def judge(self, event: Event) -> str:
        """Why the event does not count, "" if it does; then it is among the items."""
        times = self._ids.get(event.id)
        if times and any(abs(event.time - time) <= KEEP for time in times):
            return "duplicate"
        item = Item.of(event)
        size = text(item)
        if (len(self.items) >= FLOOD or self.text + size > TEXT) and self._floods(item.time, size):
            return "flood"
        self._ids[item.id] = (*times, item.time) if times else (item.time,)
        self._insert(item, size)
        return ""

    def _insert(self, item: Item, size: int) -> None:
        items = self.items
        self.text += size
        # Times nearly always tell, and comparing whole items costs ten times as much.
        if not items or item.time > items[-1].time or item > items[-1]:
            items.append(item)
        else:
            insort(items, item)
        if self._at >= 0:
            if item.time >= self._since:
                self._recent += size
            else:
                self._at += 1

    def _floods(self, time: int, size: int) -> bool:
        """Whether the day behind the newest event is full; in history, behind the newest within a day after it."""
        items = self.items
        if not items:
            return size > TEXT
        newest = items[-1].time
        if time < newest - REACH:
            after = bisect_right(items, time + REACH, key=_time)
            end = max(time, items[after - 1].time) if after else time
            return after - bisect_left(items, end - REACH, key=_time) >= FLOOD
        self._advance(newest - REACH)
        at, recent = self._at, self._recent
        while at < len(items) and items[at].time < time - REACH:  # one newer than all moves the day with it
            recent -= text(items[at])
            at += 1
        return len(items) - at >= FLOOD or recent + size > TEXT

    def _advance(self, since: int) -> None:
        items = self.items
        if self._at < 0:
            self._at = bisect_left(items, since, key=_time)
            self._recent = sum(map(text, items[self._at :]))
        while self._at < len(items) and items[self._at].time < since:
            self._recent -= text(items[self._at])
            self._at += 1
        self._since = since


def total(items: Iterable[Item]) -> int:
    """What items count towards TEXT together."""
    return sum(map(text, items))
