"""Distinct values of a site's day: which enter the rollups, and what the rest becomes."""

import pytest

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from rollups.client import connect
from rollups.rows import EventRow
from rollups.values import day_values
from rollups.verify import verify
from rollups.write import Writer
from tests.services.schema import migrated
from tests.workers.partition import Partition
from tests.workers.streams import SITE, START, live
from workers.batch import _named as named
from workers.blob import Named
from workers.fold import Entry, Known, fold, visits
from workers.memory import DAY
from workers.names import DAY_COST, OTHER, Names
from workers.raw import counted_columns

TODAY = START // DAY * DAY


def nothing(*_: object) -> dict[str, list[str]]:
    return {}


def test_a_value_that_was_there_stays_and_one_too_many_is_other() -> None:
    day = Names(3, nothing).day("s", START)
    assert [day.name("page", value) for value in "abcdab"] == ["a", "b", "c", OTHER, "a", "b"]
    assert day.name("type", "d") == "d"


def test_direct_and_no_campaign_always_have_their_place() -> None:
    day = Names(2, nothing).day("s", START)
    assert [day.name("source", value) for value in ("x", "y", "direct")] == ["x", OTHER, "direct"]
    assert [day.name("campaign", value) for value in ("x", "y", "(none)")] == ["x", OTHER, "(none)"]


def test_sites_and_days_count_apart() -> None:
    names = Names(1, nothing)
    assert names.day("a", TODAY).name("page", "/1") == "/1"
    assert names.day("a", TODAY + DAY - 1).name("page", "/2") == OTHER
    assert names.day("a", TODAY + DAY).name("page", "/2") == "/2"
    assert names.day("b", TODAY).name("page", "/2") == "/2"


def test_what_lies_there_is_asked_for_once_and_only_where_there_is_much() -> None:
    asked: list[tuple[str, int, int]] = []

    def load(site: str, day: int, most: int) -> dict[str, list[str]]:
        asked.append((site, day, most))
        return {"page": [f"/old{n}" for n in range(19)]}

    names = Names(20, load)
    small, large = names.day("small", START), names.day("large", START)
    for n in range(2):
        small.name("page", f"/{n}")
    for n in range(3):
        large.name("page", f"/{n}")
    names.settle()
    names.settle()
    assert asked == [("large", TODAY, 20)]
    assert large.name("page", "/old7") == "/old7"
    assert large.name("page", "/new") == OTHER
    assert large.name("page", "/2") == "/2"


def test_memory_is_bounded_by_values_and_by_days() -> None:
    names = Names(1_000, nothing, most=500)
    for n in range(100):
        for value in range(n % 3 * 5 + 1):
            names.day("s", START + n * DAY).name("page", str(value))
        names.settle()
        held = names._days  # noqa: SLF001
        assert sum(day.added + DAY_COST for day in held.values()) == names._cost <= 500  # noqa: SLF001
        assert ("s", TODAY + n * DAY) in held
    # A day that is used again stays, and counts once.
    for _ in range(3):
        names.day("s", START + 99 * DAY).name("page", "again")
        names.settle()
    assert sum(day.added + DAY_COST for day in names._days.values()) == names._cost  # noqa: SLF001


def page(n: int, name: str, source: str = "direct") -> Event:
    return Event(SITE, f"{n % 7:016x}", f"e{n}", "pageview", START + n, START + n, page=name, source=source)


def test_rows_hold_other_where_events_hold_the_truth() -> None:
    names = Names(2, nothing)
    entries = [Entry(n, 0, page(n, f"/{n}", f"s{n}")) for n in range(4)]
    rows = fold(Known({}, {}, 0), 0, visits(entries), 1, lambda *_: SiteSettings(), names).rows
    assert [(row.entry_page, row.exit_page, row.pv_page, row.source) for row in rows] == [
        ("/0", "/0", ("/0",), "s0"),
        ("/1", "/1", ("/1",), OTHER),
        (OTHER, OTHER, (OTHER,), OTHER),
        (OTHER, OTHER, (OTHER,), OTHER),
    ]


def test_data_keys_beyond_the_number_are_decided_with_the_batch() -> None:
    names = Names(2, nothing)
    entries = [
        Entry(n, 0, Event(SITE, f"{n:016x}", f"e{n}", "signup", START, START, data=data))
        for n, data in enumerate(['{"a":1,"b":2}', '{"a":1,"c":2,"d":3}', "", '{"b":1}'])
    ]
    columns = counted_columns(entries, "log", 0)
    assert named(zip(entries, columns[EventRow._fields.index("keys")], strict=True), {(3, 0)}, names) == [
        Named(1, 0, ("a", OTHER))
    ]


@pytest.mark.services
def test_verify_agrees_and_the_values_come_back(clickhouse_url: str) -> None:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    made = Partition(lambda *_: SiteSettings(), names=Names(10, nothing))
    for at in range(0, 60, 10):
        made.count([Entry(n, 0, page(n, f"/{n}", f"s{n // 3}")) for n in range(at, at + 10)], at + 1)
    assert any(OTHER in str(row) for row in live(made.rows))
    writer = Writer(client)
    writer.insert_events("t", made.tables.event_rows())
    writer.insert_sessions("t", made.tables.session_rows())
    assert list(verify(client)) == []
    found = day_values(client, SITE, TODAY, 1_000)
    assert set(found["page"]) == {f"/{n}" for n in range(10)} | {OTHER}
    assert "s0" in found["source"]
    assert len(day_values(client, SITE, TODAY, 3)["page"]) == 3
    # A page that a row names otherwise than its event is still a difference.
    client.command(
        "ALTER TABLE sessions UPDATE pv_page = arrayMap(p -> '/x', pv_page) WHERE 1 SETTINGS mutations_sync = 2"
    )
    assert list(verify(client))
    client.close()
