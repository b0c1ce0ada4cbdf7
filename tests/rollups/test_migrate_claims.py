"""One migrates at a time: what workers see of it, and what a migrator leaves that died or whose clock was wrong."""

import pytest

from rollups import control
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.engine import Engines
from rollups.migrate import migrate
from rollups.write import Writer
from tests.rollups.make import COUNTRY, ROLLUPS, paused

pytestmark = pytest.mark.services


def test_workers_see_the_pause_while_it_lasts(writer: Writer, client: Client) -> None:
    assert (paused(writer), writer.closed()) == (False, False)
    with control.claim(client) as held:
        assert (paused(writer), writer.closed()) == (True, False)
        held.enter(control.CLOSED)
        assert (paused(writer), writer.closed()) == (True, True)
    assert (paused(writer), writer.closed()) == (False, False)


def test_a_dead_migrator_frees_the_workers(writer: Writer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.command(
        "INSERT INTO control (epoch, nonce, phase, at) "
        f"SELECT 1, 'dead', 'closed', now64(3) - {control.LEASE_SECONDS + 1}"
    )
    assert not paused(writer)
    with control.claim(client) as held:
        held.check()


def test_what_was_claimed_under_a_clock_ahead_holds_nobody_when_it_is_right_again(
    writer: Writer, client: Client
) -> None:
    client.command(
        "INSERT INTO control (epoch, nonce, phase, at) "
        "SELECT max(epoch) + 1, 'gone', 'closed', now64(3) + 90000 FROM control"
    )
    assert not paused(writer)
    with control.claim(client, wait_seconds=5) as held:
        held.check()
        assert paused(writer)
    assert not paused(writer)


def test_the_latest_phase_stands_also_when_the_clock_was_put_back_a_little(writer: Writer, client: Client) -> None:
    with control.claim(client) as held:
        # As if all that was said so far had been said by a clock that was half a minute ahead.
        client.command(
            "INSERT INTO control (epoch, nonce, phase, at) "
            "SELECT epoch, nonce, 'draining', now64(3) + 30 FROM control ORDER BY epoch DESC LIMIT 1"
        )
        held.enter(control.CLOSED)
        assert writer.closed()
    assert not paused(writer)


def test_of_two_claims_one_waits(client: Client) -> None:
    with control.claim(client) as first:
        with pytest.raises(control.ClaimLost), control.claim(client, wait_seconds=0.3):
            pass
        first.check()


def test_a_migrator_that_lost_its_claim_records_nothing(client: Client) -> None:
    with control.claim(client) as stalled:
        client.command(
            "INSERT INTO control (epoch, nonce, phase) SELECT max(epoch) + 1, 'other', 'draining' FROM control"
        )
        with pytest.raises(control.ClaimLost):
            stalled.check()


def test_every_table_becomes_durable_the_older_ones_too(client: Client, clickhouse_url: str) -> None:
    def lacking() -> list[str]:
        made = client.rows("SELECT name, engine_full AS made FROM system.tables WHERE database = currentDatabase()")
        return [
            row["name"]
            for row in made
            if "MergeTree" in row["made"] and "min_rows_to_fsync_after_merge = 1" not in row["made"]
        ]

    assert lacking() == []
    older = ["control", "country", "events", "migrations"]
    for name in older:
        client.command(f"ALTER TABLE `{name}` RESET SETTING min_rows_to_fsync_after_merge, old_parts_lifetime")
    for name in ("control", "migrations"):
        client.command(f"ALTER TABLE {name} RESET SETTING fsync_after_insert, fsync_part_directory")
    client.command("CREATE TABLE theirs (a Int8) ENGINE = MergeTree ORDER BY a")
    assert lacking() == [*older, "theirs"]
    assert migrate(clickhouse_url, rollups=ROLLUPS) == [f"durable {name}" for name in older]
    assert lacking() == ["theirs"]
    assert migrate(clickhouse_url, rollups=ROLLUPS) == []


def test_an_absent_server_is_unavailable() -> None:
    with pytest.raises(ClickHouseUnavailable):
        migrate("http://127.0.0.1:9/x")


def test_replicated_engines_are_a_switch() -> None:
    sql = COUNTRY.create_table(
        "country", {"site": "String", "time": "T", "country": "String", "sessions": "Int64"}, Engines("main", True)
    )
    assert "ON CLUSTER `main`" in sql
    assert "ReplicatedAggregatingMergeTree" in sql
    assert "replicated_deduplication_window_seconds = 604800" in sql
    assert connect("http://u:p%40@h:1/name").database == "name"
