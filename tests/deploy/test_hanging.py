"""A ClickHouse that hangs under a running system: what goes on, what is said, and that every process can be stopped."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from api.registry.change import create_account, create_key, create_site
from api.registry.store import Registry
from ingest.contract.site import Site
from rollups.client import Client, connect
from tests.deploy.prepared import prepared
from tests.deploy.stack import Answer, Stack, gone, throughline
from tests.services.gate import PASS, SHUT, SWALLOW, Gate
from tests.services.process import free_port, start
from tests.services.schema import migrated

pytestmark = pytest.mark.services

PASSWORD = "correct horse battery"
STOP_SECONDS = 10.0
BUSY = 10.0  # more, on a machine that does much else


def pageview(site: str, domain: str, number: int) -> dict[str, object]:
    return {
        "site": site,
        "type": "pageview",
        "id": f"e{number}",
        "visitor": f"v{number % 9}",
        "url": f"https://{domain}/",
    }


def until(met: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.1)


class Asking(threading.Thread):
    """A request that may hang; `answer` is None until it ends."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        super().__init__(daemon=True)
        self._ask = ask
        self.answer: Answer | None = None
        self.start()

    def run(self) -> None:
        with suppress(OSError, http.client.HTTPException):
            self.answer = self._ask()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_stopped_clickhouse_holds_up_only_questions(tmp_path: Path) -> None:
    with Stack(prepared(tmp_path / "data")) as stack:
        site = stack.site("hangs.example")
        path = f"/api/sites/{site['id']}/analytics/dashboard"

        def post(number: int) -> int:
            return stack.request("POST", "/e", pageview(site["tracking_id"], site["domain"], number), key="").status

        assert post(0) == 202
        stack.wait_for(path, lambda answer: answer["pageviews"] == 1)
        with stopped(stack.parts()["clickhouse"]):
            questions = [Asking(lambda: stack.request("GET", path)) for _ in range(64)]
            time.sleep(0.5)
            took = []
            for number in range(1, 41):
                begun = time.monotonic()
                assert stack.request("GET", "/api/sites/zzzzzzzz/analytics/dashboard").status == 403
                took.append(time.monotonic() - begun)
                assert post(number) == 202
            assert stack.request("POST", "/e", pageview("site_unknown", "x", 0), key="").status == 404
            assert stack.request("GET", "/t.js", key="").status == stack.request("GET", "/login", key="").status == 200
            assert min(took) < 0.5
            assert sum(each.is_alive() for each in questions) > 32
            until(lambda: stack.request("GET", "/health", key="").status == 503)
            health = stack.request("GET", "/health", key="").json()["parts"]
            assert health["api registry"] == "ClickHouse cannot be used"
            for each in questions:
                each.join(10 + BUSY)
                assert each.answer is not None and each.answer.status == 503 and each.answer.headers["retry-after"]
        until(lambda: stack.request("GET", path).status == 200)
        stack.wait_for(path, lambda answer: answer["pageviews"] >= 41)
        until(lambda: stack.request("GET", "/health", key="").status == 200)
        assert stack.get(path)["pageviews"] == 41

        parts = stack.parts()
        with stopped(parts["clickhouse"]):
            assert [post(number) for number in range(41, 61)] == [202] * 20
            time.sleep(2.0)  # the worker has a batch in hand
            begun = time.monotonic()
            assert stack.stop() == 0
            assert time.monotonic() - begun < STOP_SECONDS + BUSY
            said = [line for line in stack.lines if "did not stop" in line]
            assert said == ["clickhouse did not stop within 2 s: killed"], "what waits for it ends by itself"
            assert all(gone(pid) for pid in parts.values())
        stack.start()
        stack.wait_for(path, lambda answer: answer["pageviews"] >= 61)
        assert stack.get(path)["pageviews"] == 61
        assert "no difference" in stack.command("verify")


