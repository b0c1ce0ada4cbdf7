"""The API on a real, migrated ClickHouse and a real Redis, driven in process, with two tenants that own a site each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher
from redis import Redis
from starlette.applications import Starlette

from api.app import Api
from api.registry import secret
from api.registry.account import Account
from api.registry.change import create_account, create_key, create_site
from api.registry.store import Registry
from ingest.contract.site import Site
from rollups.client import Client, connect
from tests.services.process import ServiceUnavailable
from tests.services.redis import LASTING, emptied
from tests.services.schema import migrated

PASSWORD = "correct horse battery"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOON = int(datetime(2025, 6, 15, 12, tzinfo=UTC).timestamp() * 1000)


@dataclass
class Clock:
    """A time that tests set; ms."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class Tenant:
    """An account with what it owns."""

    account: Account
    key: str
    site: Site

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Http:
    """A program without credentials of its own, whose requests go to the ASGI app on its event loop."""

    portal: BlockingPortal
    client: httpx.AsyncClient

    def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        answer = self.portal.call(partial(self.client.request, method, path, **how))
        self.client.cookies.clear()  # only what a test sends is sent
        return answer

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.request("GET", path, **how)

    def options(self, path: str, **how: Any) -> httpx.Response:
        return self.request("OPTIONS", path, **how)

    def post(self, path: str, **how: Any) -> httpx.Response:
        return self.request("POST", path, **how)


def in_process(portal: BlockingPortal, api: Api) -> Http:
    """What the API serves, without a socket."""
    transport = httpx.ASGITransport(Starlette(routes=api.routes), client=("203.0.113.7", 4711))
    return Http(portal, httpx.AsyncClient(transport=transport, base_url="http://stats.example"))


@dataclass
class Served:
    """The running API and two tenants."""

    http: Http
    api: Api
    client: Client
    redis: Redis
    registry: Registry  # another process's view of the same registry
    clock: Clock
    anna: Tenant
    bert: Tenant

    def get(self, path: str, params: Any = None, **headers: str) -> httpx.Response:
        """Ask as Anna."""
        return self.http.get(path, params=params, headers={**self.anna.headers, **headers})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Change something as Anna."""
        return self.http.request(method, path, json=body, headers={**self.anna.headers, **headers})

    @contextmanager
    def letting(self, *origins: str) -> Iterator[Http]:
        """The same API where pages of these origins may ask from a browser."""
        api = Api(self.client, self.redis, self.clock, origins=origins)
        self.http.portal.call(api.refresh)
        http = in_process(self.http.portal, api)
        yield http
        self.http.portal.call(http.client.aclose)

    def with_new_tenants(self) -> "Served":
        """The same API for a test that changes what its tenants own."""
        made = replace(self, anna=new_tenant(self.registry), bert=new_tenant(self.registry))
        made.learn()
        return made

    def learn(self) -> None:
        """What the loop does every second: take in what other processes wrote, publish the snapshot if it is lost."""
        self.http.portal.call(self.api.refresh)


_numbers = count(1)


def new_tenant(registry: Registry) -> Tenant:
    number = next(_numbers)
    account = create_account(registry, f"person{number}@example.com", PASSWORD)
    _, key = create_key(registry, account.id)
    return Tenant(account, key, create_site(registry, account.id, f"Site {number}", f"shop{number}.example"))


@pytest.fixture(autouse=True)
def _passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashed by the same function, but not at the cost that people's are: 0.1 s of CPU for each of hundreds."""
    if "dear_passwords" not in request.fixturenames:
        monkeypatch.setattr(secret, "_hasher", _CHEAP)


@pytest.fixture
def dear_passwords() -> None:
    """For what is asked of the hashing itself."""


@pytest.fixture(scope="session")
def _served(_clickhouse: Any, _redis: Any) -> Iterator[Served]:
    for service in (_clickhouse, _redis):
        if isinstance(service, ServiceUnavailable):
            pytest.skip(str(service))
    url = f"{_clickhouse.url}/test_api"
    migrated(url)
    client, redis, clock = connect(url), Redis.from_url(emptied(_redis.url, LASTING)), Clock()
    registry = Registry(client, redis, clock)
    registry.refresh()
    api = Api(client, redis, clock)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(secret, "_hasher", _CHEAP)
        anna, bert = new_tenant(registry), new_tenant(registry)
    with start_blocking_portal() as portal:
        http = in_process(portal, api)
        yield Served(http, api, client, redis, registry, clock, anna, bert)
        portal.call(http.client.aclose)
    redis.close()
    client.close()


@pytest.fixture
def served(_served: Served, clickhouse_url: str, redis_url: str) -> Served:
    """The API. All tests share its stores; the fixtures of urls are here to report on what it ran."""
    del clickhouse_url, redis_url
    _served.clock.now = NOON
    _served.learn()
    return _served
