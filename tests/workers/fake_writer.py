"""ClickHouse's tables as a worker writes them, that fail, lose, stall and finish late wherever the real ones may."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rollups.client import ClickHouseUnavailable
from rollups.decided import Decided, Lines, Look, Marked, Span, Standing
from rollups.erase import ERASED, Row, Stone, Taken
from rollups.native import NOTHING, Packed
from rollups.rows import Columns, EventRow, SessionRow, event_rows
from rollups.write import Writer
from tests.workers.fake_tables import Point, Tables, of_batch, took
from workers.aside import FENCED


class FakeWriter(Writer):
    """The writer over `Tables`; `give_up` says whether the client stops waiting before its insert lands."""

    def __init__(self, tables: Tables, point: Point, give_up: Callable[[Callable[[], None]], None]) -> None:
        self._tables, self._point, self._give_up = tables, point, give_up
        self.patience = 0.0
        self._led_to: int | None = None

    @contextmanager
    def one_life(self) -> Iterator[Look]:
        self._point("look")
        self._led_to = self._tables.life
        try:
            yield Look(str(self._led_to), self._tables.phase)
        finally:
            self._led_to = None

    def _read(self, name: str) -> None:
        self._point(name)
        if self._led_to not in (None, self._tables.life):
            raise ClickHouseUnavailable("the connection was lost")

    def partitions(self, log: str, found: int) -> int:
        self._read("partitions")
        if log not in dict(self._tables.rows("logs")):
            self._effect("place", log, [("logs", 0, [(log, found)])])
        return int(dict(self._tables.rows("logs"))[log])

    def refuse_damaged(self) -> None:
        self._point("damaged")

    def decided(self, log: str, partition: int, a: int, life: str | None = None) -> Decided | None:
        self._read("read decided")
        return self._tables.decided.get((log, partition, a))

    def standing(self, log: str, partition: int, a: int) -> tuple[Decided | None, int]:
        return self.decided(log, partition, a), 0

    def decide(self, decided: Decided) -> None:
        token = self.token(decided.log, decided.partition, decided.a)
        self._effect("decide", token, [("decision", 0, [decided])])

    def stands(self, mine: Decided) -> Standing:
        self._read("stands")
        found = self._tables.decided.get((mine.log, mine.partition, mine.a))
        return Standing(found.nonce if found else None, self._tables.phase == "closed")

    def insert_columns(self, token: str, events: Columns, packed: Packed = NOTHING) -> None:
        self._commit("events", token, event_rows(events))

    def insert_sessions(self, token: str, rows: Sequence[SessionRow]) -> None:
        self._commit("sessions", token, rows)

    def _commit(self, table: str, token: str, rows: Sequence[Any]) -> None:
        if not rows:
            return
        parts: list[tuple[str, int, list[Any]]] = []
        for month in (0, 1):
            if own := [row for row in rows if int(row.visitor or "0", 16) % 2 == month]:
                parts.append((table, month, own))
                parts.append((f"{table} rollup", month, [(row.visitor, getattr(row, "sign", 1)) for row in own]))
        self._effect(f"insert {table}", token, parts)

    def effective(self, rows: Sequence[SessionRow]) -> list[SessionRow]:
        self._read("effective")
        standing: Counter[Any] = Counter()
        for row in self._tables.session_rows():
            standing[row.session, row.version] += row.sign
        return [row for row in rows if (standing[row.session, row.version] > 0) == (row.sign > 0)]

    def erased(self) -> list[Stone]:
        self._read("erased")
        return list(self._tables.rows("erased"))

    def taken(self, site: str, visitor: str, earlier: Stone | None) -> list[Taken]:
        self._read("taken")
        kinds: Counter[tuple[str, int, int, str]] = Counter()
        for row in self._tables.event_rows():
            if (row.site, row.visitor) == (site, visitor) and not took(earlier, row):
                kinds[row.log, row.partition, row.received, row.reason] += 1
        return [
            Taken(log, partition, at, reason, at, "", (), n)
            for (log, partition, at, reason), n in sorted(kinds.items())
        ]

    def erase(self, token: str, left: Sequence[Row], stones: Sequence[Stone], believed: bool) -> None:
        if left and not believed:
            self._read("left")
            there = {row.index for row in self._tables.rows("left") if row.erasure.startswith(f"{token}/")}
            left = [row for row in left if row.index not in there]
        for table, own in (("left", left), ("erased", stones)):
            if own:
                self._effect(f"insert {table}", f"{token}/erased", [(table, 0, own)])

    def doubt(self, token: str, spans: Sequence[Span]) -> None:
        self._effect("doubt", token, [("doubt", 0, list(spans))])

    def mark(
        self, log: str, partition: int, a: int, b: int, received_to: int, counts: Mapping[str, int], reach: int = 0
    ) -> None:
        token = self.token(log, partition, a)
        self._effect("mark", token, [("progress", 0, [((log, partition, a), Marked(b, received_to, reach))])])

    def stored(self, decided: Decided) -> list[EventRow]:
        self._read("stored")
        rows = self._tables.event_rows()
        return [row for row in rows if row.partition == decided.partition and decided.a <= row.offset < decided.b]

    def lines(self, log: str, partition: int, a: int, b: int, since: int, until: int) -> Lines:
        self._read("lines")
        rows = [row for row in self._tables.event_rows() if row.partition == partition and a <= row.offset < b]
        return {(row.offset, row.index): None if row.reason == ERASED else row.id for row in rows}

    def put_back(self, log: str, partition: int, kept: int, counted: int) -> None:
        self._point("put back")
        self._tables.put_back.add((partition, kept, counted))

    def closed(self) -> bool:
        self._read("closed")
        return self._tables.phase == "closed"

    def refuse_running(self, log: str, partition: int, a: int) -> None:
        self._read("running")

    def marked(self, log: str, partition: int) -> Marked | None:
        self._read("position")
        ends = [marked for (of, p, _), marked in self._tables.batches.items() if (of, p) == (log, partition)]
        return Marked(max(each.end for each in ends), max(each.clock for each in ends)) if ends else None

    def _effect(self, name: str, token: str, parts: Sequence[tuple[str, int, Sequence[Any]]]) -> None:
        tables, begun = self._tables, self._tables.life

        def run() -> None:
            tables.running.remove(token)
            for part, month, rows in parts:
                tables.put(part, token, month, rows)

        self._point(f"before {name}")
        if self._led_to is not None:
            token += f"/{self._led_to}"
        if tables.life != (begun if self._led_to is None else self._led_to):
            raise ClickHouseUnavailable("the connection was lost")
        # The fence is looked at as an insert begins; what began before is seen to run.
        if any(of_batch(token, aside) for aside in tables.aside):
            raise ClickHouseUnavailable(f"{token} was set aside", FENCED)
        begun = tables.life
        tables.running.append(token)
        late = False
        try:
            try:
                self._give_up(run)
            except ClickHouseUnavailable:
                late = True
                raise
            for part, month, rows in parts:
                tables.put(part, token, month, rows)
                self._point(f"after {name}")
                if tables.life != begun:
                    raise ClickHouseUnavailable("the server died")
        finally:
            if not late and token in tables.running:
                tables.running.remove(token)
