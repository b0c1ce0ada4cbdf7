"""Clients as users generate them, from the document that a live stack serves, read what the stack answers.

Both programs are checked by their language's types first: an answer nobody could type would not pass.
"""

import inspect
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.deploy.stack import Stack

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PACKAGE = "throughline_client"
EVENTS: list[dict[str, Any]] = [
    {"type": "pageview", "url": "/?utm_source=news&utm_campaign=May", "scroll": 60},
    {"type": "add", "url": "/shop", "data": {"size": "m", "of": {"colour": "red"}}},
    {"type": "buy", "url": "/shop", "revenue": {"amount": "19.90", "currency": "EUR", "transaction": "o-1"}},
]

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("clients") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def asked(stack: Stack) -> list[str]:
    """A site with a visitor's session; its id, the visitor's, and a range around it as `str` of a datetime."""
    site = stack.site("clients.example")
    settings = {"settings": {"revenue": {"currency": "EUR", "type": "buy"}}}
    assert stack.request("PATCH", f"/api/sites/{site['id']}", settings).status == 200
    body = [
        {**event, "url": f"https://clients.example{event['url']}", "site": site["tracking_id"], "visitor": "v"}
        for event in EVENTS
    ]
    end = time.monotonic() + 30
    while stack.request("POST", "/e", body, key="").status == 404:  # ingest has not heard of the site yet
        assert time.monotonic() < end
        time.sleep(0.2)
    listed = stack.wait_for(f"/api/sites/{site['id']}/visitors", lambda answer: answer["visitors"])
    now = datetime.now(timezone(timedelta(hours=5, minutes=45)))
    return [site["id"], listed["visitors"][0]["id"], str(now - timedelta(hours=3)), str(now + timedelta(hours=3))]


def expected(stack: Stack, site: str, visitor: str, from_: str, to: str) -> dict[str, Any]:
    """What the same questions answer without a client."""

    def of(name: str, **more: Any) -> Any:
        return stack.get(f"/api/sites/{site}/analytics/{name}?{urlencode({'from': from_, 'to': to, **more}, True)}")

    sessions = stack.get(f"/api/visitors/{visitor}/sessions")
    return {
        "sites": stack.get("/api/sites"),
        "site": stack.get(f"/api/sites/{site}"),
        "dashboard": of("dashboard"),
        "revenue": of("revenue"),
        "friction": of("friction"),
        "scroll_depth": of("scroll-depth", limit=5),
        "engagement_funnel": of("engagement-funnel"),
        "reach": of("reach", metric="event", value="buy"),
        "custom_event_types": of("custom-event-types"),
        "custom_event_funnel": of("custom-event-funnel", **{"steps[0]": "add", "steps[1]": "buy"}),
        "event_data_keys": stack.get(f"/api/sites/{site}/analytics/event-data-keys?type=add"),
        "visitors": stack.get(f"/api/sites/{site}/visitors"),
        "visitor_sessions": sessions,
        "session_events": stack.get(f"/api/visitors/{visitor}/sessions/{sessions['sessions'][0]['id']}/events"),
    }


def compare(stack: Stack, asked: list[str], printed: str) -> None:
    found, want = json.loads(printed), expected(stack, *asked)
    for answers in (found["answers"], want):
        del answers["dashboard"]["fresh_as_of"]  # moves on
    assert found["answers"] == want
    assert want["revenue"]["summary"]["total_revenue"] == 19.9
    assert found["total"] == 1
    assert found["buckets"] == len(want["dashboard"]["sessions_over_time"])


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def document(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(stack.request("GET", "/api/openapi.json", key="").body)
    return path


@pytest.fixture(scope="module")
def package(document: Path) -> Path:
    """The folder in which the generated Python package lies."""
    config = document.with_name("generator.yaml")
    config.write_text("post_hooks: []\n")
    flags: list[str | Path] = ["--meta", "none", "--output-path", document.with_name(PACKAGE), "--config", config]
    run(sys.executable, "-m", "openapi_python_client", "generate", "--path", document, *flags)
    return document.parent


def test_a_generated_python_client(stack: Stack, asked: list[str], package: Path) -> None:
    paths = {"PYTHONPATH": str(package), "MYPYPATH": str(package)}
    run(sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, HERE / "ask.py", env=paths)
    token = stack.first_run["api_key"]
    printed = run(sys.executable, HERE / "ask.py", stack.url, token, *asked, env=paths)
    compare(stack, asked, printed)
    assert json.loads(printed)["param"] == "value"


def test_no_parameter_of_the_generated_python_client_may_be_anything(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    for path in sorted((package / PACKAGE / "api").glob("*/*.py")):
        if path.stem == "__init__":
            continue
        module = import_module(f"{PACKAGE}.api.{path.parent.name}.{path.stem}")
        for name, parameter in inspect.signature(module.sync_detailed).parameters.items():
            assert "Any" not in str(parameter.annotation), (path.stem, name)


def test_a_generated_typescript_client(stack: Stack, asked: list[str], document: Path, tmp_path: Path) -> None:
    if not MODULES.is_dir():
        pytest.skip("tests/clients/node_modules is missing (make setup)")
    node = Path(sys.executable).with_name("node")
    for name in ("ask.ts", "tsconfig.json", "package.json"):
        (tmp_path / name).write_bytes((HERE / name).read_bytes())
    (tmp_path / "node_modules").symlink_to(MODULES)
    run(node, MODULES / "openapi-typescript/bin/cli.js", document, "-o", tmp_path / "throughline.ts")
    run(node, MODULES / "typescript/bin/tsc", "-p", tmp_path)
    printed = run(node, tmp_path / "ask.ts", stack.url, stack.first_run["api_key"], *asked)
    compare(stack, asked, printed)
    assert json.loads(printed)["param"] == "from"


def test_the_range_was_one_that_a_client_may_send(asked: list[str]) -> None:
    assert " " in asked[2] and "+05:45" in asked[2]
    assert datetime.fromisoformat(asked[2]) < datetime.now(UTC) < datetime.fromisoformat(asked[3])
