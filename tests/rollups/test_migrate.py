"""Schema changes on a real ClickHouse: repeated, at once, refused, and under live workers."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from rollups import control
from rollups.client import ClickHouseUnavailable, Client
from rollups.decided import Decided
from rollups.engine import ONE_SERVER
from rollups.migrate import SchemaRefused, _files, drop_view, migrate
from rollups.rollup import Rollup, parse
from rollups.verify import verify
from rollups.write import Writer
from tests.rollups.make import COUNTRY, DAY, ROLLUPS, T0, event, paused, session

pytestmark = pytest.mark.services

DEVICE = parse(
    "device",
    "-- source: sessions\n-- grain: day\n-- key: device\n-- sum: sessions\n"
    "SELECT site, start AS time, device, sign AS sessions FROM {source}",
)
WITH_DEVICE = {**ROLLUPS, "device": DEVICE}


def total(client: Client, table: str) -> int:
    return int(client.rows(f"SELECT sum(sessions) AS n FROM {table}")[0]["n"])  # noqa: S608


def in_threads(count: int, run: Callable[[], object]) -> None:
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_second_run_does_nothing(clickhouse_url: str) -> None:
    assert "rollup country" in migrate(clickhouse_url, rollups=ROLLUPS)
    assert migrate(clickhouse_url, rollups=ROLLUPS) == []


def test_a_migrator_that_dies_after_any_file_is_followed_by_one_that_goes_on(
    clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run ends right behind one more file, before that is recorded."""
    files, command = _files(), Client.command
    texts = {ONE_SERVER.fill(path.read_text()): number for number, path in files.items()}
    died: set[int] = set()

    def dying(client: Client, sql: str, *arguments: Any, **named: Any) -> None:
        command(client, sql, *arguments, **named)
        if (number := texts.get(sql, 0)) and number not in died:
            died.add(number)
            raise ClickHouseUnavailable("the migrator dies")

    monkeypatch.setattr(Client, "command", dying)
    for _ in files:
        with pytest.raises(ClickHouseUnavailable, match="dies"):
            migrate(clickhouse_url, rollups=ROLLUPS)
    migrate(clickhouse_url, rollups=ROLLUPS)
    assert died == files.keys()
    assert migrate(clickhouse_url, rollups=ROLLUPS) == []


def test_several_at_once_do_everything_once(clickhouse_url: str) -> None:
    done: list[str] = []
    in_threads(3, lambda: done.extend(migrate(clickhouse_url, rollups={"country": COUNTRY})))
    assert sorted(set(done)) == sorted(done)
    assert "rollup country" in done


def test_a_newer_schema_is_left_alone(client: Client, clickhouse_url: str) -> None:
    client.command("INSERT INTO migrations (number, name, hash) VALUES (9999, 'future', '')")
    with pytest.raises(SchemaRefused, match="9999"):
        migrate(clickhouse_url, rollups=WITH_DEVICE)
    assert client.rows("EXISTS TABLE device") == [{"result": 0}]


