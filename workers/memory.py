"""A visitor's memory: the set of events that can still change a session, and the judgement of each new one.

Everything here happens per event, in log order, so that the end of a batch never shows.
"""

from bisect import bisect_left, insort
from operator import attrgetter

import msgspec

from ingest.contract.event import ENGAGEMENT, Event

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

GAP = 30 * MINUTE  # between two events of one session, exactly this still belongs
REACH = DAY  # how far behind the newest an event may arrive, and how far from its first an interactive one may lie
KEEP = REACH + GAP  # a session that ended longer before the newest event can change no more
FORGET = 25 * HOUR  # without a receipt
FLOOD = 5_000  # events within REACH of the newest
TEXT = 4 * 1024 * 1024  # characters a visitor's state may hold
ITEM_TEXT = 100  # what an event counts beyond its texts, so that events without any are bounded too


class Item(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """What sessions need of an event. Compares in the order of events, (time, seq, id): ids are unique in a memory."""

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
    """One visitor while a batch is folded.

    `items` are in order. `gone` collects, oldest first, what trimming and forgetting took out: nothing can change the
    sessions of such a group any more, so their rows must be settled with this batch.
    """

    __slots__ = ("_ids", "_trim_at", "gone", "items", "received", "text")

    def __init__(self, items: list[Item], received: int, text: int) -> None:
        self.items = items
        self.received = received
        self.text = text
        self.gone: list[list[Item]] = []
        self._ids = {item.id for item in items}
        # A lower bound of the newest time at which trimming takes anything: nothing ends before it begins.
        self._trim_at = items[0].time + KEEP if items else 0

    def judge(self, event: Event) -> str:
        """Why the event does not count, "" if it does; then it is in the memory, which is trimmed."""
        self.hear(event.received)
        if event.id in self._ids:
            return "duplicate"
        items = self.items
        if not items:
            return self._insert(event)
        time, newest = event.time, items[-1].time
        if time < newest - REACH:
            return "late"
        if len(items) >= FLOOD:
            since = (newest if newest > time else time) - REACH
            if len(items) - bisect_left(items, since, key=_time) >= FLOOD:
                return "flood"
        return self._insert(event)

    def hear(self, received: int) -> None:
        """Note a receipt of any kind; after 25 h of silence everything before it is forgotten."""
        if self.items and received - self.received > FORGET:
            self.gone.append(self.items)
            self.items, self._ids, self.text = [], set(), 0
            self.received = received
        elif received > self.received:
            self.received = received

    def insert(self, event: Event) -> None:
        """Insert what a decided batch has already judged to count."""
        self._insert(event, bounded=False)

    def _insert(self, event: Event, bounded: bool = True) -> str:
        item = Item.of(event)
        size = self.text + text(item)
        if size > TEXT and bounded:
            return "flood"
        self.text = size
        self._ids.add(item.id)
        items, time = self.items, item.time
        if not items:
            self._trim_at = time + KEEP
            items.append(item)
            return ""
        if item > items[-1]:
            items.append(item)
        else:
            insort(items, item)
            # It may be passive and loose, or begin a session among the passive events at another's end, which then ends
            # up to a gap before it.
            if time + REACH < self._trim_at:
                self._trim_at = time + REACH
        if items[-1].time > self._trim_at:
            self.trim()
        return ""

    def trim(self) -> None:
        """Take out what can change no more: sessions that ended, loose passive events, over KEEP before the newest."""
        items = self.items
        horizon = items[-1].time - KEEP
        dead = 0  # everything before it goes
        kept = len(items)  # where the first session that stays begins
        ends = items[-1].time
        for begin, after in cut(items):
            if items[after - 1].time >= horizon:
                kept, ends = begin, items[after - 1].time
                break
            dead = after
        while dead < kept and items[dead].time < horizon:
            dead += 1
        if dead:
            taken = items[:dead]
            del items[:dead]
            self._ids.difference_update(item.id for item in taken)
            self.text -= sum(map(text, taken))
            self.gone.append(taken)
        self._trim_at = (ends if dead == kept else items[0].time) + KEEP
