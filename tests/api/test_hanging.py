"""A ClickHouse that hangs in all its ways: questions end in time, and what needs none of it waits for nothing."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis

from api import serve
from api.app import Api
from api.pulse import SILENT_SECONDS
from rollups.client import connect
from tests.api.conftest import PASSWORD, Http, Served, in_process
from tests.services.gate import HANGING, PASS, SWALLOW, Gate

pytestmark = pytest.mark.services

SECONDS = 6.0  # a question's time in these tests
ENOUGH = 30.0


@dataclass
class Hanging:
    """The API of `served`, asking ClickHouse through a gate."""

    served: Served
    gate: Gate
    api: Api
    http: Http

    def ask(self, path: str, key: str | None = None) -> "Future[httpx.Response]":
        headers = {"Authorization": f"Bearer {self.served.anna.key if key is None else key}"}
        return self.http.portal.start_task_soon(partial(self.http.client.get, path, headers=headers))


@pytest.fixture
def hanging(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    monkeypatch.setattr(serve, "SECONDS", SECONDS)
    place = urlsplit(served.client.url)
    portal = served.http.portal
    with Gate(place.hostname or "", place.port or 0) as gate:
        url = place._replace(netloc=f"{place.username}:{place.password}@127.0.0.1:{gate.port}").geturl()
        with closing(connect(url)) as client, closing(Redis(connection_pool=served.redis.connection_pool)) as redis:
            api = Api(client, redis, served.clock)
            http = in_process(portal, api)
            portal.call(api.refresh)
            yield Hanging(served, gate, api, http)
            gate.mode = PASS
            portal.call(http.client.aclose)
            portal.call(api.close)


def dashboard(site: str) -> str:
    return f"/api/sites/{site}/analytics/dashboard"


@pytest.mark.parametrize("mode", HANGING)
def test_what_needs_no_clickhouse_waits_for_no_question(hanging: Hanging, mode: str) -> None:
    served, http = hanging.served, hanging.http
    own, foreign = served.anna.site.id, served.bert.site.id
    signed_in = http.post("/api/login", json={"email": served.anna.account.email, "password": PASSWORD})
    cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    hanging.gate.mode = mode
    begun = time.monotonic()
    questions = [hanging.ask(dashboard(own)) for _ in range(32)]
    questions += [hanging.ask(dashboard(foreign), served.bert.key) for _ in range(32)]  # so that no thread is free
    key = served.anna.headers
    quick: list[tuple[int, str, str, dict[str, Any]]] = [
        (403, "GET", dashboard(foreign), {"headers": key}),
        (404, "GET", "/api/nowhere", {"headers": key}),
        (405, "PUT", "/api/sites", {"headers": key}),
        (400, "GET", dashboard(own) + "?from=x", {"headers": key}),
        (400, "POST", "/api/sites", {"headers": key, "content": b"["}),
        (401, "GET", dashboard(own), {}),
        (401, "GET", dashboard(own), {"headers": {"Authorization": "Bearer sk_nobody"}}),
        (200, "GET", "/api/me", {"headers": key}),
        (200, "GET", "/api/me", {"headers": cookie}),
        (200, "GET", "/api/keys", {"headers": key}),
        (401, "POST", "/api/login", {"json": {"email": "nobody@example.com", "password": PASSWORD}}),
        (200, "GET", "/api/openapi.json", {}),
        (204, "POST", "/api/logout", {"headers": key}),
    ]
    for status, method, path, how in quick:
        assert http.request(method, path, **how).status_code == status, path
    assert not [each for each in questions if each.done()]
    for each in questions:
        answer = each.result(ENOUGH)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"]
    assert time.monotonic() - begun < SECONDS + ENOUGH / 2
    hanging.gate.mode = PASS
    served.http.portal.call(hanging.api.refresh)
    assert hanging.ask(dashboard(own)).result(ENOUGH).status_code == 200


def test_changes_end_in_time_too(hanging: Hanging) -> None:
    hanging.gate.mode = SWALLOW
    key = hanging.served.anna.headers
    begun = time.monotonic()
    answer = hanging.http.post("/api/sites", json={"name": "x", "domain": "hangs.example"}, headers=key)
    assert answer.status_code == 503
    assert time.monotonic() - begun < SECONDS + ENOUGH / 2


def test_one_accounts_questions_hold_up_nobody_elses(hanging: Hanging) -> None:
    served = hanging.served
    hanging.gate.swallowed = served.anna.site.id.encode()
    hers = [hanging.ask(dashboard(served.anna.site.id)) for _ in range(3 * serve.THREADS)]
    his = hanging.ask(dashboard(served.bert.site.id), served.bert.key).result(ENOUGH)
    assert his.status_code == 200
    assert not [each for each in hers if each.done()]
    assert {each.result(ENOUGH).status_code for each in hers} == {503}


def test_after_a_silence_nobody_is_made_to_wait(hanging: Hanging) -> None:
    served, asked = hanging.served, hanging.gate.asked
    hanging.api.pulse.heard_at -= SILENT_SECONDS
    answer = hanging.ask(dashboard(served.anna.site.id)).result(ENOUGH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "ClickHouse does not answer" in answer.json()["error"]["message"]
    assert hanging.ask(dashboard(served.bert.site.id)).result(ENOUGH).status_code == 403
    assert hanging.gate.asked == asked
    served.http.portal.call(hanging.api.refresh)
    assert hanging.ask(dashboard(served.anna.site.id)).result(ENOUGH).status_code == 200


def test_it_is_told_and_probed_while_it_hangs(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = hanging.served.http.portal
    hanging.gate.mode = SWALLOW
    before = hanging.api.pulse.silence()
    begun = time.monotonic()
    portal.call(hanging.api.refresh)
    assert time.monotonic() - begun < ENOUGH / 2
    assert hanging.api.pulse.silence() > before
    assert portal.call(hanging.api.health)["api registry"] == "ClickHouse cannot be used"
    hanging.gate.mode = PASS
    portal.call(hanging.api.refresh)
    assert portal.call(hanging.api.health)["api registry"] == "ok"


def test_a_stop_answers_what_hangs(hanging: Hanging) -> None:
    hanging.gate.mode = SWALLOW

    async def cancelled() -> httpx.Response:
        path, headers = dashboard(hanging.served.anna.site.id), hanging.served.anna.headers
        question = asyncio.ensure_future(hanging.http.client.get(path, headers=headers))
        await asyncio.sleep(0.5)
        question.cancel()
        return await question

    answer = hanging.http.portal.call(cancelled)
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "the service is stopping")
