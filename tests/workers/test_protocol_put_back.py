"""The five steps under random schedules when the log itself, with or without the states beside it, is put back.

Nobody who appended lives on, and offsets may come again, save those of records that a worker has in hand: by them the
commit that follows would not know the log. Whatever happens: what is left in the log counts once, what
was counted stays, what is to be sent again waits as a dead letter, and sessions are those of the rows that there are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.event import Event, Revenue, Touch, decode
from ingest.log.protocol import Bounds, Floor, LogUnavailable, Record
from rollups.rows import TOUCH, EventRow
from tests.log.fake import FakeConsumer, FakeLog
from tests.workers import test_protocol as protocol
from tests.workers.fake_store import FakeStore
from tests.workers.streams import live
from workers import take
from workers.fold import Entry, Known, fold, visits
from workers.read import lines


class PutBackLog(FakeLog):
    """A log that can be copied and put back; it gives `behind` offsets again, or never."""

    def __init__(self, records: Mapping[int, list[Record]], behind: bool) -> None:
        super().__init__({p: [] for p in records})
        self.coming = {p: [record.value for record in own] for p, own in records.items()}
        self.behind = behind
        self.given = dict.fromkeys(records, 0)
        self.floors = dict.fromkeys(records, 0)
        self.committed = dict.fromkeys(records, 0)
        self.lost: list[Record] = []
        self.in_hand: set[tuple[int, int]] = set()
        self.process = 1  # that serves it: putting back needs another one

    def append(self, partition: int, value: bytes) -> None:
        last = self.end(partition) if self.behind else self.given[partition]
        offset = max(last, self.floors[partition]) + 1
        while (partition, offset) in self.in_hand:
            offset += 1
        self.given[partition] = max(self.given[partition], offset)
        self.records[partition].append(Record(partition, offset, value))

    def copy(self) -> Any:
        return {p: list(own) for p, own in self.records.items()}, dict(self.floors), dict(self.committed)

    def put_back(self, copy: Any) -> None:
        self.process += 1
        before = self.records
        self.records, self.floors, self.committed = {p: list(own) for p, own in copy[0].items()}, *map(dict, copy[1:])
        self.lost += [each for p, own in before.items() for each in own if each not in self.records[p]]


class PutBackConsumer(FakeConsumer):
    _log: PutBackLog

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._taken_of: dict[int, int] = {}

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        found = super().poll(timeout, max_records)
        self._log.in_hand |= {(record.partition, record.offset) for record in found}
        return found

    def bounds(self, partition: int) -> Bounds:
        return Bounds(0, max(self._log.end(partition), self._log.floors[partition]))

    def reach(self, partition: int) -> int:
        return self._log.end(partition)

    def raise_floor(self, partition: int, offset: int) -> Floor:
        self._taken_of[partition] = self._log.process
        end, records = self.bounds(partition).end, self._log.records[partition]
        self._log.floors[partition] = max(self._log.floors[partition], offset)
        lacks = offset > 0 and all(record.offset != offset - 1 for record in records)
        return Floor(end < offset or lacks, min(self._log.committed[partition], offset))

    def commit(self, offsets: Mapping[int, int]) -> None:
        self._point("commit")
        for p, offset in offsets.items():
            self._log.in_hand -= {(p, at) for of, at in self._log.in_hand if of == p and at < offset}
            if all(record.offset != offset - 1 for record in self._log.records[p]):
                raise LogUnavailable("put back")
            if self._taken_of.get(p, self._log.process) != self._log.process:
                raise LogUnavailable("Redis has restarted")
            self._log.committed[p] = offset


class Simulation(protocol.Simulation):
    log: PutBackLog

    def __init__(self, seed: int, records: dict[int, list[Record]], trouble: float) -> None:
        self.moments: list[Any] = []
        super().__init__(seed, records, trouble)
        self.log = PutBackLog(records, self.draw.random() < 0.5)
        self.apart = self.draw.random() < 0.3  # the states lie in another Redis
        self.workers.clear()
        self.start()
        self.start()

    def point(self, name: str) -> None:
        draw = self.draw
        if draw.random() < 0.3:
            self.arrive()
        if draw.random() < self.trouble / 2:
            self.moments.append((self.log.copy(), dict(self.dead.held), self.redis.copy()))
        elif draw.random() < self.trouble / 2 and self.moments:
            # Copies of what was rolled back are no earlier moments of the log that there is now: docs/reliability.md.
            del self.moments[len(self.moments) - draw.randrange(min(4, len(self.moments))) :]
            log, letters, states = self.moments[-1]
            self.log.put_back(log)
            self.dead.held = dict(letters)
            if not self.apart:
                self.redis.held = dict(states)
            self.seen["put back"] += 1
        super().point(name)

    def arrive(self) -> None:
        p = self.draw.randrange(len(self.log.coming))
        if self.log.coming[p]:
            self.log.append(p, self.log.coming[p].pop(0))

    def mend(self, met: int) -> None:
        """What a worker's process does about it (deploy/torn.py)."""
        self.seen["torn"] += 1
        for decided in self.tables.unfinished():
            if decided.partition == met and self.tables.set_aside(decided):
                for record in self.log.records[decided.partition]:
                    if decided.a <= record.offset < decided.b:
                        self.replay(record.partition, [raw for _, raw in lines(record)])
                        self.aside.add((record.partition, record.offset))

    def replay(self, partition: int, raws: Sequence[bytes]) -> None:
        for raw in raws:
            self.log.append(partition, raw + b"\n")

    def run(self) -> None:
        FakeStore.point = staticmethod(self.point)
        for p in range(protocol.PARTITIONS):
            self.log.give(p, self.workers[0][1])
        for _ in range(150):
            self.step()
        self.trouble = 0.0
        while any(self.log.coming.values()):
            self.arrive()
        for insert in self.tables.late:
            insert()
        self.tables.late.clear()
        self.settle()
        for letter in list(self.dead.held.values()):
            if letter.reason.startswith("put back"):
                self.dead.finish(letter.origin)
                self.replay(letter.partition, [letter.line])
        self.settle()

    def settle(self) -> None:
        self.start()
        for p in range(protocol.PARTITIONS):
            self.log.give(p, self.workers[-1][1])
        for _ in range(60 + sum(map(len, self.log.records.values()))):
            self.turn(self.workers[-1][0])
        assert not self.tables.unfinished()


