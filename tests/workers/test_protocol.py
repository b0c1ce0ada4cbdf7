"""The five steps under random schedules: crashes, zombies, late inserts, a Redis lost or put back, half-made inserts,
a ClickHouse whose machine loses its power.

Whatever happens, the tables end up equal to those of one undisturbed fold.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from redis import Redis, RedisError

from ingest.contract.event import ERASED, Erase, Event, Filtered, Logged, encode
from ingest.contract.site import SiteSettings
from ingest.log.dead import DeadLetter
from ingest.log.partition import partition as partition_of
from ingest.log.protocol import LogUnavailable, Record
from rollups.client import ClickHouseUnavailable
from rollups.decided import Decided
from tests.log.fake import FakeConsumer, FakeDead, FakeLog
from tests.workers.fake_store import FakeRedis, FakeStore
from tests.workers.fake_tables import Tables
from tests.workers.fake_writer import FakeWriter
from tests.workers.fakes import newest, past
from tests.workers.streams import SITE, live, stream
from workers import take
from workers.fold import Entry, Known, fold, visits
from workers.loop import Worker
from workers.metrics import Metrics
from workers.read import lines, read
from workers.slot import Limits
from workers.visitor import FOREVER
from workers.world import World

PARTITIONS = 2
LATE = 253_402_300_799_000  # the end of 9999: receipts lie before it, and it has a date that a log can tell
TROUBLES = ("fail", "fail", "crash", "stall", "stall", "late", "lose", "back", "copy", "move", "cut", "cut")


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


class Crash(BaseException):
    """The process dies here."""


def records(seed: int, size: int, erasing: float = 0.04) -> dict[int, list[Record]]:
    """A stream cut into small records, with lines nobody can read in between. `erasing`: how likely after an event."""
    draw = random.Random(seed)
    lines: list[Logged] = []
    erasures: list[Logged] = []
    for event in stream(seed, size, visitors=3):
        lines.append(event)
        if draw.random() < erasing:
            lines.append(Erase(SITE, event.visitor, f"e{len(lines)}", event.received))
            erasures.append(lines[-1])
        if erasures and draw.random() < 0.02:
            lines.append(draw.choice(erasures))  # sent again
        if draw.random() < 0.1:
            lines.append(Filtered(SITE, "bot", event.received))
    made: dict[int, list[Record]] = {p: [] for p in range(PARTITIONS)}
    gathered: dict[int, list[Logged]] = {p: [] for p in range(PARTITIONS)}
    offsets = [draw.randint(0, 5) for _ in range(PARTITIONS)]
    for line in [*lines, None]:
        if line is not None:
            own = line.visitor if isinstance(line, Event | Erase) else ""
            gathered[partition_of(SITE, own, PARTITIONS)].append(line)
        for p, held in gathered.items():
            if held and (line is None or draw.random() < 0.3):
                value = encode(held)
                if draw.random() < 0.1:
                    value += b"{nobody can read this\n"
                made[p].append(Record(p, offsets[p], value))
                offsets[p] += draw.choice([1, 1, 3])
                held.clear()
    return made


class Simulation:
    """Two workers, of which at most one owns a partition, and a schedule drawn from a seed."""

    def __init__(
        self, seed: int, log: dict[int, list[Record]], trouble: float, operator: int = 0, at: str = ""
    ) -> None:
        self.operator, self.at = operator, at
        self.aside: set[tuple[int, int]] = set()  # partition and offset of the records that were set aside
        self.draw = random.Random(seed)
        self.trouble = trouble
        self.tables, self.redis, self.dead = Tables(), FakeRedis(), FakeDead()
        self.log = FakeLog(log)
        self.copies: list[dict[str, Any]] = []
        self.depth = 0
        self.ticks = 0.0
        self.nonces = 0
        self.seen: Counter[str] = Counter()
        self.workers: list[tuple[Worker, FakeConsumer]] = []
        self.standing: list[Worker] = []  # within a step, further down the stack
        for _ in range(2):
            self.start()

    def start(self) -> None:
        consumer = FakeConsumer(self.log, self.point, lambda: self.draw.randint(1, 4))
        world = World(
            consumer=consumer,
            writer=FakeWriter(self.tables, self.point, self.give_up),
            redis=cast(Redis, self.redis),
            past=past(self.tables),
            newest=lambda: newest(self.tables),
            settle=self.tables.settle,
            dead=self.dead,
            lookup=lookup,
            metrics=Metrics(CollectorRegistry()),
            nonce=self.nonce,
            now=lambda: LATE,
        )
        limits = Limits(seconds=0, backoff_seconds=0, backoff_max_seconds=0)
        self.workers.append((Worker(world, limits=limits, clock=self.clock), consumer))

    def nonce(self) -> str:
        self.nonces += 1
        return f"n{self.nonces}"

    def clock(self) -> float:
        self.ticks += 1.0
        return self.ticks

    def point(self, name: str) -> None:
        """Anything may happen here; `name` says where."""
        draw = self.draw
        if name == self.at and draw.random() < 0.2:
            self.set_aside(self.tables.unfinished()[:1])
        critical = any(word in name for word in ("decide", "insert", "mark", "doubt", "begin", "save"))
        if draw.random() >= self.trouble * (3 if critical else 1):
            return
        what = draw.choice([*TROUBLES, *(["aside"] * self.operator)])
        self.seen[what] += 1
        if what == "fail":
            raise RedisError(name) if "redis" in name or "save" in name else ClickHouseUnavailable(name)
        if what == "crash":
            raise Crash(name)
        if what == "stall" and self.depth < 2:
            # This worker stands still; the others go on, perhaps with its partitions.
            self.depth += 1
            self.move()
            for _ in range(draw.randint(1, 12)):
                self.step()
            self.depth -= 1
        elif what == "late" and self.tables.late:
            self.tables.late.pop(draw.randrange(len(self.tables.late)))()
        elif what == "lose":
            self.redis.held.clear()
        elif what == "back" and self.copies:
            self.redis.held = draw.choice(self.copies)
            self.copies.remove(self.redis.held)
        elif what == "copy":
            self.copies.append(self.redis.copy())
        elif what == "move":
            self.move()
        elif what == "cut":
            self.tables.cut(draw)
            if draw.random() < 0.5:
                raise Crash(name)
        elif what == "aside":
            self.set_aside(self.tables.unfinished()[:1])

    def set_aside(self, batches: Sequence[Decided]) -> None:
        """An operator makes unfinished batches dead letters."""
        for decided in batches:
            if self.tables.set_aside(decided):
                for record in self.log.records[decided.partition]:
                    if decided.a <= record.offset < decided.b:
                        self.aside.add((decided.partition, record.offset))
                        for place, raw in lines(record):
                            self.dead.append(DeadLetter("", "log", decided.partition, record.offset, place, raw))

    def give_up(self, insert: Callable[[], None]) -> None:
        if self.draw.random() < self.trouble / 3:
            self.tables.late.append(insert)
            raise ClickHouseUnavailable("timed out")

    def move(self) -> None:
        self.log.give(self.draw.randrange(PARTITIONS), self.draw.choice(self.workers[-2:])[1])

    def turn(self, worker: Worker) -> None:
        try:
            worker.turn()
        except take.Torn as torn:
            self.mend(torn.partition)

    def mend(self, partition: int) -> None:
        """What a worker's process does where setting aside was begun (deploy/torn.py)."""
        self.set_aside([each for each in self.tables.unfinished() if each.partition == partition])

    def step(self) -> None:
        worker, consumer = self.draw.choice(self.workers[-2:])
        if worker in self.standing:
            return
        self.standing.append(worker)
        try:
            self.turn(worker)
        except (LogUnavailable, ClickHouseUnavailable, RedisError):
            pass
        except Crash:
            self.workers = [each for each in self.workers if each[1] is not consumer]
            while len(self.workers) < 2:
                self.start()
            for p, (owner, _) in list(self.log.owners.items()):
                if owner is consumer:
                    self.log.give(p, self.draw.choice(self.workers)[1])
        finally:
            self.standing.remove(worker)

    def run(self) -> None:
        FakeStore.point = staticmethod(self.point)
        for p in range(PARTITIONS):
            self.log.give(p, self.workers[0][1])
        for _ in range(150):
            self.step()
        self.trouble = 0.0
        fenced = [each for each in self.tables.unfinished() if self.tables.fenced(each)]
        if fenced:  # what was begun is done again, once no insert runs any more
            while self.tables.late:
                self.tables.late.pop()()
            self.set_aside(fenced)
        for p in range(PARTITIONS):
            self.log.give(p, self.workers[-1][1])
        for _ in range(40 + sum(map(len, self.log.records.values()))):
            self.turn(self.workers[-1][0])
        while self.tables.late:
            self.tables.late.pop()()
        self.tables.settle()
        assert not self.operator or not self.tables.unfinished()


