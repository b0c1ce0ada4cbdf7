"""What the protocol relies on in ClickHouse's tables, of real ones and of the fake that its simulation stands on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from rollups import control
from rollups.client import connect
from rollups.decided import Decided, Marked, Standing
from rollups.write import Writer
from tests.rollups.make import DAY, T0, event, session
from tests.services.schema import migrated
from tests.workers.fake_tables import Tables
from tests.workers.fake_writer import FakeWriter

pytestmark = pytest.mark.services


@dataclass(frozen=True)
class Stood:
    """A writer, what its tables hold — ids of events, (session, sign) — and how to hold the workers."""

    writer: Writer
    events: Callable[[], list[str]]
    sessions: Callable[[], list[tuple[str, int]]]
    hold: Callable[[str], AbstractContextManager[Any]]


def faked() -> Stood:
    tables = Tables()

    @contextmanager
    def hold(phase: str) -> Iterator[None]:
        tables.phase = phase
        yield
        tables.phase = control.CLEARED

    return Stood(
        FakeWriter(tables, lambda _: None, lambda _: None),
        lambda: sorted(row.id for row in tables.event_rows()),
        lambda: sorted((row.session, row.sign) for row in tables.session_rows()),
        hold,
    )


@pytest.fixture(params=["real", "fake"])
def stood(request: pytest.FixtureRequest) -> Iterator[Stood]:
    if request.param == "fake":
        yield faked()
        return
    url = request.getfixturevalue("clickhouse_url")
    migrated(url)
    client = connect(url)

    @contextmanager
    def hold(phase: str) -> Iterator[None]:
        with control.claim(client) as held:
            held.enter(phase)
            yield

    yield Stood(
        Writer(client),
        lambda: [row["id"] for row in client.rows("SELECT id FROM events ORDER BY id")],
        lambda: [tuple(row.values()) for row in client.rows("SELECT session, sign FROM sessions ORDER BY ALL")],
        hold,
    )
    client.close()


def proposal(nonce: str, a: int = 0, b: int = 5, partition: int = 0) -> Decided:
    return Decided("log", partition, a, b, nonce, nonce.encode() + b"\0\xff")


def test_the_first_number_of_partitions_stands_for_ever(stood: Stood) -> None:
    assert stood.writer.partitions("log", 4) == 4
    assert stood.writer.partitions("log", 8) == 4
    assert stood.writer.partitions("another", 8) == 8


def test_the_first_proposal_at_a_place_stands(stood: Stood) -> None:
    writer = stood.writer
    assert writer.decided("log", 0, 0) is None
    writer.decide(proposal("first"))
    writer.decide(proposal("second", b=9))
    writer.decide(proposal("first"))
    assert writer.decided("log", 0, 0) == proposal("first")
    for elsewhere in (("log", 1, 0), ("log", 0, 5), ("another", 0, 0)):
        assert writer.decided(*elsewhere) is None
    writer.decide(proposal("next", 5, 6))
    writer.decide(proposal("beside", partition=1))
    assert writer.decided("log", 0, 5) == proposal("next", 5, 6)
    assert writer.decided("log", 1, 0) == proposal("beside", partition=1)
    assert writer.decided("log", 0, 0) == proposal("first")


def test_a_token_inserts_once_whatever_comes_under_it_again(stood: Stood) -> None:
    # Far apart in time and by two visitors: whatever the tables are cut by, a batch lies on both sides of it.
    events = [event("a"), event("b", T0 - 40 * DAY, visitor=f"{1:016x}")]
    rows = [session(), session(T0 - 40 * DAY, session="s2", visitor=f"{1:016x}")]
    for batch in (events, events, [row._replace(id=row.id + "!") for row in events]):
        stood.writer.insert_events("log/0/0", batch)
    for batch_ in (rows, rows, [row._replace(session="other") for row in rows]):
        stood.writer.insert_sessions("log/0/0", batch_)
    assert stood.events() == ["a", "b"]
    assert stood.sessions() == sorted([(rows[0].session, 1), ("s2", 1)])


def test_an_insert_of_nothing_takes_no_token(stood: Stood) -> None:
    stood.writer.insert_events("log/0/0", [])
    stood.writer.insert_sessions("log/0/0", [])
    stood.writer.insert_events("log/0/0", [event("a")])
    stood.writer.insert_sessions("log/0/0", [session(session="s1")])
    assert (stood.events(), stood.sessions()) == (["a"], [("s1", 1)])


def test_identical_rows_under_another_token_are_other_rows(stood: Stood) -> None:
    for a in (0, 5):
        stood.writer.insert_events(stood.writer.token("log", 0, a), [event("a")])
    assert stood.events() == ["a", "a"]


def test_the_marker_says_where_the_next_batch_begins(stood: Stood) -> None:
    writer = stood.writer
    assert writer.marked("log", 0) is None
    assert writer.position("log", 0) is None
    writer.mark("log", 0, 0, 5, T0 + 9, {"counted": 2})
    writer.mark("log", 0, 0, 5, T0 + 9, {"counted": 2})
    assert writer.marked("log", 0) == Marked(5, T0 + 9)
    assert writer.marked("log", 1) is None
    writer.mark("log", 0, 5, 7, T0 + 10, {})
    writer.mark("log", 1, 0, 3, T0, {})
    assert writer.marked("log", 0) == Marked(7, T0 + 10)
    assert writer.marked("log", 1) == Marked(3, T0)
    assert writer.position("log", 0) == 7
    # A clock that went back in a later batch is not believed.
    writer.mark("log", 0, 7, 8, T0, {})
    assert writer.marked("log", 0) == Marked(8, T0 + 10)


def test_a_migrator_holds_the_workers_in_two_phases(stood: Stood) -> None:
    def told() -> tuple[bool, bool]:
        with stood.writer.one_life() as look:
            return look.phase != control.CLEARED, stood.writer.closed()

    assert told() == (False, False)
    with stood.hold(control.DRAINING):
        assert told() == (True, False)
    assert told() == (False, False)
    with stood.hold(control.CLOSED):
        assert told() == (True, True)
    assert told() == (False, False)


def test_what_stands_is_read_back_with_the_phase(stood: Stood) -> None:
    writer = stood.writer
    assert writer.stands(proposal("first")) == Standing(None, False)
    writer.decide(proposal("first"))
    writer.decide(proposal("second", b=9))
    assert writer.stands(proposal("second", b=9)) == Standing("first", False)
    assert writer.stands(proposal("elsewhere", 5, 6)) == Standing(None, False)
    with stood.hold(control.DRAINING):
        assert writer.stands(proposal("first")) == Standing("first", False)
    with stood.hold(control.CLOSED):
        assert writer.stands(proposal("first")) == Standing("first", True)
    assert writer.stands(proposal("first")) == Standing("first", False)


def test_an_insert_that_has_ended_no_longer_runs(stood: Stood) -> None:
    stood.writer.insert_events("log/0/0", [event("a")])
    stood.writer.refuse_running("log", 0, 0)
