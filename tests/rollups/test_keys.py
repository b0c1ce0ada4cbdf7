"""The keys of events that were written before workers wrote them: the column's default says what workers would."""

import json

import pytest

from ingest.contract.data import leaf_keys
from ingest.contract.field import MAX_DATA_DEPTH, MAX_DATA_KEYS
from rollups import rollup
from rollups.client import Client
from rollups.engine import ONE_SERVER
from rollups.migrate import _apply, migrate
from rollups.write import Writer
from tests.rollups.make import ROLLUPS, T0, event

pytestmark = pytest.mark.services

TEXTS = [
    "",
    "[1]",
    '{"broken":',
    '{ "spaced" : { "a" : 1 } }',
    '{"a":{"b":1,"c":{}},"a.b":2,"n":null,"l":[{"x":1}],"e":{}}',
    '{"b":"{{{\\"","quo\\"te":"\\\\","é😀":{"ß":1.5}}',
    '{"a":' * (MAX_DATA_DEPTH + 1) + "1" + "}" * (MAX_DATA_DEPTH + 1),
    '{"a":' * (MAX_DATA_DEPTH + 3) + "1" + "}" * (MAX_DATA_DEPTH + 3),
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    json.dumps({"k" + "x" * 1_300: dict.fromkeys("abc", 0), "b": "{" * 2_650}),
    json.dumps({str(n): n for n in range(MAX_DATA_KEYS)}),
]


def test_rows_of_before_have_the_keys_that_a_worker_would_write(
    writer: Writer, client: Client, clickhouse_url: str
) -> None:
    client.command("ALTER TABLE events DROP COLUMN keys")
    columns: list[list[object]] = [["site01"] * len(TEXTS), ["x"] * len(TEXTS), [T0] * len(TEXTS), [*TEXTS]]
    types = ("String", "String", "DateTime64(3, 'UTC')", "String")
    client.insert("events", ("site", "type", "time", "data"), types, columns, {})
    _apply(client, [8], ONE_SERVER)
    found = client.rows("SELECT data, keys FROM events")
    assert {row["data"]: set(row["keys"]) for row in found} == {text: set(leaf_keys(text)) for text in TEXTS}

    migrate(clickhouse_url, rollups={**ROLLUPS, "data_key": rollup.load()["data_key"]})
    writer.insert_events("t", [event("new", data='{"new":1}', type="x", keys=("new",))])
    counted = client.rows("SELECT DISTINCT key FROM data_key")
    assert {row["key"] for row in counted} == {key for text in TEXTS for key in leaf_keys(text)} | {"new"}
