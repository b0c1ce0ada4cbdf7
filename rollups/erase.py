"""Who was erased: what a batch writes of it, and what is remembered.

Raw events go later (`rollups.purge`). Until then rows of fewer `copies` lie beside them, so that what is counted from
the raw events is right at every moment; what stays are rows that say how many events were erased when.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rollups.client import Client
from rollups.retain import floors
from rollups.rows import Int32, Texts, Time, UInt32, UInt64, types_of
from rollups.sql import statement

ERASED = "erased"


class Stone(NamedTuple):
    """Of a visitor by `digest`, nothing counts that happened or was received up to `until` (ms), or that lay in the
    partition of the log before `offset`.
    """

    site: str
    digest: str
    until: Time
    log: str
    partition: UInt32
    offset: UInt64
    erasure: str


class Taken(NamedTuple):
    """So many events of a visitor, of one kind: `keys` of their data, if they counted, and `time` then is theirs;
    else both times are the begin of a quarter, ms."""

    log: str
    partition: int
    received: int
    reason: str
    time: int
    type: str
    keys: tuple[str, ...]
    copies: int


class Row(NamedTuple):
    """A row of `events` that is nobody's."""

    site: str
    log: str
    partition: UInt32
    received: Time
    reason: str
    time: Time
    type: str
    keys: Texts
    copies: Int32
    index: UInt32  # type: ignore[assignment]  # hides tuple.index
    erasure: str


def stones(client: Client) -> list[Stone]:
    """How everybody was ever erased. Blocks; raises ClickHouseUnavailable."""
    return [Stone(*row.values()) for row in client.rows(statement("erased"))]


def rows(token: str, stone: Stone, taken: Sequence[Taken], first: int = 0) -> list[Row]:
    """What the batch of this token leaves of what was taken: as many fewer of each kind, as many more erased."""
    name = f"{token}/{stone.erasure}"
    fewer = [(*each[:-1], -each.copies) for each in taken]
    erased: Counter[tuple[str, int, int]] = Counter()
    for each in taken:
        erased[each.log, each.partition, each.received] += each.copies
    more = [(log, partition, at, ERASED, at, "", (), n) for (log, partition, at), n in sorted(erased.items())]
    return [Row(stone.site, *each, number, name) for number, each in enumerate([*fewer, *more], first)]


class Eraser:
    """The part of the Writer that is about erased visitors."""

    @property
    def _own(self) -> Client:
        raise NotImplementedError

    def _insert(
        self, table: str, token: str, names: Sequence[str], types: Sequence[str], columns: Sequence[Sequence[Any]]
    ) -> None:
        raise NotImplementedError

    def erased(self) -> list[Stone]:
        """How everybody was ever erased."""
        return stones(self._own)

    def taken(self, site: str, visitor: str, earlier: Stone | None) -> list[Taken]:
        """What lies in the raw events of a visitor, beyond what an earlier erasure took, or is to go anyway."""
        floor = floors(self._own, [(site, visitor)]).get((site, visitor))
        stone = earlier or Stone(site, "", -(2**62), "", 0, 0, "")
        where = {
            "site": site,
            "visitor": visitor,
            "until": stone.until,
            "log": stone.log,
            "partition": stone.partition,
            "offset": stone.offset,
            "floor": -(2**62) if floor is None else floor.live,
        }
        found = self._own.rows(statement("erase_taken"), where, {"max_execution_time": 600})
        return [Taken(**{**_named(row), "keys": tuple(row["keys"])}) for row in found]

    def erase(self, token: str, left: Sequence[Row], stones: Sequence[Stone], believed: bool) -> None:
        """Insert what a batch left of whom it erased, and who they were. Not `believed`: look first what is there."""
        if left and not believed:
            there = {row["index"] for row in self._own.rows(statement("erase_there"), {"token": token})}
            left = [row for row in left if row.index not in there]
        for table, types, own in (("events", types_of(Row), left), ("erased", types_of(Stone), stones)):
            if own:
                columns: list[Sequence[Any]] = [*zip(*own, strict=True)]
                self._insert(table, f"{token}/erased", tuple(types), tuple(types.values()), columns)


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_ms"): value for name, value in row.items()}
