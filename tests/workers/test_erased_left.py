"""Erasing on real Redis and ClickHouse, with what happens between a batch and the removal."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import msgspec
import pytest

from api.answer.event_data_values import event_data_values
from api.span import Span
from ingest.contract.event import Erase
from rollups import purge, rollup
from rollups.read import Reader
from rollups.sql import statement, utc
from tests.workers.place import taken
from tests.workers.streams import SITE, START
from tests.workers.test_erased_real import ANN, EVE, LATER, counted, event, ledger, seen, wait
from tests.workers.test_whole import Dies, dying
from workers.batch import count
from workers.forget import forget

pytestmark = pytest.mark.services


def test_what_rollups_hold_goes_though_the_retracted_sessions_were_merged_away(
    redis_url: str, clickhouse_url: str
) -> None:
    with taken(redis_url, clickhouse_url) as place:
        client = place.client
        counted(place, [event(EVE, "only-eve", START), event(ANN, "ann", START)])
        wish = purge.accept(client, SITE, EVE, LATER)
        assert wish is not None
        counted(place, [Erase(SITE, EVE, wish, LATER)])
        client.command("OPTIMIZE TABLE sessions FINAL")
        assert not client.rows("SELECT 1 FROM sessions WHERE visitor = {visitor:String}", {"visitor": EVE})
        purge.purge(client, purge.wishes(client), wait_seconds=30)
        wait(client)
        for table in ("events", *rollup.load()):
            rows = client.rows(f"SELECT toString(tuple(*)) AS row FROM {table}")  # noqa: S608
            assert not any("only-eve" in row["row"] or EVE in row["row"] for row in rows), table


@pytest.mark.parametrize("before", ["erase", "insert_sessions", "mark"])
def test_a_batch_that_only_erases_counts_whole_or_not_at_all_without_its_log(
    redis_url: str, clickhouse_url: str, before: str
) -> None:
    with taken(redis_url, clickhouse_url) as place:
        client = place.client
        counted(place, [event(EVE, "eve", START)])
        wish = purge.accept(client, SITE, EVE, LATER)
        assert wish is not None
        world = replace(place.world, writer=dying(client, before))
        with pytest.raises(Dies):
            count(world, place.held, place.append([Erase(SITE, EVE, wish, LATER)]))
        forget(client, place.held.log)
        there = {"": 1} if before == "erase" else {"erased": 1}
        assert ledger(client) == there and seen(client, EVE)[1] == there.get("", 0)
        assert purge.stands(client, SITE, wish) == ("accepted" if before == "erase" else "removing")


def test_until_the_rows_are_gone_nothing_tells_of_them(redis_url: str, clickhouse_url: str) -> None:
    with taken(redis_url, clickhouse_url) as place:
        client, reader = place.client, Reader(place.client)
        counted(
            place,
            [
                msgspec.structs.replace(event(who, who[0], START + at, data=data), type="buy")
                for at, (who, data) in enumerate([(EVE, '{"a":"x","eve":1}'), (ANN, '{"a":"y"}')])
            ],
        )
        wish = purge.accept(client, SITE, EVE, LATER)
        assert wish is not None
        again = msgspec.structs.replace(event(EVE, "again", LATER + 1, data='{"a":"z"}'), type="buy")
        counted(place, [Erase(SITE, EVE, wish, LATER), again])
        span = Span(START, LATER + 2, ZoneInfo("UTC"))
        for _ in ("before", "after"):
            answer = event_data_values(reader, SITE, span, "buy", "a", 10)
            assert [row.value for row in answer.rows] == ["y", "z"]
            for begin, end, keys in ((START, START + 1, []), (START, LATER + 2, ["a"]), (START + 1, LATER, ["a"])):
                found = reader.rows("event_data_keys", site=SITE, type="buy", **{"from": begin, "to": end})
                assert [row["key"] for row in found] == keys
            where = {"site": SITE, "from": utc(START), "to": utc(LATER + 2), "chunks": 1, "chunk": 0}
            assert [row["id"] for row in client.rows(statement("site_events"), where)] == ["a", "again"]
            purge.purge(client, purge.wishes(client), wait_seconds=30)
            wait(client)
