"""What a batch costs, counted and not timed, and what an event weighs: on real Redis and ClickHouse."""

from collections.abc import Callable, Iterator

import pytest

from rollups.client import Client
from rollups.rollup import load
from tests.workers.place import Place, events, taken
from workers.batch import count

pytestmark = pytest.mark.services

WRITTEN = ("decision", "events", "sessions", "progress")
PARTS = "SELECT table, count() AS n FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table"
BYTES = "SELECT sum(bytes_on_disk) AS n FROM system.parts WHERE active AND database = currentDatabase()"


@pytest.fixture
def place(redis_url: str, clickhouse_url: str) -> Iterator[Place]:
    with taken(redis_url, clickhouse_url) as made:
        yield made


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every client does from now on: the tables of inserts, and the first words of the rest."""
    done: list[str] = []

    def noted(method: Callable[..., object]) -> Callable[..., object]:
        def called(self: Client, what: str, *arguments: object) -> object:
            done.append(what if method is insert else what[:40])
            return method(self, what, *arguments)

        return called

    insert = Client.insert
    for name in ("insert", "rows", "command"):
        monkeypatch.setattr(Client, name, noted(getattr(Client, name)))
    return done


@pytest.mark.parametrize("visitors", [1, 40])
def test_a_batch_is_six_statements_and_a_part_a_table(
    place: Place, monkeypatch: pytest.MonkeyPatch, visitors: int
) -> None:
    """Each costs milliseconds whatever is in it: two questions, four inserts, each of one block here and in rollups."""
    records = place.append(events(visitors, 10))
    place.client.command("SYSTEM STOP MERGES")
    try:
        done = counting(monkeypatch)
        count(place.world, place.held, records)
        assert [what for what in done if what in WRITTEN] == list(WRITTEN)
        assert len(done) == 6, done
        parts = {row["table"]: row["n"] for row in place.client.rows(PARTS)}
    finally:
        place.client.command("SYSTEM START MERGES")
    assert {table: n for table, n in parts.items() if table in {*WRITTEN, *load()} and n > 1} == {}
    assert parts.keys() >= {*WRITTEN, "series", "visitor"}


@pytest.mark.parametrize("visitors", [1, 40])
def test_a_batch_asks_redis_eight_times(place: Place, visitors: int) -> None:
    """States read and written, revision before and after, end of the log, commit, and once a second its room (two).

    Scripts do 35 things of their own for a batch of one site, and three a visitor: what its state took, the state, when
    it was heard.
    """
    records = place.append(events(visitors, 10))
    place.redis.config_resetstat()
    count(place.world, place.held, records)
    told: dict[str, dict[str, int]] = place.redis.info("commandstats")
    commands = {name: said["calls"] for name, said in told.items() if name != "cmdstat_config|resetstat"}
    asked = ("eval", "mget", "info", "memory|usage")
    assert sum(commands.get(f"cmdstat_{name}", 0) for name in asked) <= 8, commands
    assert sum(commands.values()) <= 40 + 3 * visitors, commands


def test_an_event_takes_few_bytes(place: Place) -> None:
    """Fifteen a visitor, twenty a record: what docs/sizing.md says, and a quarter more."""
    made = events(200, 15)
    records = place.append(made)
    count(place.world, place.held, records)
    for table in (*WRITTEN, *load()):
        place.client.command(f"OPTIMIZE TABLE {table} FINAL")
    assert place.bytes("throughline:{events:0}") / len(made) <= 69 * 1.25
    assert place.bytes("throughline:{state:*") / len(made) <= (700 / 15 + 155) * 1.25
    assert place.client.rows(BYTES)[0]["n"] / len(made) <= 85 * 1.25
