"""Stand-ins for what ingest talks to: a log that remembers, a Redis with the few commands ingest uses, a client."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

import httpx
from prometheus_client import CollectorRegistry
from redis.exceptions import ConnectionError as RedisConnectionError
from starlette.applications import Starlette

from ingest.app import Ingest
from ingest.contract.event import Event, Filtered, Logged, decode
from ingest.contract.site import Site, SiteSettings
from ingest.contract.snapshot import KEY, Poster, Snapshot
from ingest.log.protocol import LogUnavailable
from tests.log.fake import FakeLog

NOW = 1_764_000_000_000
TRACKING_ID = "site_aaaaaaaaaaaaaaaa"
ADDRESS = "203.0.113.9"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
UNAVAILABLE = LogUnavailable("no broker", retry_after=3)

T = TypeVar("T")


def a_site(id_: str = "shop01", tracking_id: str = TRACKING_ID, settings: Any = None, **fields: Any) -> Site:
    fields = {"domain": "example.com", "revision": 7, **fields}
    return Site(
        id=id_,
        account="a1",
        name="Shop",
        tracking_id=tracking_id,
        secret="s3cret",
        settings=SiteSettings.model_validate(settings or {}),
        **fields,
    )


def an_event(**fields: Any) -> dict[str, Any]:
    return {"site": TRACKING_ID, "type": "pageview", "url": "https://example.com/", "visitor": "v1", **fields}


class FakeProducer:
    """Keeps what was appended; `broken` fails every append, `gate` holds appends back until it is set."""

    def __init__(self, partitions: int = 4, log: FakeLog | None = None) -> None:
        self.log = log or FakeLog({number: [] for number in range(partitions)})
        self.partitions = len(self.log.records)
        self.records: list[tuple[int, bytes]] = []
        self.broken: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.ailment: str | None = None
        self.started = self.closed = self.succeeded = False
        self.following: FakeProducer | None = None

    def successor(self) -> "FakeProducer":
        assert self.following is not None
        return self.following

    async def start(self) -> None:
        if self.broken:
            raise self.broken
        self.started = True

    async def append(self, partition: int, value: bytes) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise self.broken
        if self.closed:
            raise LogUnavailable("the log is closed")
        self.log.append(partition, value)
        self.records.append((partition, value))

    async def write(self, records: Sequence[tuple[int, bytes]]) -> Sequence[LogUnavailable | None]:
        outcomes: list[LogUnavailable | None] = []
        for partition, value in records:
            try:
                await self.append(partition, value)
                outcomes.append(None)
            except LogUnavailable as unavailable:
                outcomes.append(unavailable)
        return outcomes

    async def holds(self) -> bool:
        return True

    async def close(self) -> None:
        self.closed = True

    @property
    def lines(self) -> list[Logged]:
        return [decode(line) for _, value in self.records for line in value.splitlines()]

    @property
    def events(self) -> list[Event]:
        return [line for line in self.lines if isinstance(line, Event)]

    @property
    def reasons(self) -> list[str]:
        return [line.reason for line in self.lines if isinstance(line, Filtered)]


@dataclass
class FakeRedis:
    """Hashes and strings with the answers of a real Redis; `away` makes every command fail."""

    hashes: dict[str, dict[str, bytes]] = field(default_factory=dict)
    strings: dict[str, bytes] = field(default_factory=dict)
    expires: dict[str, int] = field(default_factory=dict)
    away: bool = False
    calls: int = 0
    posters: dict[str, Poster] = field(default_factory=dict)
    subscribed: list["asyncio.Queue[dict[str, Any]]"] = field(default_factory=list)

    def publish(self, *sites: Site, version: int = 1) -> None:
        held = Snapshot(version, sites, self.posters)
        posters = held.encode_posters()
        self.hashes[KEY] = {"version": str(version).encode(), "body": held.encode(), "posters": posters}
        for told in self.subscribed:
            told.put_nowait({"type": "message", "data": version})

    def _called(self) -> None:
        self.calls += 1
        if self.away:
            raise RedisConnectionError("away")

    async def hget(self, key: str, name: str) -> bytes | None:
        self._called()
        return self.hashes.get(key, {}).get(name)

    async def hmget(self, key: str, names: list[str]) -> list[bytes | None]:
        self._called()
        return [self.hashes.get(key, {}).get(name) for name in names]

    async def hset(self, key: str, name: str, value: str) -> int:
        self._called()
        self.hashes.setdefault(key, {})[name] = value.encode()
        return 1

    async def get(self, key: str) -> bytes | None:
        self._called()
        return self.strings.get(key)

    async def exists(self, *keys: str) -> int:
        self._called()
        return len(self.strings.keys() & set(keys))

    async def info(self, section: str) -> dict[str, int]:
        self._called()
        return {"aof_enabled": 0}

    def pipeline(self, transaction: bool = True) -> "FakePipeline":
        return FakePipeline(self, [])

    def answer(self, command: tuple[Any, ...]) -> Any:
        self._called()
        if command[0] == "get":
            return self.strings.get(command[1])
        _, key, value, nx, pxat = command
        if nx and key in self.strings:
            return None
        self.strings[key] = value
        self.expires[key] = pxat
        return True

    def subscribe(self, told: "asyncio.Queue[dict[str, Any]]") -> None:
        self._called()
        self.subscribed.append(told)

    def pubsub(self, ignore_subscribe_messages: bool) -> "FakeChannel":
        return FakeChannel(self)


@dataclass
class FakeChannel:
    redis: FakeRedis
    told: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)

    async def __aenter__(self) -> "FakeChannel":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def subscribe(self, channel: str) -> None:
        self.redis.subscribe(self.told)

    async def get_message(self, timeout: float) -> dict[str, Any] | None:
        try:
            return await asyncio.wait_for(self.told.get(), timeout)
        except TimeoutError:
            return None


@dataclass
class FakePipeline:
    redis: FakeRedis
    commands: list[tuple[Any, ...]]

    async def __aenter__(self) -> "FakePipeline":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def set(self, key: str, value: bytes, nx: bool, pxat: int) -> None:
        self.commands.append(("set", key, value, nx, pxat))

    def get(self, key: str) -> None:
        self.commands.append(("get", key))

    async def execute(self) -> list[Any]:
        commands, self.commands = self.commands, []
        return [self.redis.answer(command) for command in commands]


class Stand:
    """An ingest on its fakes, with a client in front of it; its loop runs only while something is asked of it."""

    def __init__(
        self,
        *sites: Site,
        peer: str = ADDRESS,
        producer: FakeProducer | None = None,
        redis: FakeRedis | None = None,
        **options: Any,
    ) -> None:
        self.producer = producer or FakeProducer()
        if redis is None:
            redis = FakeRedis()
            redis.publish(*(sites or (a_site(),)))
        self.redis = redis
        self.now = NOW
        self.registry = CollectorRegistry()
        self.ingest = Ingest(
            self.producer,
            redis,  # type: ignore[arg-type]
            lambda: self.now,
            self.registry,
            **options,
        )
        self.endpoint = self.ingest.endpoint
        app = Starlette(routes=self.ingest.routes)
        self._runner = asyncio.Runner()
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(peer, 4711)), base_url="http://stats.test", headers={}
        )

    def __enter__(self) -> "Stand":
        self.run(self.ingest.start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.run(self.client.aclose())
        self.run(self.ingest.close())
        self._runner.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def post(self, content: Any, **headers: str) -> httpx.Response:
        return self.run(self.posting(content, **headers))

    async def posting(self, content: Any, **headers: str) -> httpx.Response:
        named = {"user-agent": FIREFOX, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if isinstance(content, dict | list):
            return await self.client.post("/e", json=content, headers=named)
        return await self.client.post("/e", content=content, headers=named)

    def get(self, path: str, **headers: str) -> httpx.Response:
        named = {"user-agent": FIREFOX, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.run(self.client.get(path, headers=named))

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)
