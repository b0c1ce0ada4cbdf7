"""ClickHouse and Redis in memory, that fail, lose, stall and finish late wherever the real ones may."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, cast

from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract.site import SiteSettings
from rollups.client import ClickHouseUnavailable
from rollups.control import Unfinished
from rollups.erase import ERASED, Row, Stone, Taken
from rollups.native import NOTHING, Packed
from rollups.past import Asked, Found, PastEvent
from rollups.rows import TOUCH, Columns, EventRow, SessionRow, event_rows
from rollups.write import Decided, Lines, Look, Marked, Span, Standing, Writer
from tests.log.fake import FakeConsumer, FakeDead
from workers import blob as blobs
from workers.aside import FENCED
from workers.metrics import Metrics
from workers.state import FORGET, SLACK, Moved, Position
from workers.visitor import FOREVER, State
from workers.world import World

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
        if any(_of(running, token) for running in self.running):
            return False
        tables = {"events", "sessions", "events rollup", "sessions rollup", "left", "erased"}
        self.parts = [part for part in self.parts if part.table not in tables or not _of(part.token, token)]
        self.parts.append(Block("doubt", token, 0, ("rollups are built anew",)))
        place = (decided.log, decided.partition, decided.a)
        self.put("progress", f"{token}/{self.life}", 0, [(place, Marked(decided.b, blobs.decode(decided.blob).clock))])
        self.synced = len(self.parts)
        return True


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
            if (row.site, row.visitor) == (site, visitor) and not _took(earlier, row):
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
        if any(_of(token, aside) for aside in tables.aside):
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


def _of(token: str, batch: str) -> bool:
    """Whether a token is that of a batch, in whatever life of the server."""
    return token == batch or token.startswith(f"{batch}/")


class FakeRedis:
    """What the state store holds, by partition."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Position | None, str, dict[str, State]]] = {}

    def eval(self, *_: object) -> int:
        """Freshness is published into the void."""
        return 1

    def copy(self) -> dict[str, Any]:
        return {name: (position, nonce, dict(states)) for name, (position, nonce, states) in self.held.items()}


class FakeStore:
    """`workers.state.Store` over `FakeRedis`, with room for `room` states; both are set by the simulation."""

    point: Point = staticmethod(lambda _: None)
    room = 1_000_000
    bytes = 0

    def __init__(self, redis: FakeRedis, log: str, partitions: int, partition: int, budget: int) -> None:
        self.redis, self._name = redis, f"{log}/{partitions}/{partition}"
        self.generation = ""

    def _get(self) -> tuple[Position | None, str, dict[str, State]]:
        return self.redis.held.get(self._name, (None, "", {}))

    def position(self) -> Position | None:
        self.point("redis position")
        position, self.generation, _ = self._get()
        return position

    def load(self, offset: int, names: Iterable[str]) -> tuple[dict[str, State], int]:
        self.point("redis load")
        position, generation, states = self._get()
        if position is None or position.offset != offset or generation != self.generation:
            raise Moved("load")
        return {name: states[name] for name in names if name in states}, position.horizon

    def save(self, a: int, b: int, clock: int, states: Mapping[str, State], gone: Iterable[str] = ()) -> None:
        self.point("before save")
        position, generation, held = self._get()
        if position is None or position.offset != a or generation != self.generation:
            raise Moved("save")
        horizon = position.horizon
        held = {name: state for name, state in held.items() if name not in set(gone)}
        left = sorted({**held, **states}.values(), key=lambda state: state.heard)
        while left and (left[0].heard < clock - FORGET - SLACK or len(left) > self.room):
            horizon = max(horizon, left.pop(0).heard)
        self.redis.held[self._name] = Position(b, clock, horizon), generation, {state.key: state for state in left}
        self.point("after save")

    def tidy(self, offset: int, clock: int) -> None:
        self.save(offset, offset, clock, {})

    def reset(self, position: Position, generation: str) -> None:
        self.point("before begin")
        self.generation = generation
        self.redis.held[self._name] = position, generation, {}
        self.point("after begin")


def _touch(row: EventRow) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in TOUCH)


def _took(stone: Stone | None, row: EventRow) -> bool:
    """Whether an erasure took the row."""
    return stone is not None and (
        min(row.time, row.received) <= stone.until
        or ((row.log, row.partition) == stone[3:5] and row.offset < stone.offset)
    )


def past(tables: Tables) -> Callable[[Sequence[Asked]], list[Found]]:
    """`rollups.past.past` over `Tables`, in plain words."""

    def of(asked: Sequence[Asked]) -> list[Found]:
        found = []
        for site, visitor, begin, end, stone, *_ in asked:
            live: dict[SessionRow, int] = {}
            for row in tables.session_rows():
                if (row.site, row.visitor) == (site, visitor) and row.start <= end and row.end >= begin:
                    plus = row._replace(sign=1)
                    live[plus] = live.get(plus, 0) + row.sign
            sessions = [row for row, times in live.items() if times > 0]
            first = min([begin, *(row.start for row in sessions)])
            last = max([end, *(row.end for row in sessions)])
            events = [
                PastEvent._make((*(getattr(row, name) for name in PastEvent._fields[:-1]), _touch(row)))
                for row in tables.event_rows()
                if (row.site, row.visitor, row.reason) == (site, visitor, "")
                and first <= row.time <= last
                and not _took(stone, row)
            ]
            found.append(Found(site, visitor, first, last, events, sessions))
        return found

    return of


def newest(tables: Tables) -> int:
    """`rollups.past.newest` over `Tables`."""
    return max((row.time for row in tables.event_rows()), default=0)


def world(
    tables: Tables, consumer: FakeConsumer, redis: FakeRedis | None = None, point: Point = lambda _: None, **parts: Any
) -> World:
    """What a worker over fakes is given, that never fail by themselves; `parts` of it may be others."""
    made = World(
        consumer=consumer,
        writer=FakeWriter(tables, point, lambda _: None),
        redis=cast(Redis, redis or FakeRedis()),
        past=past(tables),
        newest=lambda: newest(tables),
        dead=FakeDead(),
        lookup=lambda _site, _revision: SiteSettings(),
        metrics=Metrics(CollectorRegistry()),
        nonce=lambda: "n",
        now=lambda: FOREVER,
    )
    return replace(made, **parts)
