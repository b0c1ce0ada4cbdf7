"""What ClickHouse holds, in memory: parts that a power cut takes, tokens that are forgotten, inserts that end late."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rollups.control import Unfinished
from rollups.decided import Decided, Marked
from rollups.erase import Stone
from rollups.rows import EventRow, SessionRow
from rollups.write import Writer
from workers import blob as blobs

Point = Callable[[str], None]  # called before and after every effect; may raise


class Block(NamedTuple):
    """One part: the rows of a table, or of the one rollup of it, of one month. A part is all there, or not at all."""

    table: str
    token: str
    month: int
    rows: tuple[Any, ...]


class Tables:
    """What ClickHouse holds: parts in the order in which they got their names. An insert is one or several of them,
    each dropped when its token is known.

    Every part is synced before it is named, and names reach the disk in order. So a power cut takes some of the last
    parts. What is remembered of tokens is never synced: it takes any of them.
    """

    def __init__(self) -> None:
        self.parts: list[Block] = []
        self.synced = 0  # so many of them no power cut takes
        self.tokens: set[tuple[str, str, int]] = set()
        self.life = 1
        self.phase = "cleared"
        self.late: list[Callable[[], None]] = []  # inserts whose client has given up already
        self.aside: set[str] = set()  # tokens of batches that were set aside
        self.running: list[str] = []  # tokens of inserts under way
        self.put_back: set[tuple[int, int, int]] = set()

    def put(self, table: str, token: str, month: int, rows: Iterable[Any]) -> None:
        if (table, token, month) not in self.tokens:
            self.tokens.add((table, token, month))
            self.parts.append(Block(table, token, month, tuple(rows)))

    def rows(self, table: str) -> list[Any]:
        return [row for part in self.parts if part.table == table for row in part.rows]

    @property
    def decided(self) -> dict[tuple[str, int, int], Decided]:
        return {(row.log, row.partition, row.a): row for row in self.rows("decision")}

    @property
    def batches(self) -> dict[tuple[str, int, int], Marked]:
        return dict(self.rows("progress"))

    def event_rows(self) -> list[EventRow]:
        return self.rows("events")

    def session_rows(self) -> list[SessionRow]:
        return self.rows("sessions")

    def rollup(self, table: str) -> Counter[Any]:
        """The one rollup of a table: rows by visitor."""
        found: Counter[Any] = Counter()
        for visitor, rows in self.rows(f"{table} rollup"):
            found[visitor] += rows
        return found

    def expected(self, table: str) -> Counter[Any]:
        found: Counter[Any] = Counter()
        for row in self.rows(table):
            found[row.visitor] += getattr(row, "sign", 1)
        return found

    def unfinished(self) -> list[Decided]:
        return [decided for place, decided in self.decided.items() if place not in self.batches]

    def settle(self) -> Sequence[object]:
        """`rollups.mend.settle`, at once."""
        tables = [part.table for part in self.parts if part.table in ("doubt", "settled")]
        if not tables or tables[-1] == "settled":
            return ()
        if self.unfinished() or self.late or self.running:
            raise Unfinished("a batch is half inserted")
        for table in ("events", "sessions"):
            short = self.expected(table)
            short.subtract(self.rollup(table))
            self.parts.append(Block(f"{table} rollup", "", 0, tuple(short.items())))
        self.parts.append(Block("settled", "", 0, ()))  # what was doubted goes after what makes it right
        return ("",)

    def cut(self, draw: random.Random) -> None:
        """The machine loses its power, and starts again."""
        self.life += 1
        self.late.clear()
        self.running.clear()
        # That a partition was ever counted is remembered: it takes a whole table to forget it (`take.Forgotten`).
        firsts = {
            part.rows[0][0][:2]: place
            for place, part in reversed([*enumerate(self.parts, 1)])
            if part.table == "progress"
        }
        kept = max([self.synced, len(self.parts) - draw.choice([0, 0, 1, 1, 2, 4, 8]), *firsts.values()])
        del self.parts[kept:]
        forgotten = draw.choice([0.0, 0.5, 1.0])
        self.tokens = {each for each in self.tokens if draw.random() >= forgotten}

    def fenced(self, decided: Decided) -> bool:
        return Writer.token(decided.log, decided.partition, decided.a) in self.aside

    def set_aside(self, decided: Decided) -> bool:
        """What `workers.aside.set_aside` amounts to; False while an insert of it that began before still runs."""
        token = Writer.token(decided.log, decided.partition, decided.a)
        self.aside.add(token)
        self.synced = len(self.parts)  # the fence changes a table's definition, which is synced
        if any(of_batch(running, token) for running in self.running):
            return False
        tables = {"events", "sessions", "events rollup", "sessions rollup", "left", "erased"}
        self.parts = [part for part in self.parts if part.table not in tables or not of_batch(part.token, token)]
        self.parts.append(Block("doubt", token, 0, ("rollups are built anew",)))
        place = (decided.log, decided.partition, decided.a)
        self.put("progress", f"{token}/{self.life}", 0, [(place, Marked(decided.b, blobs.decode(decided.blob).clock))])
        self.synced = len(self.parts)
        return True


def took(stone: Stone | None, row: EventRow) -> bool:
    """Whether an erasure took the row."""
    return stone is not None and (
        min(row.time, row.received) <= stone.until
        or ((row.log, row.partition) == stone[3:5] and row.offset < stone.offset)
    )


def of_batch(token: str, batch: str) -> bool:
    """Whether a token is that of a batch, in whatever life of the server."""
    return token == batch or token.startswith(f"{batch}/")
