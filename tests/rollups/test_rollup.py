"""Rollup files: what a header may say, and that a change of what the table would hold changes the definition."""

from dataclasses import replace

import pytest

from rollups.ends import Ragged
from rollups.read import expand
from rollups.rollup import load, parse
from rollups.selection import Filter, select
from tests.rollups.make import COUNTRY, ROLLUPS

SELECT = "SELECT site, start AS time, 1 AS n FROM {source}"


def test_a_header_is_read_field_by_field() -> None:
    text = (
        "-- What it says.\n-- source: sessions   (sessions | events)\n-- grain: day\n-- reach: element\n"
        "-- key: source, campaign\n-- sum: a, b\n-- min: c\n-- max: d\n" + SELECT
    )
    made = parse("x", text)
    assert (made.source, made.grain_ms, made.element) == ("sessions", 86_400_000, True)
    assert made.key == ("source", "campaign")
    assert made.measures == {"a": "sum", "b": "sum", "c": "min", "d": "max"}
    assert made.columns == ("site", "time", "source", "campaign", "a", "b", "c", "d")
    assert made.facts == SELECT


EDGE = "\n-- edge few: n, m\nSELECT 1 AS n, 2 AS m\nFROM {source}\nWHERE sign > 0"


def test_an_edge_is_no_part_of_what_the_table_holds() -> None:
    header = "-- source: sessions\n-- grain: day\n-- sum: n\n"
    made, plain = parse("x", header + SELECT + EDGE), parse("x", header + SELECT)
    assert made.edges["few"].columns == ("n", "m")
    assert (made.facts, made.definition) == (plain.facts, plain.definition)
    cut = made.exact(edge="few")
    assert "SELECT n, m FROM x WHERE" in cut and "FROM (SELECT * FROM sessions WHERE site =" in cut
    assert "UNION ALL" not in made.exact(Ragged(True, True, whole=False), "few")
    with pytest.raises(ValueError, match="source"):
        parse("x", header + SELECT + EDGE.replace("{source}", "sessions"))


def test_the_key_is_the_order_of_the_table() -> None:
    header = "-- source: sessions\n-- grain: day\n-- sum: n\n-- key: "
    assert parse("x", header + "kind, time, value\n" + SELECT).columns == ("site", "kind", "time", "value", "n")
    assert parse("x", header + "kind\n" + SELECT).columns == ("site", "time", "kind", "n")


def test_a_batch_pays_for_few_views() -> None:
    """Each costs every insert some 7 ms of processor, however small it is."""
    made = load().values()
    assert sum(each.source == "sessions" for each in made) <= 5
    assert sum(each.source == "events" for each in made) <= 2


@pytest.mark.parametrize(
    ("filters", "from_table"),
    [
        ([Filter("source", "==", ("google",)), Filter("campaign", "!~", ("s*",))], True),
        ([Filter("source", "==", ("google",)), Filter("device", "==", ("Phone",))], False),
        ([Filter("page", "==", ("/",))], False),
        ([Filter("goal", "==", ("Paid",))], False),
    ],
)
def test_of_what_its_rows_name_a_rollup_is_asked(filters: list[Filter], from_table: bool) -> None:
    """Sessions are read only for what no row of the rollup tells; "named" has kinds that name no source."""
    whole = {86_400_000: Ragged(False, False)}
    chosen = select(filters)
    for edge in ("bucket", "page", "event", "reached", "named"):
        sql = expand(f"{{rollup:trait.{edge}}}", load(), whole, chosen)
        of_sessions = not from_table or edge == "named"
        assert ("FROM sessions" in sql) == of_sessions and chosen.condition in sql


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("-- grain: day\n-- sum: n\n" + SELECT, "source"),
        ("-- source: people\n-- grain: day\n-- sum: n\n" + SELECT, "people"),
        ("-- source: events\n-- grain: week\n-- sum: n\n" + SELECT, "week"),
        ("-- source: events\n-- grain: day\n-- reach: far\n-- sum: n\n" + SELECT, "far"),
        ("-- source: events\n-- grain: day\n" + SELECT, "measure"),
        ("-- source: events\n-- grain: day\n-- sum: n\nSELECT 1 FROM events", "source"),
    ],
)
def test_a_header_that_is_none_is_refused_by_name(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        parse("mine", wrong)
    assert "mine" in str(refused.value)


def test_a_definition_ignores_layout_and_nothing_else() -> None:
    same = replace(COUNTRY, facts=COUNTRY.facts.replace(" FROM", "\n  FROM"))
    assert same.definition == COUNTRY.definition
    for other in (
        replace(COUNTRY, facts=COUNTRY.facts + " WHERE sign > 0"),
        replace(COUNTRY, key=()),
        replace(COUNTRY, measures={"sessions": "max"}),
        replace(COUNTRY, grain_ms=900_000),
    ):
        assert other.definition != COUNTRY.definition


def test_the_names_in_query_files_are_rollups_of_the_folder() -> None:
    with pytest.raises(KeyError, match="nobody"):
        expand("SELECT * FROM {rollup:nobody}", ROLLUPS)
    assert "trait" in load()
