"""The five steps under random schedules over two logs, of which the second has other partitions than the first.

At no time may two partitions of one visitor's be at work: the second log is begun once the first has its end and is
counted to there, and a power cut may take that back.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract import freshness
from ingest.contract.event import Event, Filtered, Logged, decode, encode
from ingest.log.partition import partition as partition_of
from ingest.log.protocol import Record
from ingest.log.succession import Link, due
from rollups.client import ClickHouseUnavailable
from tests.log.fake import FakeConsumer, FakeLog
from tests.workers.fake_store import FakeStore
from tests.workers.fake_writer import FakeWriter
from tests.workers.streams import SITE, live, stream
from tests.workers.test_protocol import Simulation, lookup
from workers import take
from workers.fold import Known, fold, visits
from workers.loop import SLACK_MS, Worker
from workers.read import read
from workers.world import LogOver

COUNTS = (2, 3)
FIRST = (0, 1_000_000)  # offsets of one log are none of the other's, so that rows say which they are of


def logs(seed: int, size: int) -> list[FakeLog]:
    """A stream, the later part of which is in the second log; some events are in both, for they were sent again."""
    draw = random.Random(seed)
    events = stream(seed, size, visitors=4)
    cut = draw.randint(0, size)
    parts: list[list[Logged]] = [list(events[:cut]), list(events[cut:])]
    parts[1] = [*draw.sample(parts[0], min(len(parts[0]), 3)), *parts[1], Filtered(SITE, "bot", 5)]
    made = []
    for name, first, count, lines in zip("ab", FIRST, COUNTS, parts, strict=True):
        records: dict[int, list[Record]] = {p: [] for p in range(count)}
        for line in lines:
            number = partition_of(SITE, line.visitor if isinstance(line, Event) else "", count)
            records[number].append(Record(number, first + len(records[number]) * 3, encode([line])))
        made.append(FakeLog(records, name))
    return made


class Chain(Simulation):
    """Workers of either log; the first is sealed at some moment. What comes into it after that was refused, so it is
    in the second as well."""

    def __init__(self, seed: int, chain: Sequence[FakeLog], trouble: float, refused: float) -> None:
        self.chain, self.refused = chain, refused
        self.ends: list[int] | None = None
        self.behind: set[tuple[int, int]] = set()  # offset and partition of what was refused
        super().__init__(seed, chain[0].records, trouble)

    def links(self) -> list[Link]:
        first, second = self.chain
        links = [Link("events", first.log, len(first.records), [0] * len(first.records), self.ends)]
        return [*links, Link("events.log-2", second.log, len(second.records))]

    def due(self) -> FakeLog:
        positions: dict[tuple[str, int], int] = {}
        for (log, p, _), marked in self.tables.batches.items():
            positions[log, p] = max(positions.get((log, p), 0), marked.end)
        found = due(self.links(), lambda: positions)
        return next(log for log in self.chain if found and log.log == found.log)

    def start(self) -> None:
        self.log = self.due()
        super().start()
        worker = self.workers[-1][0]
        log, writer = self.log, worker._world.writer  # noqa: SLF001 - a worker is made by the simulation of before
        assert isinstance(writer, FakeWriter)

        def first_comes() -> bool:
            self.point("due")
            if writer._led_to not in (None, self.tables.life):  # noqa: SLF001
                raise ClickHouseUnavailable("the connection was lost")
            return self.due() is log

        def ends() -> list[int] | None:
            self.point("ends")
            return self.ends if log is self.chain[0] else None

        followed = log is self.chain[0]
        worker._world = replace(  # noqa: SLF001
            worker._world,  # noqa: SLF001
            followed=lambda: followed,
            due=first_comes,
            ends=ends,
        )
        worker._onward._world = worker._world  # noqa: SLF001

    def move(self) -> None:
        log = self.draw.choice(self.chain)
        members = [consumer for _, consumer in self.workers[-2:] if consumer._log is log]  # noqa: SLF001
        if members:
            log.give(self.draw.randrange(len(log.records)), self.draw.choice(members))

    def turn(self, worker: Worker) -> None:
        try:
            super().turn(worker)
        except LogOver:
            self.seen["over"] += 1
            gone = next(consumer for made, consumer in self.workers if made is worker)
            self.workers = [each for each in self.workers if each[0] is not worker]
            self.start()
            self.share(gone)

    def share(self, gone: FakeConsumer | None) -> None:
        """What nobody reads is somebody's."""
        for log in self.chain:
            members = [consumer for _, consumer in self.workers if consumer._log is log]  # noqa: SLF001
            for p in log.records if members else ():
                if log.owners.get(p, (gone, 0))[0] is gone:
                    log.give(p, self.draw.choice(members))

    def stands(self, line: Event, sent: bytes) -> bool:
        """Whether it is the first of its id. The copy that is received first stands, and the model knows no other."""
        second = self.chain[1].records[partition_of(SITE, line.visitor, len(self.chain[1].records))]
        others = [decode(each.value.rstrip()) for each in second]
        copies = [one for one in others if isinstance(one, Event) and (one.visitor, one.id) == (line.visitor, line.id)]
        return copies[0] == decode(sent.rstrip())

    def run(self) -> None:
        FakeStore.point = staticmethod(self.point)
        self.share(None)
        for number in range(150):
            first, second = self.chain
            if self.ends is None and (number == 75 or self.draw.random() < 0.02):
                self.ends = [first.end(p) for p in first.records]
            if self.ends and self.draw.random() < self.refused:
                sent = self.draw.choice([each for own in second.records.values() for each in own]).value
                if isinstance(line := decode(sent.rstrip()), Event) and self.stands(line, sent):
                    p = partition_of(SITE, line.visitor, len(first.records))
                    first.append(p, sent)
                    self.behind.add((first.records[p][-1].offset, p))
            self.step()
            self.share(None)
        self.trouble = 0.0
        last: Worker | None = None
        for _ in range(60 + 3 * sum(len(own) for log in self.chain for own in log.records.values())):
            worker, consumer = self.workers[-1]
            if worker is not last:
                for p in consumer._log.records:  # noqa: SLF001
                    consumer._log.give(p, consumer)  # noqa: SLF001
            last = worker
            self.turn(worker)
        while self.tables.late:
            self.tables.late.pop()()
        self.tables.settle()


