"""The log is away for a while, and the brokers of a larger Kafka cluster die one after the other, under load.

Holds of docs/reliability.md: R4.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kafka
import pytest

from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site
from tests.services.kafka import KafkaBroker, cluster
from tests.services.process import ServiceUnavailable
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services

SEED = 20_261_205
PATIENCE_SECONDS = 5.0  # two are the promise; the machine may be busy, and the report says what it was
GROWTH_MB = 150  # of the web process; what waits for the log is bounded by 64 MB
ENV = {"THROUGHLINE_ADDRESS_RATE": "0"}


def memory_mb(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


@pytest.fixture(params=["redis", "kafka"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer | KafkaBroker]:
    """Where the log lies, and nothing else."""
    started: RedisServer | KafkaBroker = RedisServer(tmp_path) if request.param == "redis" else KafkaBroker(tmp_path)
    try:
        started.start()
    except ServiceUnavailable as why:
        pytest.skip(str(why))
    yield started
    started.kill()


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.nightly)])
def test_a_log_that_was_away(server: RedisServer | KafkaBroker, tmp_path: Path, seconds: float, tell: Tell) -> None:
    address = server.url if isinstance(server, RedisServer) else f"kafka://{server.bootstrap}/away"
    with Stack(prepared(tmp_path / "data"), "--workers", "2", "--event-log", address, env=ENV) as stack:
        with Load(stack, site(stack), SEED) as load:
            time.sleep(2)
            web = stack.parts()["web"]
            before = memory_mb(web)
            server.kill()
            time.sleep(seconds)
            assert load.refused > 0
            grown = memory_mb(web) - before
            server.start()
            load.wait_for(500)  # the log that is back takes them
        assert load.slowest < PATIENCE_SECONDS
        assert grown < GROWTH_MB
        must_equal(load)
    tell(f"seed {SEED}: {seconds} s away, {load.refused} refused, slowest {load.slowest:.1f} s, {grown} MB more")


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[list[KafkaBroker]]:
    try:
        started = cluster(tmp_path / "cluster")
    except ServiceUnavailable as why:
        pytest.skip(str(why))
    yield started
    for broker in started:
        broker.kill()


def leader(admin: Any, topic: str, partition: int) -> int:
    partitions = admin.describe_topics([topic])[0]["partitions"]
    return next(int(each["leader_id"]) for each in partitions if each["partition_index"] == partition)


def coordinator(admin: Any, group: str) -> int:
    """The node that leads the group's partition of the offsets, chosen by Java's hash of its name."""
    partitions = len(admin.describe_topics(["__consumer_offsets"])[0]["partitions"])
    hashed = 0
    for character in group:
        hashed = (31 * hashed + ord(character)) & 0xFFFFFFFF
    return leader(admin, "__consumer_offsets", (hashed & 0x7FFFFFFF) % partitions)


def whole(admin: Any, topic: str, size: int) -> bool:
    """Whether every replica is in sync: until then the next loss could be one too many."""
    partitions = (
        admin.describe_topics([topic])[0]["partitions"] + admin.describe_topics(["__consumer_offsets"])[0]["partitions"]
    )
    return all(len(each["isr_nodes"]) == size for each in partitions)


@pytest.mark.nightly
@pytest.mark.parametrize("rounds", [4])
def test_a_coordinator_and_a_leader_that_die(
    brokers: list[KafkaBroker], tmp_path: Path, rounds: int, tell: Tell
) -> None:
    """Three brokers, one dies at a time: the group's coordinator, then the leader of a partition, and again."""
    addresses = ",".join(broker.bootstrap for broker in brokers)
    admin = kafka.KafkaAdminClient(bootstrap_servers=addresses)
    died = []
    with Stack(
        prepared(tmp_path / "data"), "--workers", "2", "--event-log", f"kafka://{addresses}/moved", env=ENV
    ) as stack:
        with Load(stack, site(stack), SEED, pause=0.03) as load:
            time.sleep(3)
            for number in range(rounds):
                node = coordinator(admin, "throughline-moved") if number % 2 == 0 else leader(admin, "moved", number)
                [broker] = [each for each in brokers if each.node == node]
                acknowledged = len(load.acknowledged)
                broker.kill()
                began = time.monotonic()
                # The others notice after broker.session.timeout.ms, 9 s.
                while len(load.acknowledged) < acknowledged + 1_000:
                    assert time.monotonic() < began + 90, f"nothing is taken without broker {node}"
                    time.sleep(0.1)
                died.append((node, round(time.monotonic() - began, 1)))
                if number % 2 == 0:
                    assert coordinator(admin, "throughline-moved") != node
                broker.start()
                end = time.monotonic() + 120
                while not whole(admin, "moved", len(brokers)):
                    assert time.monotonic() < end, f"broker {node} does not come back"
                    time.sleep(0.5)
        admin.close()
        assert load.slowest < PATIENCE_SECONDS
        must_equal(load)
    answered = f"{len(load.acknowledged)} acknowledged, {load.refused} refused, slowest {load.slowest:.1f} s"
    tell(f"seed {SEED}: {answered}, node and seconds to 1,000 more events: {died}")