def expected(log: dict[int, list[Record]]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """(partition, offset, place, reason) of every readable line, and the sessions, of one undisturbed run."""
    lines: list[tuple[Any, ...]] = []
    sessions = []
    for p, own in log.items():
        entries = read("log", own, FOREVER)[0]
        folded = fold(Known({}, {}, 0), 0, visits(entries), 1, lookup)
        reasons = {each[:2]: each.reason for each in folded.reasons}
        stored = [each for each in entries if not isinstance(each.line, Erase)]
        lines += [(p, *each[:2], _admission(each) or reasons.get(each[:2], "")) for each in stored]
        sessions += live(folded.rows)
    return sorted(lines), sorted(sessions, key=str)


def _named(lines: Sequence[tuple[Any, ...]]) -> list[tuple[Any, str]]:
    return [(line[:3], line[3]) for line in lines if line[3] != ERASED]


def _admission(entry: Entry) -> str:
    return entry.line.reason if isinstance(entry.line, Filtered) else ""


def same_lines(tables: Tables, lines: Sequence[tuple[int, int, int, str]]) -> None:
    """What counted before its visitor was erased lies there; beside it as much less of it and more of erased."""
    found = {(row.partition, row.offset, row.index): row.reason for row in tables.event_rows()}
    assert [(*place, found[place]) for place, _ in _named(lines)] == [(*place, why) for place, why in _named(lines)]
    assert sorted(found) == [line[:3] for line in lines]
    assert len(found) == len(tables.event_rows())
    ledger = Counter(found.values())
    for row in tables.rows("left"):
        ledger[row.reason] += row.copies
    assert +ledger == Counter(line[3] for line in lines)


def check(seed: int, size: int, trouble: float, operator: int = 0, at: str = "") -> Counter[str]:
    log = records(seed, size)
    simulation = Simulation(seed, log, trouble, operator, at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take, "Store", FakeStore)
        patch.setattr(FakeStore, "room", simulation.draw.choice([0, 1, 1, 2, 1_000]))
        simulation.run()
    counted = {p: [record for record in own if (p, record.offset) not in simulation.aside] for p, own in log.items()}
    lines, sessions = expected(counted)
    tables = simulation.tables
    same_lines(tables, lines)
    assert live(tables.session_rows()) == sessions
    for table in ("events", "sessions"):
        short = tables.rollup(table)
        short.subtract(tables.expected(table))
        assert not any(short.values()), table
    unreadable = {(p, r.offset) for p, own in log.items() for r in own if b"nobody" in r.value}
    dead = {(letter.partition, letter.offset) for letter in simulation.dead.letters()}
    assert dead == unreadable | simulation.aside
    return simulation.seen


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_whatever_happens_every_line_counts_once(seed: int, size: int) -> None:
    check(seed, size, 0.03)


@given(st.integers(0, 2**32))
def test_under_constant_trouble(seed: int) -> None:
    check(seed, 40, 0.15)


@given(st.integers(0, 2**32))
def test_a_batch_that_an_operator_sets_aside_is_dead_letters_and_nothing_else(seed: int) -> None:
    check(seed, 40, 0.06, operator=3)


@pytest.mark.parametrize("at", ["before insert events", "before insert sessions", "before mark"])
def test_a_worker_that_stood_still_while_its_batch_was_set_aside_adds_nothing(at: str) -> None:
    for seed in range(60):
        check(seed, 60, 0.0, at=at)


def test_without_trouble() -> None:
    assert check(1, 60, 0.0) == Counter()


@pytest.mark.nightly
def test_many_schedules() -> None:
    """Leaving out any one guard of the protocol (reading back, an offset or nonce check) fails within 400 of these."""
    for seed in range(3_000):
        check(seed, 30, 0.06, operator=seed % 3)
