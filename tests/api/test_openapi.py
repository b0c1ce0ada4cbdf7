"""The OpenAPI document says what the API does, all of it, and nothing else."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema_rs import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api import docs
from api.docs import html
from api.endpoints import ENDPOINTS
from api.openapi import document
from api.page import SECURITY
from rollups.write import Writer
from tests.api.answer import made
from tests.api.conftest import NOON, Served

EXAMPLES = 8  # an endpoint and kind of question
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = document(ENDPOINTS)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_endpoint_is_described_with_all_its_statuses() -> None:
    for endpoint in ENDPOINTS:
        operation = DOCUMENT["paths"][f"/api{endpoint.path}"][endpoint.method.lower()]
        assert set(operation["responses"]) == {str(status) for status in [endpoint.status, *endpoint.statuses]}
        assert ("security" in operation) == endpoint.public
        named = {each["name"] for each in operation.get("parameters", ())}
        assert named >= set(re.findall(r"\{(\w+)\}", endpoint.path))
    assert {"/e", "/e.gif", "/t.js", "/health", "/metrics"} <= set(DOCUMENT["paths"])


def test_names_are_unique_and_references_lead_somewhere() -> None:
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    schemas = DOCUMENT["components"]["schemas"]
    assert references(DOCUMENT) == {f"#/components/schemas/{name}" for name in schemas}
    assert not [name for name in schemas if "__" in name]


def test_the_page_names_every_operation_and_holds_nothing_that_runs() -> None:
    page = html(DOCUMENT)
    for path, methods in DOCUMENT["paths"].items():
        assert path in page
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    assert not re.search(r"""<script|style=|(href|src)="(https?:)?//|javascript:| on[a-z]+=""", page)
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def test_examples_are_what_the_schemas_say() -> None:
    """Answers that were recorded before a field came are recorded again: `python -m tests.api.record`."""
    operations = {
        each["operationId"]: (path, method, each)
        for path, methods in DOCUMENT["paths"].items()
        for method, each in methods.items()
    }
    for name, example in docs.EXAMPLES.items():
        path, method, operation = operations[name]
        assert example["method"] == method.upper()
        assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), example["path"])
        [(status, answer)] = [each for each in operation["responses"].items() if each[0].startswith("2")]
        if status == "204":
            assert example["answer"] is None
            continue
        schema = answer["content"]["application/json"]["schema"]
        root = {**schema, "components": closed(DOCUMENT["components"])}
        assert list(Draft202012Validator(root).iter_errors(example["answer"])) == [], name
    page = html(DOCUMENT)
    assert page.count("<summary>curl") == page.count("<summary>Python") == page.count("<summary>Answer")
    assert page.count("<summary>curl") == len(docs.EXAMPLES)


def test_the_page_has_the_reader_s_theme() -> None:
    assert 'data-theme="dark"' in html(DOCUMENT, "dark")
    assert "data-theme" not in html(DOCUMENT)


@pytest.mark.services
def test_document_and_page_are_public_and_served_by_us(served: Served) -> None:
    answer = served.http.get("/api/openapi.json")
    assert answer.json() == DOCUMENT
    page = served.http.get("/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for answer in (page, served.http.get("/api/docs.css")):
        assert {name.lower() for name in SECURITY} <= set(answer.headers)
        assert "unsafe" not in answer.headers["content-security-policy"]
        again = served.http.get(str(answer.url.path), headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def closed(schema: Any) -> Any:
    """The schema with every object closed, so that a field that is not documented is found."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    every = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **every} if "properties" in schema else every


def some_traffic(served: Served) -> dict[str, str]:
    """One session that every list has something of; returns the ids that paths name."""
    site, start, visitor = served.anna.site.id, NOON - 3_600_000, "0123456789abcdef"
    row = made.session(
        visitor,
        start,
        site=site,
        session="fedcba9876543210",
        end=start + 60_000,
        events=2,
        pv_depth=(7_500,),
        ev_type=("purchase",),
        ev_time=(start + 60_000,),
        ev_seq=(0,),
        tx_transaction=("o-1",),
        tx_time=(start + 60_000,),
        tx_seq=(0,),
        tx_event=("e-2",),
        tx_type=("purchase",),
        tx_amount=(199_000,),
        tx_currency=("EUR",),
    )
    events = [
        made.event(visitor, "pageview", start, site=site),
        made.event(visitor, "purchase", start + 60_000, site=site, data='{"a":{"b":[1]}}', amount=199_000),
    ]
    writer = Writer(served.client)
    writer.insert_events(f"openapi/{site}", events)
    writer.insert_sessions(f"openapi/{site}", [row])
    writer.mark("openapi", 0, NOON, NOON + 1, NOON, {})
    return {"site_id": site, "visitor_id": f"{site}-{visitor}", "session_id": row.session}


@pytest.mark.services
@pytest.mark.filterwarnings("default")  # of the tools of this one test
def test_generated_questions_find_no_undocumented_answer(served: Served) -> None:
    import schemathesis

    served = served.with_new_tenants()
    ids = some_traffic(served)
    euro = {"settings": {"revenue": {"currency": "EUR"}, "timezone": "Asia/Kathmandu"}}
    assert served.send("PATCH", f"/api/sites/{ids['site_id']}", euro).status_code == 200
    schema = schemathesis.openapi.from_dict(
        closed({**DOCUMENT, "paths": {path: item for path, item in DOCUMENT["paths"].items() if "/api/" in path}})
    )
    statuses: Counter[int] = Counter()
    for endpoint in ENDPOINTS:
        operation = schema[f"/api{endpoint.path}"][endpoint.method]
        for mode in schemathesis.GenerationMode:
            own = {name: value for name, value in ids.items() if f"{{{name}}}" in endpoint.path}
            drawn = operation.as_strategy(
                generation_mode=mode, path_parameters=None if endpoint.method == "DELETE" else own or None
            )
            ask_all(served, drawn, statuses)
    # Each kind of answer was met, or the questions were not worth asking.
    assert {200, 201, 400, 401, 403, 404} <= set(statuses), statuses


def ask_all(served: Served, drawn: Any, statuses: "Counter[int]") -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn)
    def ask(case: Any) -> None:
        if served.api.pulse.silence() > 1:
            served.learn()  # as a running one does every second: it hears ClickHouse
        sent = case.as_transport_kwargs(base_url="http://stats.example")
        if sum(statuses.values()) % 8:  # else with the credentials that were drawn
            sent["headers"].update(served.anna.headers)
        body = sent.get("data") or (json.dumps(sent["json"]).encode() if "json" in sent else None)
        headers = [(name.encode(), str(value).encode("utf-8")) for name, value in sent["headers"].items()]
        answer = served.http.request(
            sent["method"], sent["url"], params=sent["params"] or None, headers=headers, content=body
        )
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    ask()
