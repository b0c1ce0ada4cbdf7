"""Ranges are exact to the millisecond whatever the grain, on a real ClickHouse against plain Python."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rollups.client import ClickHouseUnavailable, Client
from rollups.read import Reader
from rollups.rows import EventRow, SessionRow
from rollups.write import Writer
from tests.rollups.make import DAY, HOUR, MINUTE, ROLLUPS, T0, event, session

pytestmark = pytest.mark.services

MIDNIGHT = T0 - 16 * HOUR


@pytest.fixture
def reader(client: Client, tmp_path: Path) -> Reader:
    for name, made in ROLLUPS.items():
        columns = ", ".join((*made.key, *(f"{f}({m}) AS {m}" for m, f in made.measures.items())))
        by = f"GROUP BY {', '.join(made.key)}" if made.key else ""
        (tmp_path / f"{name}.sql").write_text(f"SELECT {columns} FROM {{rollup:{name}}} {by}")  # noqa: S608
    (tmp_path / "slow.sql").write_text("SELECT sleepEachRow(1) FROM numbers(10) SETTINGS max_block_size = 1")
    (tmp_path / "wide.sql").write_text("SELECT groupArray(number) AS n FROM numbers(100000000)")
    (tmp_path / "echo.sql").write_text("SELECT {text:String} AS text, {list:Array(String)} AS list")
    return Reader(client, max_seconds=1, max_bytes=50_000_000, folder=tmp_path, rollups=ROLLUPS)


@pytest.fixture
def ending_now(reader: Reader, client: Client, tmp_path: Path) -> Reader:
    """The same; every range ends now for it, so it looks for what lies behind."""
    del reader
    return Reader(client, folder=tmp_path, rollups=ROLLUPS, now=lambda: -(10.0**10))


def rows(seed: int) -> tuple[list[SessionRow], list[EventRow]]:
    """Times on, just before and just after the edges of quarters and days, over five days and two sites."""
    rng = random.Random(seed)
    sessions: list[SessionRow] = []
    events: list[EventRow] = []
    for number in range(150):
        edge = MIDNIGHT + rng.randrange(-2, 4) * DAY + rng.choice((0, 0, 15 * MINUTE, 23 * HOUR, 5 * HOUR + 7))
        start = edge + rng.choice((-1, 0, 1))
        later = start + rng.choice((0, 1, HOUR, DAY - 1, DAY))
        sessions.append(
            session(
                start,
                site=rng.choice(("site01", "site02")),
                visitor=f"{number % 20:016x}",
                session=f"s{number}",
                end=later,
                country=rng.choice("AB"),
                pageviews=2,
                pv_page=("/a", "/b"),
                pv_time=(start, later),
                pv_depth=(-1, 0),
                pv_engaged_ms=(0, 0),
            )
        )
        events.append(event(f"e{number}", start - 5, received=later, reason=rng.choice(("", "late"))))
    gone = [row._replace(sign=-1) for row in rng.sample(sessions, 40)]
    return sessions + gone, events


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["reader", "ending_now"])
def test_every_range_equals_a_plain_sum(request: pytest.FixtureRequest, kind: str, writer: Writer, seed: int) -> None:
    reader: Reader = request.getfixturevalue(kind)
    sessions, events = rows(seed)
    writer.insert_sessions("t", sessions)
    writer.insert_events("t", events)
    rng = random.Random(seed)
    edges = [row.start + d for row in sessions[:40] for d in (-1, 0, 1)] + [MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 1]
    ranges = [tuple(sorted(rng.sample(edges, 2))) for _ in range(25)]
    ranges += [
        (MIDNIGHT, MIDNIGHT + DAY),
        (MIDNIGHT, MIDNIGHT + DAY + 1),
        (MIDNIGHT + 1, MIDNIGHT + DAY),
        (MIDNIGHT + 1, MIDNIGHT + 2),
        (MIDNIGHT - 1, MIDNIGHT + 1),
        (-2 * 10**12, 7 * 10**12),
        (-2 * 10**12, MIDNIGHT + 9 * DAY + 1),  # nothing behind
        (MIDNIGHT + 1, MIDNIGHT + 9 * DAY + 1),
        (MIDNIGHT + 9 * DAY, MIDNIGHT + 9 * DAY + 1),
    ]
    for begin, end in ranges:
        if begin == end:
            continue
        params = {"site": "site01", "from": begin, "to": end}
        inside = [row for row in sessions if row.site == "site01" and begin <= row.start < end]
        total = sum(row.sign for row in inside)
        assert reader.rows("series", **params) == [{"sessions": total, "bounces": 0}], (begin, end)
        country = {row["country"]: row["sessions"] for row in reader.rows("country", **params)}
        for name in "AB":
            assert country.get(name, 0) == sum(row.sign for row in inside if row.country == name), (begin, end)
        viewed = {row["page"]: row["views"] for row in reader.rows("viewed", **params)}
        for at, page in enumerate(("/a", "/b")):
            ours = [row.sign for row in sessions if row.site == "site01" and begin <= row.pv_time[at] < end]
            assert viewed.get(page, 0) == sum(ours), (begin, end)
        ledger = {row["reason"]: row["events"] for row in reader.rows("ledger", **params)}
        for reason in ("", "late"):
            received = [row for row in events if row.reason == reason and begin <= row.received < end]
            assert ledger.get(reason, 0) == len(received), (begin, end)


class Asked:
    """A client that notes what is asked; `behind`: what a look behind the end finds."""

    def __init__(self, behind: int = 0) -> None:
        self.sql = ""
        self.all: list[str] = []
        self.params: Mapping[str, Any] = {}
        self._behind = [{"1": 1}] * behind

    def rows(self, sql: str, params: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.sql, self.params = sql, params
        self.all.append(sql)
        return self._behind if sql.startswith("SELECT 1 ") else []


@pytest.mark.parametrize(
    ("begin", "end", "edges"),
    [
        (MIDNIGHT, MIDNIGHT + DAY, []),
        (MIDNIGHT + 1, MIDNIGHT + DAY, ["from"]),
        (MIDNIGHT, MIDNIGHT + DAY - 1, ["to"]),
        (MIDNIGHT + 1, MIDNIGHT + DAY - 1, ["from", "to"]),
    ],
)
def test_only_ragged_ends_look_at_the_source(tmp_path: Path, begin: int, end: int, edges: list[str]) -> None:
    (tmp_path / "country.sql").write_text("SELECT * FROM {rollup:country}")
    asked: Any = Asked()
    reader = Reader(asked, folder=tmp_path, rollups=ROLLUPS)
    reader.rows("country", **{"site": "site01", "from": begin, "to": end})
    assert [name for name in ("from", "to") if f"{{{name}:" in asked.sql] == edges
    assert ("FROM sessions" in asked.sql) == bool(edges)
    if not edges:
        assert asked.params["last_86400000"].timestamp() * 1000 >= end


NOON = MIDNIGHT + DAY // 2


@pytest.mark.parametrize(
    ("begin", "now", "behind", "sources"),
    [
        (MIDNIGHT - DAY, NOON, 0, [False, True]),  # asked as if its day were over, then looked behind
        (MIDNIGHT - DAY, NOON, 1, [False, True, True]),
        (MIDNIGHT, NOON, 0, [False, True]),
        (MIDNIGHT - DAY, NOON + 9_000, 0, [False, True]),
        (MIDNIGHT - DAY, NOON - DAY, 0, [False, True]),  # ahead of the clock
        (MIDNIGHT - 1, NOON, 0, [True, True]),
        (MIDNIGHT + 1, NOON, 0, [True]),  # within a day there is nothing to spare
        (MIDNIGHT - DAY, NOON + 11_000, 0, [True]),
    ],
)
def test_an_end_that_is_now_is_ragged_only_if_something_lies_behind_it(
    tmp_path: Path, begin: int, now: int, behind: int, sources: list[bool]
) -> None:
    (tmp_path / "country.sql").write_text("SELECT * FROM {rollup:country}")
    asked: Any = Asked(behind)
    Reader(asked, folder=tmp_path, rollups=ROLLUPS, now=lambda: now / 1000).rows(
        "country", **{"site": "site01", "from": begin, "to": NOON}
    )
    assert ["FROM sessions" in sql for sql in asked.all] == sources


def test_what_comes_between_question_and_look_is_not_counted(client: Client, writer: Writer, tmp_path: Path) -> None:
    """Something behind the end that is inserted between the first statement and the second."""
    (tmp_path / "country.sql").write_text("SELECT country, sum(sessions) AS n FROM {rollup:country} GROUP BY country")
    writer.insert_sessions("before", [session(NOON - HOUR)])

    class Late:
        asked = 0

        def rows(self, sql: str, *others: Any) -> list[dict[str, Any]]:
            self.asked += 1
            if self.asked == 2:
                writer.insert_sessions("behind", [session(NOON), session(NOON + HOUR)])
            return client.rows(sql, *others)

    late: Any = Late()
    found = Reader(late, folder=tmp_path, rollups=ROLLUPS, now=lambda: NOON / 1000).rows(
        "country", **{"site": "site01", "from": MIDNIGHT - DAY, "to": NOON}
    )
    assert [row["n"] for row in found] == [1]


def test_a_rollup_without_a_grain_is_grouped_by_its_key(reader: Reader, writer: Writer) -> None:
    for token in ("t1", "t2"):
        writer.insert_sessions(token, [session(T0), session(T0 + HOUR)])
    found = reader.rows("visitor", site="site01")
    assert [(row["visitor"], row["sessions"]) for row in found] == [("00000000000000aa", 4)]


@pytest.mark.parametrize("name", ["slow", "wide"])
def test_a_query_past_its_limits_is_stopped(reader: Reader, name: str) -> None:
    with pytest.raises(ClickHouseUnavailable):
        reader.rows(name)


TEXTS = ("'; DROP TABLE events; --", "\\'", "a\tb\nc\\n", "{x:String}", "%s", "", "é\U0001f600")


@pytest.mark.parametrize("text", TEXTS)
def test_a_value_means_itself(reader: Reader, text: str) -> None:
    assert reader.rows("echo", text=text, list=[text, "x"], unknown=1) == [{"text": text, "list": [text, "x"]}]


def test_a_missing_parameter_is_named(reader: Reader) -> None:
    with pytest.raises(KeyError, match="list"):
        reader.rows("echo", text="x")
