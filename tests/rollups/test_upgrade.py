"""A database from before `decision` and `progress`: what is unfinished in it is found and finished, once."""

import threading
from collections.abc import Iterator

import pytest

from api.answer.revision import revision
from rollups import control
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.decided import Decided, Outlived
from rollups.engine import ONE_SERVER
from rollups.migrate import _apply, _create_database, migrate
from rollups.read import Reader
from rollups.write import Writer
from tests.rollups.make import ROLLUPS, T0, session

pytestmark = pytest.mark.services

MOVE = range(9, 16)


@pytest.fixture
def before(clickhouse_url: str) -> Iterator[Client]:
    """The schema as it was, with batches: partition 0 and an older log have an unfinished one, partition 1 has none."""
    client = connect(clickhouse_url)
    _create_database(clickhouse_url, client.database, ONE_SERVER)
    for number in range(1, 9):
        _apply(client, [number], ONE_SERVER)
    for log, partition, a, b, days in (
        ("log", 0, 0, 5, 9),
        ("log", 0, 5, 9, 0),
        ("log", 1, 0, 5, 3),
        ("log", 1, 5, 8, 1),
        ("gone", 2, 7, 9, 2),
    ):
        client.command(
            "INSERT INTO decided (log, partition, a, b, nonce, blob, at) "
            f"SELECT '{log}', {partition}, {a}, {b}, 'mine', 'x', now() - toIntervalDay({days})"
        )
    for partition, a, b in ((0, 0, 5), (1, 0, 5), (1, 5, 8)):
        client.command(
            "INSERT INTO batches (log, partition, a, b, received_to, counts) "
            f"SELECT 'log', {partition}, {a}, {b}, toDateTime64({T0 // 1000}, 3, 'UTC'), map('counted', 3)"
        )
    yield client
    client.close()


def move(client: Client, times: int = 1) -> None:
    for number in MOVE:
        for _ in range(times):  # a migrator that died before it recorded the statement runs it again
            _apply(client, [number], ONE_SERVER)
    widen(client)


def widen(client: Client) -> None:
    """The columns that this version's writer reads of `decision` and `progress`."""
    for number in (20, 27, 30):
        _apply(client, [number], ONE_SERVER)


@pytest.mark.parametrize("times", [1, 2])
def test_unfinished_batches_survive_the_move(before: Client, times: int) -> None:
    move(before, times)
    writer = Writer(before)
    assert dict.fromkeys(control.unfinished(before)) == {("gone", 2, 7, 9): None, ("log", 0, 5, 9): None}
    assert writer.decided("log", 0, 5) == Decided("log", 0, 5, 9, "mine", b"x")
    assert [writer.position("log", number) for number in (0, 1, 2)] == [5, 8, None]
    assert revision(Reader(before)) == "3-0"
    rows = before.rows("SELECT partition, counts FROM progress ORDER BY partition")
    assert [row["counts"] for row in rows] == [{"counted": 3}, {"counted": 6}]
    names = {row["name"] for row in before.rows("SHOW TABLES")}
    assert {"decision", "progress"} <= names
    assert not {"decided", "batches", "decided_by_day", "batches_by_row", "decision_new", "progress_new"} & names


def test_the_age_of_an_unfinished_batch_is_told_as_before(before: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollups.write.WINDOW", 4)
    move(before)
    with pytest.raises(Outlived):  # two were decided since, and itself
        Writer(before).decided("gone", 2, 7)


def test_a_worker_of_before_decides_and_finishes_nothing_any_more(before: Client) -> None:
    """From the first statement on; and one of this version none before the last."""
    writer = Writer(before)
    for number in MOVE:
        with pytest.raises(ClickHouseUnavailable):
            writer.position("log", 0)
        with pytest.raises(ClickHouseUnavailable):
            writer.decide(Decided("log", 0, 9, 12, "mine", b"x"))
        _apply(before, [number], ONE_SERVER)
        for statement in (
            "INSERT INTO decided (log, partition, a, b, nonce, blob) VALUES ('log', 0, 5, 7, 'theirs', 'y')",
            "INSERT INTO batches (log, partition, a, b) VALUES ('log', 0, 5, 7)",
        ):
            with pytest.raises(ClickHouseUnavailable):
                before.command(statement)
        if number == 14:
            break
    widen(before)
    assert writer.position("log", 0) == 5


def test_the_whole_migration_finishes_beside_a_worker_of_this_version(before: Client, clickhouse_url: str) -> None:
    with pytest.raises(control.Unfinished, match=r"gone/2/7, log/0/5; .* throughline log forget gone"):
        migrate(clickhouse_url, rollups=ROLLUPS, wait_seconds=0)
    writer = Writer(before)
    for log, partition, a, b in control.unfinished(before):
        writer.insert_sessions(writer.token(log, partition, a), [session(T0 + partition)])
        writer.mark(log, partition, a, b, T0, {})
    migrate(clickhouse_url, rollups=ROLLUPS)
    assert before.rows("SELECT sum(sessions) AS n FROM country") == [{"n": 2}]
    assert [row["n"] for row in before.rows("SELECT count() AS n FROM sessions")] == [2]


def test_a_worker_of_before_finishes_what_it_has_under_way(before: Client, clickhouse_url: str) -> None:
    writer = Writer(before)

    def finish() -> None:
        while control.phase(before) == control.CLEARED:
            pass
        threading.Event().wait(0.3)  # an insert takes its time
        before.command("INSERT INTO batches (log, partition, a, b) VALUES ('gone', 2, 7, 9), ('log', 0, 5, 9)")

    worker = threading.Thread(target=finish)
    worker.start()
    done = migrate(clickhouse_url, rollups=ROLLUPS, wait_seconds=0)
    worker.join()
    assert done[-1].startswith("rollup ")
    assert writer.position("log", 0) == 9
