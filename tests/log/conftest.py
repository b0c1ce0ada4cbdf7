"""The logs: on real servers (the session's own for most tests, restartable ones for those that break them), and the
fake that other tests stand on."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import kafka
import pytest
import redis

from ingest.log.dead import DeadLetters
from ingest.log.dead_kafka import KafkaDeadLetters
from ingest.log.dead_redis import RedisDeadLetters
from ingest.log.kafka_consumer import KafkaConsumer
from ingest.log.kafka_producer import KafkaProducer
from ingest.log.protocol import Consumer, Producer
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from tests.ingest.fake import FakeProducer
from tests.log.fake import FakeConsumer, FakeDead, FakeLog
from tests.services.kafka import KafkaBroker
from tests.services.process import ServiceUnavailable
from tests.services.redis import RedisServer

LEASE_SECONDS = 3.0


@dataclass(frozen=True)
class Log:
    """One log of its own: how to make its producers and consumers, and to throw it away."""

    kind: str
    address: str
    topic: str
    producer: Callable[..., Producer]
    consumer: Callable[..., Consumer]
    dead: Callable[..., DeadLetters]
    delete: Callable[[], None]


def on_redis(url: str) -> Log:
    topic = f"events-{uuid.uuid4().hex[:8]}"

    def delete() -> None:
        with redis.Redis.from_url(url) as client:
            client.delete(*client.keys(f"throughline:{{{topic}*"))

    return Log(
        "redis",
        url,
        topic,
        partial(RedisProducer, url, topic=topic),
        partial(RedisConsumer, url, topic=topic, lease_seconds=LEASE_SECONDS),
        partial(RedisDeadLetters, url, topic=f"{topic}.dead"),
        delete,
    )


def on_kafka(bootstrap: str) -> Log:
    topic = f"events-{uuid.uuid4().hex[:8]}"

    def delete() -> None:
        admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)
        admin.delete_topics([topic])
        while topic in admin.list_topics():
            pass
        admin.close()

    return Log(
        "kafka",
        bootstrap,
        topic,
        partial(KafkaProducer, bootstrap, topic=topic),
        partial(KafkaConsumer, bootstrap, topic=topic, group=topic, session_seconds=LEASE_SECONDS),
        partial(KafkaDeadLetters, bootstrap, topic=f"{topic}.dead"),
        delete,
    )


def in_memory() -> Log:
    held, letters = FakeLog({partition: [] for partition in range(4)}), FakeDead()

    def consumer() -> Consumer:
        made = FakeConsumer(held)
        held.join(made)
        return made

    return Log("fake", "", "events", partial(FakeProducer, log=held), consumer, letters.limited, held.delete)


def made(kind: str, request: pytest.FixtureRequest) -> Log:
    """An empty log of four partitions, on the session's servers if it is real."""
    if kind == "fake":
        return in_memory()
    if kind == "redis":
        return on_redis(request.getfixturevalue("redis_url"))
    return on_kafka(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture(params=["redis", "kafka", "fake"])
def log(request: pytest.FixtureRequest) -> Log:
    return made(request.param, request)


@pytest.fixture(params=["redis", "kafka"])
def served(request: pytest.FixtureRequest) -> Log:
    """For members in processes of their own, which a fake has not."""
    return made(request.param, request)


@dataclass(frozen=True)
class Broken:
    """A log on a server that the test may kill."""

    log: Log
    server: Any


@pytest.fixture(scope="module")
def _fragile_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker for all tests that break one: starting it is what takes long."""
    broker = KafkaBroker(tmp_path_factory.mktemp("fragile"))
    yield broker
    broker.kill()


@pytest.fixture(params=["redis", "kafka"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broken]:
    """An empty log on a server that no other suite uses."""
    server: RedisServer | KafkaBroker
    server = RedisServer(tmp_path) if request.param == "redis" else request.getfixturevalue("_fragile_broker")
    try:
        if server.process is None:
            server.start()
    except ServiceUnavailable as why:
        pytest.skip(str(why))
    yield Broken(on_redis(server.url) if isinstance(server, RedisServer) else on_kafka(server.bootstrap), server)
    if isinstance(server, RedisServer):
        server.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, to be killed and started again."""
    server = RedisServer(tmp_path, maxmemory="64mb")
    try:
        server.start()
    except ServiceUnavailable as why:
        pytest.skip(str(why))
    yield server
    server.kill()