def check(seed: int, size: int, trouble: float) -> Counter[str]:
    log = protocol.records(seed, size, erasing=0)  # one that goes with the log is sent again: deploy/erasing.py
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "FakeConsumer", PutBackConsumer)
        patch.setattr(take, "Store", FakeStore)
        simulation = Simulation(seed, log, trouble)
        patch.setattr(FakeStore, "room", simulation.draw.choice([0, 1, 2, 1_000]))
        simulation.run()
    tables = simulation.tables
    rows = {(row.partition, row.offset, row.index): row for row in tables.event_rows()}
    assert len(rows) == len(tables.event_rows()), "a line lies there twice"

    # Everything that is left in the log counts, or was sent again; what is counted nowhere went with the log.
    held = {(row.partition, row.visitor, row.id, row.time, row.seq) for row in rows.values()}
    gone = {raw for record in simulation.log.lost for _, raw in lines(record)}
    for p in log:
        for line, _ in _events(simulation.log.records[p]):
            assert _place(p, line) in held, line
        for line, raw in _events(log[p]):
            assert _place(p, line) in held or raw in gone, line

    # Reasons and sessions are those of the rows that there are.
    sessions = []
    for p in log:
        entries = [
            Entry(offset, index, _event(row))
            for (partition, offset, index), row in sorted(rows.items())
            if partition == p and row.visitor
        ]
        folded = fold(Known({}, {}, 0), 0, visits(entries), 1, protocol.lookup)
        reasons = {each[:2]: each.reason for each in folded.reasons}
        for offset, index, _ in entries:
            assert rows[p, offset, index].reason == reasons.get((offset, index), "")
        sessions += live(folded.rows)
    assert live(tables.session_rows()) == sorted(sessions, key=str)
    return simulation.seen


def _events(records: Iterable[Record]) -> Iterator[tuple[Event, bytes]]:
    for record in records:
        for _, raw in lines(record):
            if b"nobody" not in raw and isinstance(line := decode(raw), Event):
                yield line, raw


def _place(partition: int, line: Event) -> tuple[Any, ...]:
    return partition, line.visitor, line.id, line.time, line.seq


def _event(row: EventRow) -> Event:
    revenue = None if row.amount is None else Revenue(row.amount, row.currency, row.transaction)
    return Event(
        site=row.site,
        visitor=row.visitor,
        id=row.id,
        type=row.type,
        time=row.time,
        received=row.received,
        seq=row.seq,
        view=row.view,
        page=row.page,
        source=row.source,
        campaign=row.campaign,
        country=row.country,
        device=row.device,
        browser=row.browser,
        os=row.os,
        scroll=row.scroll,
        engaged_ms=row.engaged_ms,
        revenue=revenue,
        settings=row.settings,
        touch=Touch(*(getattr(row, name) for name in TOUCH)),
    )


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_whatever_is_put_back(seed: int, size: int) -> None:
    check(seed, size, 0.03)


@given(st.integers(0, 2**32))
def test_again_and_again(seed: int) -> None:
    check(seed, 40, 0.12)


def test_what_is_drawn_happens() -> None:
    seen = sum((check(seed, 40, 0.1) for seed in range(40)), Counter[str]())
    assert seen["put back"] > 20 and seen["torn"] > 0


@pytest.mark.nightly
def test_many_schedules() -> None:
    for seed in range(20_000):
        check(seed, 30, 0.06)
