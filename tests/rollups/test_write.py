# ruff: noqa: S608 - names of our own tables
"""Inserts under tokens on a real ClickHouse: what is repeated changes nothing, what was cut short is completed."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rollups import native
from rollups.client import TOKEN_SETTINGS, ClickHouseUnavailable, Client, connect
from rollups.decided import Damaged, Decided, TwoDecided
from rollups.engine import WINDOW
from rollups.rows import EVENT, EventRow, SessionRow, transposed
from rollups.write import Writer
from tests.rollups.make import DAY, HOUR, ROLLUPS, T0, event, session

pytestmark = pytest.mark.services

TABLES = ("events", "sessions", "series", "country", "viewed", "ledger", "visitor")


def contents(client: Client) -> dict[str, list[dict[str, Any]]]:
    """Every table, merged, in a stable order."""
    found = {}
    for table in TABLES:
        client.command(f"OPTIMIZE TABLE {table} FINAL")
        found[table] = sorted(client.rows(f"SELECT * FROM {table}"), key=repr)
    return found


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)


def test_an_event_comes_back_as_it_was(writer: Writer, client: Client) -> None:
    written = event(
        time=T0 + 1,
        received=T0 + 2,
        seq=-5,
        scroll=0,
        engaged_ms=12,
        amount=-1,
        transaction="t",
        settings=2**63,
        index=3,
        keys=("a", "b.c"),
    )
    writer.insert_events("t", [written, event("e2")])
    row = client.rows("SELECT * FROM events WHERE id = 'e1'")[0]
    expected = written._asdict() | {
        "time": at(T0 + 1),
        "received": at(T0 + 2),
        "amount": Decimal("-0.0001"),
        "keys": ["a", "b.c"],
        "copies": 1,
        "erasure": "",
    }
    assert row == expected
    assert client.rows("SELECT scroll, engaged_ms, amount FROM events WHERE id = 'e2'") == [
        {"scroll": None, "engaged_ms": None, "amount": None}
    ]


def test_an_insert_needs_no_dataframes(writer: Writer, client: Client) -> None:
    program = (
        "import sys; from rollups.client import connect; from rollups.write import Writer; "
        "from tests.rollups.make import *; w = Writer(connect(sys.argv[1])); w.insert_events('t', [event()]); "
        "w.insert_sessions('t', [session()]); print({'numpy', 'pandas', 'pyarrow'} & sys.modules.keys())"
    )
    url = client.url.rpartition("/")[0] + "/" + client.database
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
    assert client.rows("SELECT count() AS n FROM sessions") == [{"n": 1}]


def test_columns_packed_before_come_back_as_the_others(writer: Writer, client: Client) -> None:
    rows = [event(), event("e2", seq=-5, scroll=0, amount=-19_9001, transaction="t", keys=("a", "b.c"))]
    columns = transposed(EventRow, rows)
    writer.insert_columns("whole", columns)
    columns = [
        [f"{id_}-packed" for id_ in values] if name == "id" else values
        for name, values in zip(EVENT, columns, strict=True)
    ]
    made = native.packed(EVENT, columns, ("keys",))
    writer.insert_columns(
        "packed", [values if name == "keys" else [None] * 2 for name, values in zip(EVENT, columns, strict=True)], made
    )
    assert client.rows("SELECT count() AS n FROM events") == [{"n": 4}]
    same = "SELECT * REPLACE (replaceOne(id, '-packed', '') AS id) FROM events"
    assert client.rows(f"SELECT DISTINCT * FROM ({same}) ORDER BY id") == client.rows(
        "SELECT * FROM events WHERE id IN ('e1', 'e2') ORDER BY id"
    )


def test_what_cannot_be_packed_is_for_the_insert_to_refuse(writer: Writer) -> None:
    columns = transposed(EventRow, [event(seq=2**63)])
    assert native.packed(EVENT, columns, ()) == {}
    with pytest.raises(ClickHouseUnavailable):
        writer.insert_columns("t", columns)


def test_a_session_comes_back_as_it_was(writer: Writer, client: Client) -> None:
    written = session()
    writer.insert_sessions("t", [written])
    row = client.rows("SELECT * FROM sessions")[0]
    expected = {name: list(value) if isinstance(value, tuple) else value for name, value in written._asdict().items()}
    expected |= {"start": at(T0), "end": at(T0 + 90_000), "pv_time": [at(T0)], "ev_time": [at(T0 + 90_000)]}
    expected |= {"tx_time": [at(T0 + 90_000)], "tx_amount": [Decimal("-19.9001")]}
    assert row == expected


def test_the_columns_are_the_fields_of_the_rows_in_their_order(client: Client) -> None:
    for table, row in (("events", EventRow), ("sessions", SessionRow)):
        described = client.rows(f"DESCRIBE TABLE {table}")
        columns = [found["name"] for found in described if found["default_type"] != "MATERIALIZED"]
        # An erasure alone writes more of an event.
        assert columns == [*row._fields, *(["copies", "erasure"] if table == "events" else [])]


def test_every_table_that_inserts_reach_has_a_deduplication_window(client: Client) -> None:
    found = client.rows("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    targets = [row for row in found if "MergeTree" in row["engine_full"] and row["name"] != "migrations"]
    assert {row["name"] for row in targets} >= {*TABLES, "decision", "progress", "registry", "control"}
    for row in targets:
        assert f"non_replicated_deduplication_window = {WINDOW}" in row["engine_full"], row["name"]


def test_the_same_token_again_changes_nothing_anywhere(writer: Writer, client: Client) -> None:
    writer.insert_events("t", [event()])
    writer.insert_sessions("t", [session()])
    before = contents(client)
    writer.insert_events("t", [event()])
    writer.insert_sessions("t", [session()])
    assert contents(client) == before


def test_identical_rows_under_another_token_count_again(writer: Writer, client: Client) -> None:
    for token in ("t1", "t2"):
        writer.insert_sessions(token, [session()])
    assert client.rows("SELECT sum(sessions) AS n FROM country") == [{"n": 2}]


def test_a_row_and_its_retraction_leave_nothing(writer: Writer, client: Client) -> None:
    writer.insert_sessions("t1", [session()])
    writer.insert_sessions("t2", [session(sign=-1), session(T0 - 5, end=T0 + 90_000, session="b")])
    assert client.rows("SELECT sum(sessions) AS n, min(first_seen) AS first FROM visitor") == [
        {"n": 1, "first": at(T0 - 5)}
    ]
    assert len(client.rows("SELECT * FROM sessions FINAL")) == 1


@pytest.mark.parametrize("broken", ["country", "series", "viewed", "visitor"])
def test_a_replay_completes_an_insert_that_one_view_failed(writer: Writer, client: Client, broken: str) -> None:
    # Over a month's edge, so that the parts that were committed and those that were not lie on both sides of it.
    rows = [session(T0), session(T0 + 10 * DAY), session(T0 - DAY, country="FR")]
    intact = ROLLUPS[broken].grouped("sessions")
    throwing = f"SELECT * FROM ({intact}) WHERE NOT throwIf(site != '')"
    client.command(f"ALTER TABLE {broken}_view MODIFY QUERY {throwing}")
    with pytest.raises(ClickHouseUnavailable):
        writer.insert_sessions("t", rows)
    assert client.rows(f"SELECT * FROM {broken}") == []
    client.command(f"ALTER TABLE {broken}_view MODIFY QUERY {intact}")
    for _ in range(2):
        writer.insert_sessions("t", rows)
    replayed = contents(client)
    for table in TABLES:
        client.command(f"TRUNCATE TABLE {table}")
    writer.insert_sessions("fresh", rows)
    assert replayed == contents(client)


def test_a_replay_adds_the_month_that_was_left_out(writer: Writer, client: Client) -> None:
    november, december = session(T0), session(T0 + 10 * DAY)
    writer.insert_sessions("t", [november])  # what a crash between the commits of two parts leaves
    writer.insert_sessions("t", [november, december])
    assert client.rows("SELECT sum(sign) AS n FROM sessions") == [{"n": 2}]
    assert client.rows("SELECT sum(sessions) AS n FROM country") == [{"n": 2}]


def test_a_large_batch_is_one_block_here_and_behind_every_view(writer: Writer, client: Client) -> None:
    # More keys than the engine would group in one hash table by itself, more bytes than a client's block.
    rows = [session(T0 + i, visitor=f"{i:016x}", country=f"c{i}", pv_page=(f"/{i}",) * 3) for i in range(70_000)]
    rows = [row._replace(pv_time=(row.start,) * 3, pv_depth=(0,) * 3, pv_engaged_ms=(0,) * 3) for row in rows]
    client.command("SYSTEM STOP MERGES")
    try:
        for _ in range(2):
            writer.insert_sessions("t", rows)
        found = client.rows(
            "SELECT table, count() AS parts FROM system.parts WHERE database = currentDatabase() AND active "
            "AND table IN ('sessions', 'country', 'viewed', 'visitor') GROUP BY table"
        )
    finally:
        client.command("SYSTEM START MERGES")
    assert {row["table"]: row["parts"] for row in found} == {"sessions": 1, "country": 1, "viewed": 1, "visitor": 1}
    assert client.rows("SELECT sum(views) AS n FROM viewed") == [{"n": 210_000}]


def test_the_first_decision_stands(writer: Writer) -> None:
    assert writer.decided("log", 0, 5) is None
    first = Decided("log", 0, 5, 9, "mine", bytes(range(256)))
    writer.decide(first)
    writer.decide(Decided("log", 0, 5, 7, "theirs", b""))
    assert writer.decided("log", 0, 5) == first
    assert writer.decided("log", 1, 5) is None


def test_two_decisions_at_one_position_stop_the_worker(writer: Writer, client: Client) -> None:
    writer.decide(Decided("log", 0, 5, 9, "mine", b"x"))
    client.command("INSERT INTO decision (log, partition, a, b, nonce, blob) VALUES ('log', 0, 5, 7, 'theirs', 'y')")
    with pytest.raises(TwoDecided):
        writer.decided("log", 0, 5)


def test_a_decision_at_midnight_stands_however_late_its_copy_comes(writer: Writer, client: Client) -> None:
    names = ("log", "partition", "a", "b", "nonce", "blob", "at")
    types = ("String", "UInt32", "UInt64", "UInt64", "String", "String", "DateTime('UTC')")
    settings = {**TOKEN_SETTINGS, "insert_deduplication_token": writer.token("log", 0, 5)}
    for b, nonce, second in ((9, "mine", 1_764_028_799), (7, "theirs", 1_764_028_800), (8, "hers", 1_800_000_000)):
        client.insert("decision", names, types, [["log"], [0], [5], [b], [nonce], ["x"], [second]], settings)
    assert writer.decided("log", 0, 5) == Decided("log", 0, 5, 9, "mine", b"x")


def test_no_table_is_partitioned_by_the_servers_clock(client: Client) -> None:
    """A token holds within one partition of its table, so what a retry may find changed must not choose it."""
    clocked = client.rows(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND default_expression LIKE '%now%'"
    )
    keys = client.rows("SELECT name, partition_key FROM system.tables WHERE database = currentDatabase()")
    partitioned = {row["name"]: row["partition_key"] for row in keys}
    assert {"decision", "progress"} <= {row["table"] for row in clocked}
    for row in clocked:
        assert row["name"] not in partitioned[row["table"]], row


def test_the_position_is_the_end_of_the_last_marked_batch(writer: Writer) -> None:
    assert writer.position("log", 0) is None
    top = 2**62
    for a, b in ((top, top + 5), (0, 9), (9, top)):
        writer.mark("log", 0, a, b, T0, {"": 1, "late": 2})
    writer.mark("log", 1, 0, 2**63, T0, {})
    assert writer.position("log", 0) == top + 5


def test_a_batch_of_many_years_is_one_insert(writer: Writer, client: Client) -> None:
    rows = [session(T0 - month * 30 * DAY) for month in range(150)]
    writer.insert_sessions("t", rows)
    assert client.rows("SELECT sum(sign) AS n FROM sessions") == [{"n": 150}]


def test_an_absent_server_is_unavailable_and_nothing_else() -> None:
    nowhere = Writer(connect("http://127.0.0.1:9/x"))
    with pytest.raises(ClickHouseUnavailable):
        nowhere.position("log", 0)


def test_the_range_of_receipts_is_indexed(writer: Writer, client: Client) -> None:
    writer.insert_events("t", [event(str(i), T0, received=T0 + i * HOUR) for i in range(5)])
    plan = client.rows(
        "EXPLAIN indexes = 1 SELECT count() FROM events WHERE received > toDateTime64('2030-01-01 00:00:00', 3, 'UTC')"
    )
    assert any("received_range" in row["explain"] for row in plan)


def test_a_log_keeps_the_number_of_partitions_it_was_first_counted_with(writer: Writer, client: Client) -> None:
    assert writer.partitions("first", 4) == 4
    assert writer.partitions("first", 8) == 4
    assert writer.partitions("second", 8) == 8
    assert client.rows("SELECT log, partitions FROM logs ORDER BY log") == [
        {"log": "first", "partitions": 4},
        {"log": "second", "partitions": 8},
    ]


@pytest.mark.parametrize("table", ["progress", "decision"])
def test_nobody_counts_while_a_part_of_what_says_where_to_go_on_is_broken(
    writer: Writer, client: Client, table: str
) -> None:
    writer.decide(Decided("log", 0, 0, 5, "n", b"x"))
    writer.mark("log", 0, 0, 5, 0, {})
    writer.refuse_damaged()
    parts = client.rows(
        "SELECT name FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}",
        {"table": table},
    )
    client.command(f"ALTER TABLE {table} DETACH PART '{parts[0]['name']}'")
    with pytest.raises(Damaged, match=f"parts of {table} are broken; throughline repair"):
        writer.refuse_damaged()
