"""The keys of events that were written before workers wrote them: the column's default says what workers would."""

import json

import pytest

from ingest.contract.data import leaf_keys
from ingest.contract.field import MAX_DATA_KEYS
from rollups import rollup
from rollups.client import Client
from rollups.engine import ONE_SERVER
from rollups.migrate import _apply, migrate
from rollups.write import Writer
from tests.rollups.make import ROLLUPS, T0, event

pytestmark = pytest.mark.services

LEVELS = 16  # that admission of then allowed below the first
TEXTS = [
    "",
    "[1]",
    '{"broken":',
    '{ "spaced" : { "a" : 1 } }',
    '{"a":{"b":1,"c":{}},"a.b":2,"n":null,"l":[{"x":1}],"e":{}}',
    '{"b":"{{{\\"","quo\\"te":"\\\\","é😀":{"ß":1.5}}',
    '{"a":' * (LEVELS + 1) + "1" + "}" * (LEVELS + 1),
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    json.dumps({"k" + "x" * 1_300: dict.fromkeys("abc", 0), "b": "{" * 2_650}),
    json.dumps({str(n): n for n in range(MAX_DATA_KEYS)}),
]
TOO_DEEP = '{"a":' * (LEVELS + 3) + "1" + "}" * (LEVELS + 3)


def test_rows_of_before_have_the_keys_that_a_worker_would_write(
    writer: Writer, client: Client, clickhouse_url: str
) -> None:
    client.command("ALTER TABLE events DROP COLUMN keys")
    texts = [*TEXTS, TOO_DEEP]
    columns: list[list[object]] = [["site01"] * len(texts), ["x"] * len(texts), [T0] * len(texts), [*texts]]
    types = ("String", "String", "DateTime64(3, 'UTC')", "String")
    client.insert("events", ("site", "type", "time", "data"), types, columns, {})
    _apply(client, [8], ONE_SERVER)
    found = client.rows("SELECT data, keys FROM events")
    expected = {text: set(leaf_keys(text)) for text in TEXTS} | {TOO_DEEP: {".".join("a" * (LEVELS + 1))}}
    assert {row["data"]: set(row["keys"]) for row in found} == expected

    migrate(clickhouse_url, rollups={**ROLLUPS, "data_key": rollup.load()["data_key"]})
    writer.insert_events("t", [event("new", data='{"new":1}', type="x", keys=("new",))])
    counted = client.rows("SELECT DISTINCT key FROM data_key")
    assert {row["key"] for row in counted} == set().union(*expected.values()) | {"new"}
