"""What events and sessions say of channels, places and visitors, in a database from before they did."""

import random
from functools import partial

import msgspec
import pytest

from ingest.channel import of_stored
from ingest.contract.event import UNTOUCHED, Event, Rebuild, Touch
from ingest.contract.page import read_url, stored_url
from ingest.source import attribute
from rollups.client import ClickHouseUnavailable, Client
from rollups.migrate import migrate
from rollups.past import past
from rollups.rows import TOUCH
from rollups.verify import verify
from rollups.write import Writer
from tests.rollups.test_verify import SETTINGS, live, store, traffic
from workers.back import fold_back
from workers.fold import Entry, visits

__all__ = ["live"]
pytestmark = pytest.mark.services

HOSTS = ["https://www.shop.example", "http://shop.example:8080", "https://[2001:db8::1]:444", "https://www.ü.example"]
QUERIES = [
    "",
    "?utm_medium=CPC&utm_term=Red%20%26+Shoes&utm_content=100%25",
    "?UTM_MEDIUM=Paid%20%20Social&utm_source=fb",
    "?utm_medium=%C3%89t%C3%A9&utm_medium=second",
    "?utm_source=newsletter&utm_term=%F0%9F%98%80%7Ca",
    "?source=chatgpt&utm_content=a%3Db",
    "?utm_medium=&utm_content=x&ref=x",
    "?my_utm_medium=cpc&utm_medium_=email&amp;utm_term=t",
    "?utm_source=google&utm_medium=organic",
    "?utm_source=youtube",
    "?utm_medium=referral",
    *(f"?utm_medium={medium}" for medium in ("banner", "affiliate", "e-mail", "sm", "video", "print", "retargeting")),
    *(f"?utm_source={source}&utm_medium=ppc" for source in ("bing", "linkedin", "vimeo", "somebody")),
]
PATHS = ["/", "/a", "/?", "/a&utm_medium=no", "/utm_medium=no"]


def test_the_columns_are_named_once() -> None:
    assert Touch.__struct_fields__ == TOUCH


def test_a_database_of_before_says_what_its_urls_tell_and_sessions_do_after_a_rebuild(
    live: Client, clickhouse_url: str
) -> None:
    rng = random.Random(4)
    events = [_somewhere(rng, event) for event in traffic(4, 300)]
    store(live, events, batch=80)
    for table in ("events", "sessions"):
        columns = ", ".join(
            f"DROP COLUMN {name}" for name in sorted(TOUCH)
        )  # `channel` before `medium`, on which it depends
        live.command(f"ALTER TABLE {table} {columns}", settings={"mutations_sync": 2})
    live.command("DELETE FROM migrations WHERE number IN (28, 29)")

    assert migrate(clickhouse_url) == ["0028_events_touch", "0029_sessions_touch"]
    names = ", ".join(("url", "source", *TOUCH))
    for row in live.rows(f"SELECT DISTINCT {names} FROM events"):  # noqa: S608
        url, source, *found = row.values()
        assert Touch(*found) == of_stored(url, source), url
    assert {row["channel"] for row in live.rows("SELECT channel FROM sessions")} == {""}
    with pytest.raises(ClickHouseUnavailable, match="life"):  # as a worker of before would
        live.command(
            "INSERT INTO decision (log, partition, a, b, nonce, blob, life) VALUES ('log', 0, 5, 7, '', '', '')"
        )
    assert list(verify(live, wait_seconds=1)) == []

    visitors = sorted({event.visitor for event in events})
    rebuild = Rebuild("site01", visitors, 2, events[-1].received)
    folded = fold_back(
        {}, 0, 0, visits([Entry(9_000, 0, rebuild)]), 9_001, lambda _, at: SETTINGS[at], partial(past, live)
    )
    Writer(live).insert_sessions("rebuild", folded.rows)
    standing = live.rows(
        "SELECT source, channel, hostname, sum(sign) AS standing FROM sessions "
        "GROUP BY ALL HAVING standing != 0 ORDER BY ALL"
    )
    assert all(row["standing"] > 0 and row["channel"] and row["hostname"] for row in standing)
    assert len({row["channel"] for row in standing}) > 8
    assert list(verify(live, wait_seconds=1)) == []


def _somewhere(rng: random.Random, event: Event) -> Event:
    url = read_url(rng.choice(HOSTS) + rng.choice(PATHS) + rng.choice(QUERIES))
    source = attribute(url, read_url(rng.choice(["", "https://google.com/", "https://t.co/"])), "shop.example").source
    return msgspec.structs.replace(event, url=stored_url(url), source=source, touch=UNTOUCHED)


def test_the_number_of_a_visitor_is_known_of_rows_of_before_and_of_new_ones(live: Client, clickhouse_url: str) -> None:
    store(live, traffic(11, 60), batch=60)
    live.command("ALTER TABLE sessions DROP COLUMN number", settings={"mutations_sync": 2})
    live.command("DELETE FROM migrations WHERE number = 50")
    assert migrate(clickhouse_url) == ["0050_sessions_number"]
    assert list(verify(live, wait_seconds=1)) == []
    live.command("INSERT INTO sessions SELECT * REPLACE (concat('fe', substring(visitor, 3)) AS visitor) FROM sessions")
    for merged in (False, True):
        if merged:
            live.command("OPTIMIZE TABLE sessions FINAL")
        rows = live.rows("SELECT DISTINCT visitor, number FROM sessions")
        assert {row["visitor"][:2] for row in rows} == {"00", "fe"}
        assert all(row["number"].to_bytes(8, "little").hex() == row["visitor"] for row in rows)
