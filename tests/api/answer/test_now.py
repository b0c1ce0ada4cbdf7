"""Who is on a site now, and values of data at keys with dots, on rows made by hand."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from api.answer.event_data_values import event_data_values
from api.answer.now import now
from api.filter import parse
from api.span import Span
from rollups.client import connect
from rollups.read import Reader
from rollups.selection import select
from rollups.write import Writer
from tests.api.answer import made
from tests.services.schema import migrated

pytestmark = pytest.mark.services
NOON = made.at("2025-06-15T12:00:00Z")
MINUTE = 60_000


@pytest.fixture
def writer(clickhouse_url: str) -> Iterator[Writer]:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    yield Writer(client)
    client.close()


def test_now_is_the_last_five_minutes(writer: Writer, clickhouse_url: str) -> None:
    def on(visitor: str, start: int, end: int, *pages: tuple[str, int], **more: object) -> object:
        paths, times = [page for page, _ in pages], [moment for _, moment in pages]
        return made.session(
            visitor,
            start,
            end=end,
            exit_page=paths[-1] if paths else None,
            pv_page=tuple(paths),
            pv_time=tuple(times),
            pv_depth=(-1,) * len(paths),
            pv_engaged_ms=(0,) * len(paths),
            **more,
        )

    reads = on("reads", NOON - 60 * MINUTE, NOON - MINUTE, ("/long", NOON - 60 * MINUTE), source="google")
    was = on("walks", NOON - 6 * MINUTE, NOON - 6 * MINUTE, ("/a", NOON - 6 * MINUTE), source="x")
    walks = on(
        "walks",
        NOON - 6 * MINUTE,
        NOON - 2 * MINUTE,
        ("/a", NOON - 6 * MINUTE),
        ("/b", NOON - 2 * MINUTE),
        source="x",
        version=2,
    )
    edge = on("edge", NOON - 5 * MINUTE, NOON - 5 * MINUTE, ("/a", NOON - 5 * MINUTE), source="google")
    gone = on("gone", NOON - 50 * MINUTE, NOON - 5 * MINUTE - 1, ("/a", NOON - 50 * MINUTE), source="google")
    api = on("api", NOON, NOON, source="direct", pageviews=0, ev_type=("call",), ev_time=(NOON,), ev_seq=(0,))
    writer.insert_sessions("one", [reads, was, edge, gone, api])  # type: ignore[list-item]
    writer.insert_sessions("two", [made.retracted(was), walks])  # type: ignore[arg-type, list-item]
    reader = Reader(connect(clickhouse_url))
    answer = now(reader, "s1", NOON)
    assert (answer.visitors, answer.pageviews, answer.as_of) == (4, 2, "2025-06-15T12:00:00.000Z")
    assert [(each.page, each.visitors) for each in answer.pages] == [("/a", 1), ("/b", 1), ("/long", 1)]
    assert [(each.source, each.visitors) for each in answer.sources] == [("google", 2), ("direct", 1), ("x", 1)]
    filtered = now(reader.selecting(select([parse("page=~/*"), parse("source!=google")])), "s1", NOON)
    assert (filtered.visitors, [each.page for each in filtered.pages]) == (1, ["/b"])
    assert now(reader, "s2", NOON).model_dump(exclude={"as_of"}) == {
        "visitors": 0,
        "pageviews": 0,
        "pages": [],
        "sources": [],
    }


@pytest.mark.parametrize(
    ("data", "key", "values"),
    [
        ('{"plan":"pro"}', "plan", ["pro"]),
        ('{"price":19.90}', "price", ["19.9"]),
        ('{"ok":true,"no":null}', "no", ["null"]),
        ('{"of":{"colour":"red"}}', "of.colour", ["red"]),
        ('{"of.colour":"red"}', "of.colour", ["red"]),
        ('{"a":{"b.c":"x"}}', "a.b.c", ["x"]),
        ('{"tags":["a","b",1,"a"]}', "tags", ["1", "a", "b"]),
        ('{"tags":[1,"1",true,"true",null,"null",1.50,"1.5"]}', "tags", ["1", "1.5", "null", "true"]),
        ('{"lines":[{"sku":"k"}]}', "lines", ['{"sku":"k"}']),
        ('{"none":[]}', "none", []),
        ('{"say":"\\"hi\\", [she] said"}', "say", ['"hi", [she] said']),
        ('{"empty":""}', "empty", [""]),
        ('{"ключ":"значение 😀"}', "ключ", ["значение 😀"]),
    ],
)
def test_values_at_a_key(writer: Writer, clickhouse_url: str, data: str, key: str, values: list[str]) -> None:
    writer.insert_events("one", [made.event("v", "buy", NOON, data=data)])
    writer.insert_sessions("one", [made.session("v", NOON)])
    span = Span(NOON - MINUTE, NOON + MINUTE, ZoneInfo("UTC"))
    answer = event_data_values(Reader(connect(clickhouse_url)), "s1", span, "buy", key, 1000)
    assert [row.value for row in answer.rows] == values
    assert {(row.count, row.sessions) for row in answer.rows} <= {(1, 1)}
