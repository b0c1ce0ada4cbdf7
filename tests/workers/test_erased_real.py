"""Erasing on real Redis and ClickHouse: what a batch decides, and what is removed afterwards."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from ingest.contract.event import Erase, Event, Logged
from rollups import purge
from rollups.client import Client
from rollups.verify import verify
from rollups.write import Writer
from tests.workers.place import Place, taken
from tests.workers.streams import SITE, START
from workers.batch import count
from workers.memory import HOUR

pytestmark = pytest.mark.services

EVE, ANN = "e" * 16, "a" * 16
LATER = START + 30 * 60_000


def event(visitor: str, name: str, at: int, **more: Any) -> Event:
    return Event(SITE, visitor, name, "pageview", at, at, url=f"https://x.example/{name}", page=f"/{name}", **more)


def ledger(client: Client) -> dict[str, int]:
    rows = client.rows("SELECT reason, sum(events) AS n FROM ledger GROUP BY reason HAVING n != 0")
    return {row["reason"]: row["n"] for row in rows}


def seen(client: Client, visitor: str) -> tuple[int, int]:
    sql = (
        "SELECT toUnixTimestamp64Milli(min(first_seen)) AS first, sum(sessions) AS n "
        "FROM visitor WHERE visitor = {visitor:String}"
    )
    row = client.rows(sql, {"visitor": visitor})[0]
    return row["first"], row["n"]


def counted(place: Place, lines: Sequence[Logged]) -> None:
    count(place.world, place.held, place.append(lines))


def test_who_comes_again_before_all_is_removed_is_new_and_stays(redis_url: str, clickhouse_url: str) -> None:
    with taken(redis_url, clickhouse_url) as place:
        client = place.client
        both = [event(EVE, "only-eve", START, data='{"eve":1}'), event(ANN, "ann", START)]
        flood = msgspec.structs.replace(both[0], received=START + 5)  # a duplicate
        counted(place, [*both, flood])
        at = LATER
        wish = purge.accept(client, SITE, EVE, at)
        assert wish is not None and purge.accept(client, SITE, EVE, at) == wish
        assert purge.stands(client, SITE, wish) == "accepted"
        before = ledger(client)
        # Of the same batch what came before goes too, and what came and happened after stays.
        again = event(EVE, "again", at + 60_000)
        counted(place, [event(EVE, "late", at - 1), Erase(SITE, EVE, wish, at), again])
        assert purge.stands(client, SITE, wish) == "removing"
        assert before == {"": 2, "duplicate": 1} and ledger(client) == {"": 2, "erased": 3}
        assert seen(client, EVE) == (START, 1)
        assert list(verify(client, wait_seconds=1)) == []
        # The line comes twice, as whoever sends it may have died.
        counted(place, [Erase(SITE, EVE, wish, at)])
        assert ledger(client) == {"": 2, "erased": 3} and seen(client, EVE)[1] == 1
        # States that begin anew read nothing back of before.
        (open_,) = purge.wishes(client)
        assert open_.counted and open_.visitor == EVE
        purge.purge(client, [open_], wait_seconds=5)
        purge.purge(client, [open_], wait_seconds=30)  # finds nothing more
        wait(client)
        assert seen(client, EVE) == (at + 60_000, 1) and seen(client, ANN) == (START, 1)
        assert ledger(client) == {"": 2, "erased": 3}
        held = client.rows("SELECT id FROM events WHERE visitor != '' ORDER BY id")
        assert [row["id"] for row in held] == ["again", "ann"]
        for table in ("events", "sessions", "trait", "element", "data_key", "erased"):
            rows = client.rows(f"SELECT toString(tuple(*)) AS row FROM {table}")  # noqa: S608
            assert not any("only-eve" in row["row"] or "'eve'" in row["row"] for row in rows), table
        assert all(row["blob"] == "" for row in client.rows("SELECT blob FROM decision"))
        assert list(verify(client, wait_seconds=1)) == []
        purge.nameless(client, [open_], START)
        assert [each.visitor for each in purge.wishes(client)] == [""]
        purge.done(client, [open_])
        assert purge.stands(client, SITE, wish) == "done" and purge.stands(client, SITE, "f" * 16) is None
        assert purge.accept(client, SITE, "b" * 16, at) is None
        # Its state is of the visit since; a copy of before is erased once more, and counted so.
        counted(place, [both[0], event(EVE, "again-2", at + 61_000)])
        assert ledger(client) == {"": 3, "erased": 4} and seen(client, EVE) == (at + 60_000, 1)
        assert list(verify(client, wait_seconds=1)) == []


def test_an_erased_visitors_state_goes_and_leaves_no_horizon(redis_url: str, clickhouse_url: str) -> None:
    with taken(redis_url, clickhouse_url) as place:
        counted(place, [event(EVE, "one", START), event(ANN, "two", START)])
        stood = place.held.store.position()
        counted(place, [Erase(SITE, EVE, "e1", START + HOUR // 4)])
        after = place.held.store.position()
        assert stood is not None and after is not None and after.horizon == stood.horizon
        states = {key.decode().rpartition(":")[2] for key in place.redis.scan_iter("*visitor:*")}
        assert states == {f"{SITE}-{ANN}"}
        assert [stone.until for stone in Writer(place.client).erased()] == [START + HOUR // 4]


def wait(client: Client) -> None:
    for _ in range(600):
        if not client.rows("SELECT 1 FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"):
            return
        client.rows("SELECT sleep(0.1)")
    raise AssertionError("rows are still being removed")