def expected(chain: Sequence[FakeLog]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """(offset, partition, reason) of every line, and the sessions, of one undisturbed fold over both logs."""
    records = [(p, record) for log in chain for p, own in log.records.items() for record in own]
    # One offset a record, as the fold knows of no partitions.
    entries = read("log", [Record(0, place, record.value) for place, (_, record) in enumerate(records)], 2**62)[0]
    folded = fold(Known({}, {}, 0), 0, visits(entries), 1, lookup)
    reasons = {each[0]: each.reason for each in folded.reasons}
    lines = []
    for entry in entries:
        p, record = records[entry.offset]
        said = entry.line.reason if isinstance(entry.line, Filtered) else reasons.get(entry.offset, "")
        lines.append((record.offset, p, said))
    return sorted(lines), sorted(live(folded.rows), key=str)


def check(seed: int, size: int, trouble: float, refused: float = 0.0) -> Counter[str]:
    chain = logs(seed, size)
    lines, sessions = expected(chain)
    simulation = Chain(seed, chain, trouble, refused)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take, "Store", FakeStore)
        patch.setattr(FakeStore, "room", simulation.draw.choice([0, 1, 2, 1_000]))
        simulation.run()
    tables = simulation.tables
    rows = tables.event_rows()
    if not simulation.behind:
        assert sorted((row.offset, row.partition, row.reason) for row in rows) == lines
    # What was refused may be counted in a batch that begins before the end, and is then what is not counted again.
    assert sorted(at for row in rows if (at := (row.offset, row.partition)) not in simulation.behind) == sorted(
        line[:2] for line in lines
    )
    assert sorted(row.reason for row in rows if row.reason != "duplicate") == sorted(
        reason for *_, reason in lines if reason != "duplicate"
    )
    assert live(tables.session_rows()) == sessions
    return simulation.seen


@given(st.integers(0, 2**32), st.integers(1, 50), st.sampled_from([0.03, 0.06, 0.12]), st.sampled_from([0.0, 0.2]))
def test_every_line_of_both_logs_counts_once(seed: int, size: int, trouble: float, refused: float) -> None:
    check(seed, size, trouble, refused)


def test_what_was_refused_and_lies_behind_the_end_is_nobodys() -> None:
    """All is counted to the end, so others may be at the next log already, and at the same visitor."""
    chain = logs(1, 60)
    first = chain[0]
    simulation = Chain(1, chain, 0.0, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take, "Store", FakeStore)
        FakeStore.point = staticmethod(simulation.point)
        simulation.share(None)
        for _ in range(60):
            for worker, _ in list(simulation.workers):
                simulation.turn(worker)
        counted = len(simulation.tables.event_rows())
        assert counted == sum(record.value.count(b"\n") for own in first.records.values() for record in own)
        simulation.ends = [first.end(p) for p in first.records]
        for p, own in first.records.items():
            if own:
                first.append(p, own[0].value)
        for worker, _ in list(simulation.workers):
            simulation.turn(worker)
        assert (simulation.seen["over"], len(simulation.tables.event_rows())) == (2, counted)


def test_one_that_stands_still_after_its_look_does_not_tell_of_what_may_be_in_the_next_log() -> None:
    simulation = Chain(1, logs(1, 20), 0.0, 0.0)
    worker, moment, looked_at, told = simulation.workers[0][0], 1_000_000, 0, list[int]()

    def followed() -> bool:
        nonlocal moment, looked_at
        looked_at, moment = moment, moment + 60_000
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take, "Store", FakeStore)
        patch.setattr(freshness, "publish", lambda *given: told.append(given[4]))
        FakeStore.point = staticmethod(simulation.point)
        simulation.share(None)
        for _ in range(60):
            simulation.turn(worker)
        assert not told
        patch.setattr(worker, "_now", lambda: moment)
        patch.setattr(worker._onward, "_world", replace(worker._world, followed=followed))  # noqa: SLF001
        simulation.turn(worker)
        assert told and max(told) <= looked_at - SLACK_MS


def test_without_trouble_each_worker_goes_on_once() -> None:
    assert check(1, 60, 0.0) == Counter(over=2)


@pytest.mark.nightly
def test_many_schedules() -> None:
    """Without asking in `take` which log comes first, some of these fail."""
    for seed in range(3_000):
        check(seed, 40, 0.06, seed % 2 * 0.2)