class Service:
    """One service as a process of its own."""

    def __init__(self, folder: Path, name: str, **env: str) -> None:
        self.port = free_port()
        flags = ["--host", "127.0.0.1", "--metrics-port" if name == "worker" else "--port", str(self.port)]
        env = {f"THROUGHLINE_{key.upper()}": value for key, value in env.items()}
        command = [*throughline(), name, *flags, "--data", str(folder)]
        self.process = start(command, folder / f"{name}.log", env)

    def request(self, method: str, path: str, body: Any = None, key: str = "", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers |= {"Authorization": f"Bearer {key}"} if key else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def health(self) -> int:
        """The status of /health, 0 while nobody answers."""
        assert self.process.poll() is None
        try:
            return self.request("GET", "/health").status
        except OSError:
            return 0

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class World:
    """An account with a site on stores behind gates, and services that may be started on them."""

    folder: Path
    client: Client
    clickhouse: Gate
    redis: Gate
    addresses: dict[str, str]
    ending: ExitStack
    site: Site
    key: str

    def service(self, name: str) -> Service:
        made = Service(self.folder, name, **self.addresses)
        self.ending.callback(made.end)
        return made

    def well(self, name: str) -> Service:
        made = self.service(name)
        until(lambda: made.health() == 200)
        return made

    @property
    def path(self) -> str:
        return f"/api/sites/{self.site.id}/analytics/dashboard"


@pytest.fixture
def world(tmp_path: Path, clickhouse_url: str, redis_url: str) -> Iterator[World]:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    with ExitStack() as ending, Redis.from_url(redis_url) as redis:
        registry = Registry(client, redis, lambda: time.time_ns() // 1_000_000)
        registry.refresh()
        account = create_account(registry, "ann@example.com", PASSWORD)
        _, key = create_key(registry, account.id)
        site = create_site(registry, account.id, "x", "hangs.example")
        registry.publish()

        def gated(url: str) -> tuple[Gate, str]:
            place = urlsplit(url)
            gate = ending.enter_context(Gate(place.hostname or "", place.port or 0))
            return gate, url.replace(f":{place.port}/", f":{gate.port}/")

        (clickhouse, clickhouse_at), (redis_gate, redis_at) = gated(clickhouse_url), gated(redis_url)
        addresses = {"event_log": redis_at, "redis": redis_at, "clickhouse": clickhouse_at}
        yield World(tmp_path, client, clickhouse, redis_gate, addresses, ending, site, key)
    client.close()


def post(service: Service, site: Site, number: int) -> int:
    return service.request("POST", "/e", pageview(site.tracking_id, site.domain, number)).status


def all_end(services: list[Service]) -> None:
    """Every one of them ends by itself on SIGTERM, in time."""
    begun = time.monotonic()
    for each in services:
        each.process.terminate()
    for each in services:
        with suppress(subprocess.TimeoutExpired):
            each.process.wait(STOP_SECONDS + BUSY)
        assert each.process.returncode == 0, each.process.args
    assert time.monotonic() - begun < STOP_SECONDS + BUSY


@pytest.mark.parametrize("mode", [SWALLOW, SHUT])
def test_every_process_ends_on_sigterm_while_clickhouse_hangs(world: World, mode: str) -> None:
    ingest, api, worker = (world.well(name) for name in ("ingest", "api", "worker"))
    assert [post(ingest, world.site, number) for number in range(20)] == [202] * 20
    until(lambda: api.request("GET", world.path, key=world.key).json()["pageviews"] == 20)
    world.clickhouse.mode = mode
    assert [post(ingest, world.site, number) for number in range(20, 40)] == [202] * 20
    time.sleep(2.0)  # the worker has a batch in hand
    question = Asking(lambda: api.request("GET", world.path, key=world.key))
    time.sleep(0.5)
    all_end([ingest, api, worker])
    question.join(BUSY)
    assert question.answer is not None and question.answer.status == 503
    world.clickhouse.mode = PASS
    world.well("worker")
    counted = "SELECT count() AS rows, uniqExact(id) AS ids FROM events"
    until(lambda: world.client.rows(counted)[0]["ids"] >= 40)
    time.sleep(1.0)
    assert world.client.rows(counted) == [{"rows": 40, "ids": 40}]


def test_a_redis_that_hangs_makes_nobody_wait_for_long(world: World) -> None:
    ingest, api, worker = (world.well(name) for name in ("ingest", "api", "worker"))
    signed_in = api.request("POST", "/api/login", {"email": "ann@example.com", "password": PASSWORD})
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    assert post(ingest, world.site, 0) == 202
    until(lambda: api.request("GET", world.path, key=world.key).json()["pageviews"] == 1)
    world.redis.mode = SWALLOW
    asked = {
        "event": Asking(lambda: ingest.request("POST", "/e", pageview(world.site.tracking_id, world.site.domain, 1))),
        "unknown": Asking(lambda: ingest.request("POST", "/e", pageview("site_unknown", "hangs.example", 1))),
        "cookie": Asking(lambda: api.request("GET", "/api/me", cookie=cookie)),
        "login": Asking(lambda: api.request("POST", "/api/login", {"email": "a@b.c", "password": PASSWORD})),
        "change": Asking(lambda: api.request("POST", "/api/sites", {"name": "x", "domain": "y.example"}, world.key)),
        "key": Asking(lambda: api.request("GET", world.path, key=world.key)),
    }
    assert api.request("GET", "/api/sites/zzzzzzzz", key=world.key).status == 403
    assert api.request("GET", "/api/openapi.json").status == ingest.request("GET", "/t.js").status == 200
    begun = time.monotonic()
    for name, each in asked.items():
        each.join(10 + BUSY)
        assert each.answer is not None, name
        assert each.answer.status == (200 if name == "key" else 503), name
    assert time.monotonic() - begun < 10 + BUSY
    until(lambda: api.health() == ingest.health() == 503)
    starting = [world.service(name) for name in ("ingest", "api", "worker")]
    until(lambda: all(service.health() == 503 for service in starting))
    all_end([ingest, api, worker, *starting])
    world.redis.mode = PASS
    again = [world.well(name) for name in ("ingest", "api", "worker")]
    assert post(again[0], world.site, 2) == 202
    until(lambda: again[1].request("GET", world.path, key=world.key).json()["pageviews"] >= 2)
