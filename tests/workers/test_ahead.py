"""What is made ahead of a batch is what the batch would make itself, and is made by another thread."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from ingest.contract.event import Event, Filtered, encode
from ingest.log.dead import DeadLetter
from ingest.log.protocol import Record
from rollups import native
from rollups.decided import Decided
from rollups.rows import EVENT, EventRow
from tests.workers.streams import START
from tests.workers.test_fair import BACKLOG, LINES, Bench
from workers import ahead
from workers.ahead import Ahead, Prepared, prepared, without
from workers.blob import Named, Origin, blob
from workers.fold import Misjudged
from workers.raw import DECIDED, decided_columns
from workers.read import FUTURE_MS


def event(n: int, **more: Any) -> Event:
    return Event("abcdef", f"{n:016x}", f"e{n}", "pageview", START + n, START + n, page=f"/{n}", **more)


RECORDS = [
    Record(0, 7, encode([event(0), Filtered("abcdef", "bot", START), event(1, data='{"a":1,"b":2}')]) + b"nonsense\n"),
    Record(0, 9, encode([event(2, data='{"c":1}'), event(3, screen=(3, 4), scroll=5)])),
]


def batch() -> Prepared:
    return prepared("log", RECORDS, START + FUTURE_MS)


def test_the_columns_with_what_was_decided_are_those_made_afterwards() -> None:
    made = batch()
    reasons, named = [Misjudged(9, 0, "duplicate")], [Named(7, 2, ("a", "(other)"))]
    decision = blob(reasons, made.letters, (), START, named)
    decided = Decided("log", 0, 7, 10, "n", b"")
    columns = decided_columns(decided, decision, made.stored, made.columns)
    assert columns == decided_columns(decided, decision, made.entries)
    rows = dict(zip(EventRow._fields, columns, strict=True))
    assert rows["reason"] == ["", "bot", "", "duplicate", ""]
    assert rows["keys"] == [(), (), ("a", "(other)"), (), ()]
    # What was packed before the decision is right after it.
    assert made.packed == native.packed(EVENT, columns, DECIDED)
    assert made.packed.keys() == EVENT.keys() - set(DECIDED)


def test_of_lines_that_turn_out_dead_nothing_is_stored() -> None:
    made = batch()
    less = without(made, "log", [DeadLetter("thrown", "log", 0, 9, 0, b"")])
    decision = blob((), less.letters, (), START)
    assert decision.dead == [Origin(7, 3, made.letters[0].reason), Origin(9, 0, "thrown")]
    decided = Decided("log", 0, 7, 10, "n", b"")
    assert less.columns == decided_columns(decided, decision, made.entries)
    assert not less.packed


def test_others_than_expected_are_prepared_when_they_come() -> None:
    made = Ahead(lambda: START)
    made.expect("log", RECORDS)
    made.begin()
    assert made.take("log", RECORDS[:1]).stored == batch().stored[:3]
    made.expect("log", RECORDS)
    made.begin()
    assert made.take("another log", RECORDS).columns != batch().columns
    made.expect("log", RECORDS)
    made.begin()
    assert made.take("log", list(RECORDS)) == batch()
    made.close()


@pytest.mark.parametrize("a_poll", [2, 1_000])
def test_a_backlog_is_prepared_while_clickhouse_has_the_batch_before(
    monkeypatch: pytest.MonkeyPatch, a_poll: int
) -> None:
    ahead_of = 0

    def counting(log: str, records: Sequence[Record], latest: int) -> Prepared:
        nonlocal ahead_of
        ahead_of += threading.current_thread() is not threading.main_thread()
        return prepared(log, records, latest)

    monkeypatch.setattr(ahead, "prepared", counting)
    bench = Bench(monkeypatch, a_poll)
    bench.worker.run(bench.stop)
    assert len(bench.tables.event_rows()) == LINES * (BACKLOG + 1)
    assert ahead_of >= BACKLOG - 3  # but for the first of each partition, and where they took turns
