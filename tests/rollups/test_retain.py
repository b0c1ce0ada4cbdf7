"""Months of events and sessions go, and no number changes: whatever the history, wherever it is stopped."""

# ruff: noqa: S608 - names of our own tables

import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contract.event import Event
from rollups import migrate, retain, rollup
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.past import past
from rollups.registry import RegistryRow, put_back
from rollups.remove import remove
from rollups.retain import Cut, cut_at
from rollups.rollup import parse
from rollups.verify import verify
from rollups.write import Writer
from tests.rollups.make import DAY, T0
from tests.rollups.test_verify import SETTINGS, live, traffic
from tests.services.schema import migrated
from workers.back import fold_back
from workers.fold import Entry, visits
from workers.raw import event_columns
from workers.visitor import State

pytestmark = pytest.mark.services
__all__ = ["live"]

NOW = T0 + 400 * DAY
CUT = cut_at(T0, -1)  # a week after T0
_logs = count()


@pytest.mark.parametrize(
    ("now", "months", "expected"),
    [
        ("2026-03-01T00:00", 1, "2026-02-01"),
        ("2026-03-31T23:59", 1, "2026-02-01"),
        ("2026-02-28T23:59", 1, "2026-01-01"),
        ("2026-01-15T00:00", 1, "2025-12-01"),
        ("2026-01-15T00:00", 12, "2025-01-01"),
        ("2026-01-15T00:00", 13, "2024-12-01"),
        ("2026-12-31T00:00", 120, "2016-12-01"),
        ("2025-12-31T00:00", -1, "2026-01-01"),
    ],
)
def test_a_month_goes_once_all_of_it_is_so_old(now: str, months: int, expected: str) -> None:
    assert cut_at(ms(now), months) == ms(expected) and cut_at(ms(now), None) == 0


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def history(seed: int, count: int, site: str = "site01") -> list[Event]:
    """Traffic over two and a half months, a good part of it around the ends of months."""
    rng = random.Random(seed)
    moved = []
    for event in traffic(seed, count):
        by = rng.choice((0, 0, CUT - T0 - 3 * DAY, 31 * DAY))
        moved.append((event, by))
    # By visitor and day, so that sessions stay sessions.
    days: dict[tuple[str, int], int] = {}
    made = []
    for event, by in moved:
        by = days.setdefault((event.visitor, event.time // (4 * DAY)), by)
        made.append(_of(event, site, by))
    return sorted(made, key=lambda event: event.received)


def _of(event: Event, site: str, by: int) -> Event:
    return msgspec.structs.replace(event, site=site, time=event.time + by, received=event.received + by)


def store(client: Client, events: list[Event], batch: int = 70) -> None:
    """What a worker would write into a log of its own, a batch at a time."""
    writer, log = Writer(client), f"log{next(_logs)}"
    states: dict[str, State] = {}
    clock = 0
    for begin in range(0, len(events), batch):
        entries = [Entry(begin + i, 0, event) for i, event in enumerate(events[begin : begin + batch])]
        lookup = lambda _, revision: SETTINGS[revision]  # noqa: E731
        folded = fold_back(states, 0, clock, visits(entries), begin + 1, lookup, partial(past, client))
        assert not folded.errors
        states |= folded.states
        clock = folded.clock
        reasons = {(offset, index): reason for offset, index, reason in folded.reasons}
        token, end = writer.token(log, 0, begin), begin + len(entries)
        writer.insert_columns(token, event_columns(entries, reasons, {}, log, 0))
        writer.insert_sessions(token, folded.rows)
        writer.mark(log, 0, begin, end, clock, {"counted": len(entries)})


def totals(
    client: Client, site: str = "site01", names: Collection[str] | None = None
) -> dict[str, list[tuple[str, ...]]]:
    """Every rollup's rows of a site, as answers read them."""
    found = {}
    for name, one in rollup.load().items():
        if names is not None and name not in names:
            continue
        measures = ", ".join(f"{function}({measure}) AS {measure}" for measure, function in one.measures.items())
        sums = " OR ".join(f"{measure} != 0" for measure, function in one.measures.items() if function == "sum")
        by = ", ".join(one.dimensions)
        sql = (
            f"SELECT {by}, {measures} FROM {name} WHERE site = {{site:String}} GROUP BY {by} HAVING {sums} ORDER BY ALL"
        )
        found[name] = [tuple(map(str, row.values())) for row in client.rows(sql, {"site": site})]
    return found


def gone(client: Client, wanted: Mapping[str, Cut]) -> int:
    """Let all go; returns how many passes that took."""
    passes = 0
    while True:
        while not retain.settle(client, NOW):
            client.rows("SELECT sleep(0.02)")
        if not retain.due(client, wanted):
            return passes
        made = retain.advance(client, wanted, NOW, wait_seconds=120)
        assert made
        passes += len(made)


def left(client: Client, cut: Cut, site: str = "site01") -> tuple[int, int, int]:
    """Raw events of before, those of sessions that reach over, and sessions that end before."""
    where = {"site": site, "events": cut.events, "sessions": cut.sessions}
    before = "site = {site:String} AND toUnixTimestamp64Milli(time) < {events:Int64}"
    events = client.rows(f"SELECT count() AS n FROM events WHERE {before}", where)[0]["n"]
    reaching = client.rows(
        f"SELECT count() AS n FROM events INNER JOIN (SELECT visitor, start FROM sessions FINAL WHERE sign = 1 "
        "AND site = {site:String} AND toUnixTimestamp64Milli(start) < {events:Int64} "
        "AND toUnixTimestamp64Milli(end) >= {events:Int64}) AS over ON over.visitor = events.visitor "
        f"WHERE {before} AND time >= over.start",
        where,
    )[0]["n"]
    ended = "site = {site:String} AND toUnixTimestamp64Milli(end) < {sessions:Int64}"
    return events, reaching, client.rows(f"SELECT count() AS n FROM sessions WHERE {ended}", where)[0]["n"]


@pytest.fixture(scope="module")
def shared(_clickhouse: Any) -> Iterator[Client]:
    """One database for many sites."""
    url = f"{_clickhouse.url}/test_retain"
    migrated(url)
    with closing(connect(url)) as client:
        yield client
        client.command("DROP DATABASE test_retain SYNC")


_sites = count()


@pytest.mark.parametrize("examples", [4, pytest.param(40, marks=pytest.mark.nightly)])
def test_no_number_changes(shared: Client, examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        site = f"law{next(_sites)}"
        bodies = {revision: f'{{"settings":{SETTINGS[revision].model_dump_json()}}}' for revision in (1, 2)}
        put_back(shared, [RegistryRow("site", site, *each) for each in bodies.items()], T0)
        events = history(
            data.draw(st.integers(0, 10_000), label="seed"), data.draw(st.integers(20, 160), label="n"), site
        )
        store(shared, events)
        before = totals(shared, site)
        earlier = retain.cut_at(CUT, data.draw(st.integers(-1, 1), label="months"))
        for events_cut in data.draw(st.sampled_from([[CUT], [CUT, retain.cut_at(CUT, -1)], [retain.cut_at(CUT, -2)]])):
            cut = Cut(events_cut, data.draw(st.sampled_from([0, min(earlier, events_cut), events_cut])))
            gone(shared, {site: cut})
            stands = retain.cuts(shared, [site])[site]
            assert totals(shared, site) == before
            assert list(verify(shared, site=site, wait_seconds=1)) == []
            old, reaching, ended = left(shared, stands, site)
            assert (old, ended) == (reaching, 0)

    check()


def test_stopped_anywhere_it_goes_on(live: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each statement in turn, through several months."""
    store(live, history(3, 150))
    before = totals(live)
    wanted = {"site01": Cut(cut_at(CUT, -1), CUT)}
    assert any(left(live, wanted["site01"]))
    command, insert, rest, stopped = Client.command, Client.insert, [0], []

    class Dead(Exception):
        pass

    def about_to(what: str) -> None:
        if rest[0] == 0:
            stopped.append(what)
            raise Dead
        rest[0] -= 1

    def watched(self: Client, sql: str, *rest_: Any, **named: Any) -> None:
        about_to(sql)
        command(self, sql, *rest_, **named)

    def put(self: Client, table: str, *rest_: Any, **named: Any) -> None:
        if table == "retained":
            about_to(table)
        insert(self, table, *rest_, **named)

    for step in count():
        with monkeypatch.context() as patched:
            patched.setattr(Client, "command", watched)
            patched.setattr(Client, "insert", put)
            rest[0] = step
            try:
                gone(live, wanted)
                break
            except Dead:
                pass
        assert totals(live) == before
        if stopped[-1] == "retained" or stopped[-1].startswith("ALTER"):
            assert list(verify(live, wait_seconds=1)) == []
    assert {"retained"} < set(stopped) and sum("ALTER TABLE events" in each for each in stopped) > 0
    assert totals(live) == before
    assert list(verify(live, wait_seconds=1)) == []
    old, reaching, ended = left(live, wanted["site01"])
    assert (old, ended) == (reaching, 0)
    # Nothing is kept twice: all rollups made anew say the same.
    for one in rollup.load().values():
        migrate.drop_view(live.url, one.name)
    assert len(migrate.migrate(live.url, wait_seconds=1)) == len(rollup.load())
    assert totals(live) == before


def test_what_a_pass_that_was_given_up_still_writes_is_not_the_next_ones(
    live: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the clock stands behind the last pass."""
    store(live, history(3, 80))
    before = totals(live)
    live.command(
        f"INSERT INTO retained VALUES ('other', '{NOW + DAY:015d}', '2020-01-01', '2020-01-01', 'done', now64(3))"
    )
    with monkeypatch.context() as patched:
        patched.setattr(retain, "_write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retain.advance(live, {"site01": Cut(CUT, CUT)}, NOW, wait_seconds=5)
    columns = "site, pass, rollup, time, row"
    live.command(f"CREATE TABLE late ENGINE = Memory AS SELECT {columns} FROM kept")
    tidy = getattr(retain, "_tidy")  # noqa: B009

    def tidied(client: Client) -> None:
        tidy(client)
        client.command(f"INSERT INTO kept ({columns}) SELECT {columns} FROM late")

    with monkeypatch.context() as patched:
        patched.setattr(retain, "_tidy", tidied)
        assert retain.advance(live, {"site01": Cut(CUT, CUT)}, NOW, wait_seconds=5)
    gone(live, {"site01": Cut(CUT, CUT)})
    assert totals(live) == before
    assert list(verify(live, wait_seconds=1)) == []


def test_a_rollup_of_another_definition_keeps_the_numbers_of_months_that_are_gone(live: Client) -> None:
    store(live, history(5, 200))
    before = totals(live)
    gone(live, {"site01": Cut(CUT, CUT)})
    made = dict(rollup.load())
    more = "-- source: sessions\n-- grain: day\n-- key: country\n-- sum: sessions, bounces, duration_ms, pages\n"
    facts = made["series"].facts.replace("sign AS sessions", "sign AS sessions, country, sign * pageviews AS pages")
    made["series"] = parse("series", more + facts)
    assert migrate.migrate(live.url, rollups=made, wait_seconds=1) == ["rollup series"]
    sums = "sum(sessions) AS s, sum(bounces) AS b, sum(duration_ms) AS d"
    days = live.rows(f"SELECT toString(toDate(time)) AS day, {sums} FROM series GROUP BY day ORDER BY day")
    expected: dict[str, list[int]] = {}
    for time, *own in before["series"]:
        day = expected.setdefault(time[:10], [0, 0, 0])
        expected[time[:10]] = [a + int(b) for a, b in zip(day, own, strict=True)]
    assert {row["day"]: [row["s"], row["b"], row["d"]] for row in days} == expected
    assert list(verify(live, rollups=made, wait_seconds=1)) == []
    others = made.keys() - {"series"}
    now = totals(live, names=others)
    assert now == {name: before[name] for name in others}
    # With the site all of it goes.
    assert {"kept", "retained"} <= set(remove(live, ["site01"]))


def test_what_is_gone_is_asked_for_on_the_connection_of_the_batch(clickhouse_url: str) -> None:
    """Within one life of the server nobody connects anew, so one that asked elsewhere would fail for ever."""
    migrated(clickhouse_url)
    with closing(connect(clickhouse_url)) as client, closing(connect(clickhouse_url)) as elsewhere:
        writer = Writer(client)
        with writer.one_life():
            assert writer.cuts(["any"]) == {}
            with pytest.raises(ClickHouseUnavailable, match="lost within a batch"):
                retain.cuts(elsewhere, ["any"])
