"""ClickHouse and Redis in memory, that fail, lose, stall and finish late wherever the real ones may."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rollups.client import ClickHouseUnavailable
from rollups.past import Asked, Found, PastEvent
from rollups.rows import EventRow, SessionRow
from rollups.write import Decided, Marked, Writer
from workers import blob as blobs
from workers.aside import FENCED
from workers.state import FORGET, SLACK, Moved, Position
from workers.visitor import State

Point = Callable[[str], None]  # called before and after every effect; may raise


class Tables:
    """What ClickHouse holds. An insert is one or two commits, each dropped when its token is known."""

    def __init__(self) -> None:
        self.decided: dict[tuple[str, int, int], Decided] = {}
        self.events: dict[tuple[str, int], list[EventRow]] = {}
        self.sessions: dict[tuple[str, int], list[SessionRow]] = {}
        self.batches: dict[tuple[str, int, int], Marked] = {}
        self.partitions: dict[str, int] = {}
        self.phase = "cleared"
        self.late: list[Callable[[], None]] = []  # inserts whose client has given up already
        self.aside: set[str] = set()  # tokens of batches that were set aside
        self.running: list[str] = []  # tokens of inserts under way
        self.put_back: set[tuple[int, int, int]] = set()

    def event_rows(self) -> list[EventRow]:
        return [row for rows in self.events.values() for row in rows]

    def session_rows(self) -> list[SessionRow]:
        return [row for rows in self.sessions.values() for row in rows]

    def unfinished(self) -> list[Decided]:
        return [decided for place, decided in self.decided.items() if place not in self.batches]

    def fenced(self, decided: Decided) -> bool:
        return Writer.token(decided.log, decided.partition, decided.a) in self.aside

    def set_aside(self, decided: Decided) -> bool:
        """What `workers.aside.set_aside` amounts to; False while an insert of it that began before still runs."""
        token = Writer.token(decided.log, decided.partition, decided.a)
        self.aside.add(token)
        if token in self.running:
            return False
        for month in (0, 1):
            self.events.pop((token, month), None)
            self.sessions.pop((token, month), None)
        self.batches[decided.log, decided.partition, decided.a] = Marked(decided.b, blobs.decode(decided.blob).clock)
        return True


class FakeWriter(Writer):
    """The writer over `Tables`; `give_up` says whether the client stops waiting before its insert lands."""

    def __init__(self, tables: Tables, point: Point, give_up: Callable[[Callable[[], None]], None]) -> None:
        self._tables, self._point, self._give_up = tables, point, give_up
        self.patience = 0.0

    def partitions(self, log: str, found: int) -> int:
        self._point("partitions")
        self._effect("place", "", [lambda: self._tables.partitions.setdefault(log, found)])
        return self._tables.partitions[log]

    def decided(self, log: str, partition: int, a: int) -> Decided | None:
        self._point("read decided")
        return self._tables.decided.get((log, partition, a))

    def decide(self, decided: Decided) -> None:
        place = (decided.log, decided.partition, decided.a)
        self._effect("decide", "", [lambda: self._tables.decided.setdefault(place, decided)])

    def insert_events(self, token: str, rows: Sequence[EventRow]) -> None:
        self._commit("events", self._tables.events, token, rows)

    def insert_sessions(self, token: str, rows: Sequence[SessionRow]) -> None:
        self._commit("sessions", self._tables.sessions, token, rows)

    def _commit(self, name: str, table: dict[tuple[str, int], list[Any]], token: str, rows: Sequence[Any]) -> None:
        if not rows:
            return
        months: list[list[Any]] = [[], []]
        for row in rows:
            months[int(row.visitor or "0", 16) % 2].append(row)
        self._effect(
            f"insert {name}",
            token,
            [lambda month=month: table.setdefault((token, month), months[month]) for month in (0, 1)],  # type: ignore[misc]
        )

    def mark(
        self, log: str, partition: int, a: int, b: int, received_to: int, counts: Mapping[str, int], reach: int = 0
    ) -> None:
        token = self.token(log, partition, a)
        self._effect(
            "mark", token, [lambda: self._tables.batches.setdefault((log, partition, a), Marked(b, received_to, reach))]
        )

    def stored(self, decided: Decided) -> list[EventRow]:
        self._point("stored")
        rows = self._tables.event_rows()
        return [row for row in rows if row.partition == decided.partition and decided.a <= row.offset < decided.b]

    def lines(self, log: str, partition: int, a: int, b: int, since: int, until: int) -> dict[tuple[int, int], str]:
        self._point("lines")
        rows = [row for row in self._tables.event_rows() if row.partition == partition and a <= row.offset < b]
        return {(row.offset, row.index): row.id for row in rows}

    def put_back(self, log: str, partition: int, kept: int, counted: int) -> None:
        self._effect("put back", "", [lambda: self._tables.put_back.add((partition, kept, counted))])

    def paused(self) -> bool:
        self._point("paused")
        return self._tables.phase != "cleared"

    def closed(self) -> bool:
        self._point("closed")
        return self._tables.phase == "closed"

    def refuse_running(self, log: str, partition: int, a: int) -> None:
        self._point("running")

    def marked(self, log: str, partition: int) -> Marked | None:
        self._point("position")
        ends = [marked for (of, p, _), marked in self._tables.batches.items() if (of, p) == (log, partition)]
        return max(ends, default=None)

    def _effect(self, name: str, token: str, commits: Iterable[Callable[[], Any]]) -> None:
        tables = self._tables

        def run() -> None:
            tables.running.remove(token)
            for commit in commits:
                commit()

        self._point(f"before {name}")
        # The fence is looked at as an insert begins; what began before is seen to run.
        if token in tables.aside:
            raise ClickHouseUnavailable(f"{token} was set aside", FENCED)
        tables.running.append(token)
        late = False
        try:
            try:
                self._give_up(run)
            except ClickHouseUnavailable:
                late = True
                raise
            for commit in commits:
                commit()
                self._point(f"after {name}")
        finally:
            if not late:
                tables.running.remove(token)


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
        self._redis, self._name = redis, f"{log}/{partitions}/{partition}"
        self._generation = ""

    def _get(self) -> tuple[Position | None, str, dict[str, State]]:
        return self._redis.held.get(self._name, (None, "", {}))

    def position(self) -> Position | None:
        self.point("redis position")
        position, self._generation, _ = self._get()
        return position

    def load(self, offset: int, names: Iterable[str]) -> tuple[dict[str, State], int]:
        self.point("redis load")
        position, generation, states = self._get()
        if position is None or position.offset != offset or generation != self._generation:
            raise Moved("load")
        return {name: states[name] for name in names if name in states}, position.horizon

    def save(self, a: int, b: int, clock: int, states: Mapping[str, State]) -> None:
        self.point("before save")
        position, generation, held = self._get()
        if position is None or position.offset != a or generation != self._generation:
            raise Moved("save")
        horizon = position.horizon
        left = sorted({**held, **states}.values(), key=lambda state: state.heard)
        while left and (left[0].heard < clock - FORGET - SLACK or len(left) > self.room):
            horizon = max(horizon, left.pop(0).heard)
        self._redis.held[self._name] = Position(b, clock, horizon), generation, {state.key: state for state in left}
        self.point("after save")

    def tidy(self, offset: int, clock: int) -> None:
        self.save(offset, offset, clock, {})

    def reset(self, position: Position, generation: str) -> None:
        self.point("before begin")
        self._generation = generation
        self._redis.held[self._name] = position, generation, {}
        self.point("after begin")


def past(tables: Tables) -> Callable[[Sequence[Asked]], list[Found]]:
    """`rollups.past.past` over `Tables`, in plain words."""

    def of(asked: Sequence[Asked]) -> list[Found]:
        found = []
        for site, visitor, begin, end in asked:
            live: dict[SessionRow, int] = {}
            for row in tables.session_rows():
                if (row.site, row.visitor) == (site, visitor) and row.start <= end and row.end >= begin:
                    plus = row._replace(sign=1)
                    live[plus] = live.get(plus, 0) + row.sign
            sessions = [row for row, times in live.items() if times > 0]
            first = min([begin, *(row.start for row in sessions)])
            last = max([end, *(row.end for row in sessions)])
            events = [
                PastEvent(*(getattr(row, name) for name in PastEvent._fields))
                for row in tables.event_rows()
                if (row.site, row.visitor, row.reason) == (site, visitor, "") and first <= row.time <= last
            ]
            found.append(Found(site, visitor, first, last, events, sessions))
        return found

    return of


def newest(tables: Tables) -> int:
    """`rollups.past.newest` over `Tables`."""
    return max((row.time for row in tables.event_rows()), default=0)