def test_an_old_server_is_refused_in_a_sentence(clickhouse_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollups.migrate.MIN_VERSION", (99, 1))
    with pytest.raises(SchemaRefused, match=r"ClickHouse \d+\..* is too old, Throughline needs 99.1 or newer"):
        migrate(clickhouse_url)


def test_a_new_rollup_holds_the_past_and_gets_the_future(writer: Writer, client: Client, clickhouse_url: str) -> None:
    writer.insert_sessions("t1", [session(T0), session(T0 - 40 * DAY), session(T0 - DAY, sign=-1)])
    assert migrate(clickhouse_url, rollups=WITH_DEVICE) == ["rollup device"]
    assert total(client, "device") == 1
    writer.insert_sessions("t2", [session(T0 + 1)])
    writer.insert_sessions("t2", [session(T0 + 1)])
    assert total(client, "device") == 2


def test_a_changed_rollup_is_built_again(writer: Writer, client: Client, clickhouse_url: str) -> None:
    writer.insert_sessions("t1", [session(T0), session(T0 + 1, country="FR")])
    text = COUNTRY.facts + " WHERE country = 'FR'"
    changed = {**ROLLUPS, "country": parse("country", f"-- source: sessions\n-- grain: day\n-- sum: sessions\n{text}")}
    assert migrate(clickhouse_url, rollups=changed) == ["rollup country"]
    assert total(client, "country") == 1
    writer.insert_sessions("t2", [session(T0 + 2, country="FR"), session(T0 + 3)])
    assert total(client, "country") == 2


def test_a_half_inserted_batch_is_waited_for(writer: Writer, client: Client, clickhouse_url: str) -> None:
    batch = Decided("log", 0, 0, 5, "mine", b"x")
    writer.decide(batch)
    writer.insert_sessions(writer.token("log", 0, 0), [session(T0)])
    with pytest.raises(control.Unfinished, match="log/0/0"):
        migrate(clickhouse_url, rollups=WITH_DEVICE, wait_seconds=0.5)
    assert not paused(writer)
    assert client.rows("EXISTS TABLE device") == [{"result": 0}]

    def finish() -> None:
        while not paused(writer):
            pass
        writer.insert_sessions(writer.token("log", 0, 0), [session(T0)])  # the replay of a worker that came back
        writer.mark("log", 0, 0, 5, T0, {})

    worker = threading.Thread(target=finish)
    worker.start()
    migrate(clickhouse_url, rollups=WITH_DEVICE, wait_seconds=30)
    worker.join()
    assert total(client, "device") == 1


def half_inserted(writer: Writer, client: Client, view: str) -> None:
    """A decided batch that no worker can finish because of a view."""
    intact = ROLLUPS[view].grouped("sessions")
    client.command(f"ALTER TABLE {view}_view MODIFY QUERY {intact} HAVING NOT throwIf(site != '')")
    writer.insert_events("log/0/0", [event()])
    writer.mark("log", 0, 0, 5, T0, {})
    writer.decide(Decided("log", 0, 5, 9, "mine", b"x"))
    with pytest.raises(ClickHouseUnavailable):
        writer.insert_sessions(writer.token("log", 0, 5), [session(T0), session(T0 + 9 * DAY)])


def finish(writer: Writer) -> None:
    """What a worker does, until it gets through."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(ClickHouseUnavailable):
            writer.insert_sessions(writer.token("log", 0, 5), [session(T0), session(T0 + 9 * DAY)])
            writer.mark("log", 0, 5, 9, T0, {})
            return


def differences(client: Client, rollups: Mapping[str, Rollup]) -> set[str]:
    """Tables that `verify` finds fault with; the sessions of these tests have no events."""
    return {found.table for found in verify(client, rollups=rollups)} - {"sessions", "events"}


CHANGED = replace(COUNTRY, facts=COUNTRY.facts + " WHERE site != 'nobody'")


def test_a_view_that_keeps_a_batch_from_being_finished_is_replaced(
    writer: Writer, client: Client, clickhouse_url: str
) -> None:
    half_inserted(writer, client, "country")
    worker = threading.Thread(target=finish, args=(writer,))
    worker.start()
    changed = {**ROLLUPS, "country": CHANGED}
    assert migrate(clickhouse_url, rollups=changed, wait_seconds=8) == ["rollup country"]
    worker.join()
    assert total(client, "country") == total(client, "series") == 2
    assert differences(client, changed) == set()
    writer.insert_sessions("later", [session(T0 + 1)])
    assert total(client, "country") == 3


def test_no_view_comes_off_because_rows_are_being_deleted(
    client: Client, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {**ROLLUPS, "country": replace(ROLLUPS["country"], grain_ms=0)}
    monkeypatch.setattr(control, "mutating", lambda _: ["events"])
    with pytest.raises(control.Unfinished, match="being removed"):
        migrate(clickhouse_url, rollups=changed, wait_seconds=0.2)
    assert client.rows("EXISTS TABLE country_view")[0]["result"]


def test_a_view_of_a_rollup_that_is_no_more_is_dropped_without_waiting(
    writer: Writer, client: Client, clickhouse_url: str
) -> None:
    half_inserted(writer, client, "country")
    left = {name: made for name, made in ROLLUPS.items() if name not in ("country", "viewed")}
    assert migrate(clickhouse_url, rollups=left, wait_seconds=0) == ["rollup country dropped", "rollup viewed dropped"]
    finish(writer)
    assert differences(client, left) == set()
    for name in ("country", "country_view", "viewed", "viewed_view"):
        assert client.rows(f"EXISTS TABLE {name}") == [{"result": 0}]
    assert migrate(clickhouse_url, rollups=left) == []
    assert migrate(clickhouse_url, rollups=ROLLUPS) == ["rollup country", "rollup viewed"]
    assert total(client, "country") == 2


def test_a_view_that_nobody_recorded_goes_if_it_is_like_ours(client: Client, clickhouse_url: str) -> None:
    """A migrator killed before its last statement, then another version."""
    client.command("CREATE TABLE mine (site String) ENGINE = MergeTree ORDER BY site")
    client.command("CREATE MATERIALIZED VIEW mine_view TO mine AS SELECT site FROM sessions")
    client.command("CREATE MATERIALIZED VIEW their_view TO mine AS SELECT site FROM sessions")
    assert migrate(clickhouse_url, rollups=ROLLUPS) == ["rollup mine dropped"]
    assert client.rows("EXISTS TABLE mine_view") == [{"result": 0}]
    assert client.rows("EXISTS TABLE their_view") == [{"result": 1}]


def test_an_operator_takes_a_view_off_and_the_next_migration_builds_it(
    writer: Writer, client: Client, clickhouse_url: str
) -> None:
    half_inserted(writer, client, "country")
    assert migrate(clickhouse_url, rollups=ROLLUPS, wait_seconds=0) == []  # nothing is stale
    drop_view(clickhouse_url, "country")
    finish(writer)
    assert total(client, "series") == 2
    assert total(client, "country") == 0
    with pytest.raises(SchemaRefused, match="no rollup country has a view; those that have one: ledger, series"):
        drop_view(clickhouse_url, "country")
    assert migrate(clickhouse_url, rollups=ROLLUPS) == ["rollup country"]
    assert differences(client, ROLLUPS) == set()
    assert migrate(clickhouse_url, rollups=ROLLUPS) == []


def test_a_view_that_is_missing_is_built_again_whatever_was_recorded(
    writer: Writer, client: Client, clickhouse_url: str
) -> None:
    """Taken off just before a migrator that was building it recorded that it was there."""
    client.command("DROP TABLE country_view")
    writer.insert_sessions("t1", [session(T0)])
    assert migrate(clickhouse_url, rollups=ROLLUPS) == ["rollup country"]
    assert total(client, "country") == 1


def test_a_view_comes_off_while_an_insert_hangs_in_it(writer: Writer, client: Client, clickhouse_url: str) -> None:
    client.command(f"ALTER TABLE country_view MODIFY QUERY {COUNTRY.grouped('sessions')} HAVING NOT sleep(3)")
    writer.decide(Decided("log", 0, 5, 9, "mine", b"x"))
    hasty = Writer(client, patience=1)
    with pytest.raises(ClickHouseUnavailable):
        hasty.insert_sessions(writer.token("log", 0, 5), [session(T0), session(T0 + 9 * DAY)])
    drop_view(clickhouse_url, "country")
    hanging = client.rows("SELECT count() AS n FROM system.processes WHERE startsWith(query, 'INSERT INTO sessions')")
    finish(writer)
    assert migrate(clickhouse_url, rollups=ROLLUPS) == ["rollup country"]
    assert total(client, "country") == total(client, "series") == 2
    assert hanging == [{"n": 1}]


@pytest.mark.parametrize("statement", ["DROP TABLE IF EXISTS `country`", "RENAME", "CREATE MATERIALIZED VIEW"])
def test_a_migrator_that_dies_over_a_rollup_leaves_it_stale_for_every_version(
    writer: Writer, client: Client, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    writer.insert_sessions("t1", [session(T0)])
    run = Client.command

    def die(self: Client, sql: str, *given: Any, **named: Any) -> None:
        if sql.startswith(statement):
            raise SystemExit
        run(self, sql, *given, **named)

    monkeypatch.setattr(Client, "command", die)
    with pytest.raises(SystemExit):
        migrate(clickhouse_url, rollups={**ROLLUPS, "country": CHANGED})
    monkeypatch.undo()
    # A version that does not look for views goes by what is recorded.
    recorded = client.rows("SELECT argMax(hash, at) AS hash FROM migrations WHERE name = 'rollup country'")
    assert recorded == [{"hash": ""}]
    writer.insert_sessions("t2", [session(T0 + 1)])  # misses the rollup
    assert migrate(clickhouse_url, rollups=ROLLUPS) == ["rollup country"]  # the version of before
    assert total(client, "country") == 2
