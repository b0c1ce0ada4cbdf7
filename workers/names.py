"""How many distinct values of a site, a day and a dimension enter the rollups: past the limit the rest is `(other)`.

Raw events keep the truth. What a session row once said it says for ever, for rows are decided with their batch; which
values came first is all that order of arrival can change. A worker counts what it has written itself, and reads what
lies in ClickHouse beside it once that is much: the limit holds for each worker, and small sites cost no question.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeAlias

from ingest.contract.event import DIRECT, NO_CAMPAIGN
from workers.memory import DAY

OTHER = "(other)"
MOST = 1_000_000  # values held in memory, about 70 bytes each; the days longest unused are forgotten
DAY_COST = 20  # values that a day counts for beyond its own

Dimension: TypeAlias = Literal["source", "campaign", "page", "type", "key"]
# (site, day's first ms, at most so many) → dimension → values that lie in ClickHouse
Load: TypeAlias = Callable[[str, int, int], Mapping[str, Iterable[str]]]


class Day:
    """The values of one site and UTC day."""

    __slots__ = ("_held", "_limit", "added", "complete", "cost")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, set[int]] = {"source": {hash(DIRECT)}, "campaign": {hash(NO_CAMPAIGN)}}
        self.added = 0
        self.complete = False  # whether it knows what lies in ClickHouse
        self.cost = 0  # what it counted for when last looked at

    def name(self, dimension: Dimension, value: str) -> str:
        """The value, or `(other)` if it is one too many. Values are told apart by 64 bits of hash."""
        held = self._held.setdefault(dimension, set())
        digest = hash(value)
        if digest not in held:
            if self._limit and len(held) >= self._limit:
                return OTHER
            held.add(digest)
            self.added += 1
        return value

    def complete_by(self, values: Mapping[str, Iterable[str]]) -> None:
        """Add what lies in ClickHouse already."""
        for dimension, own in values.items():
            held = self._held.setdefault(dimension, set())
            before = len(held)
            held.update(map(hash, own))
            self.added += len(held) - before
        self.complete = True


class Names:
    """All days of a worker. `limit` 0: none."""

    def __init__(self, limit: int, load: Load, most: int = MOST) -> None:
        self._limit, self._load, self._most = limit, load, most
        self._days: OrderedDict[tuple[str, int], Day] = OrderedDict()
        self._used: dict[tuple[str, int], Day] = {}  # since the last batch
        self._cost = 0

    def day(self, site: str, time: int) -> Day:
        """The values of the day of `time` (ms)."""
        name = (site, time // DAY * DAY)
        held = self._days.get(name)
        if held is None:
            held = self._days[name] = Day(self._limit)
        else:
            self._days.move_to_end(name)
        self._used[name] = held
        return held

    def settle(self) -> None:
        """Between two batches: forget what is too much, ask for what became much. Blocks; raises what `load` raises."""
        for (site, time), day in self._used.items():
            if not day.complete and self._limit and day.added > self._limit // 10:
                day.complete_by(self._load(site, time, self._limit))
            self._cost += DAY_COST + day.added - day.cost
            day.cost = DAY_COST + day.added
        self._used.clear()
        while self._cost > self._most:
            self._cost -= self._days.popitem(last=False)[1].cost


NO_LIMIT = Names(0, lambda *_: {})
