"""The power goes under load, and again while the stack comes back: nothing acknowledged is lost, nothing counts twice.

Holds of docs/reliability.md: the power cut, on the Redis log and on a real Kafka whose log lies on the same disk.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Timer

import pytest

from tests.deploy.stack import Stack
from tests.faults.conftest import Tell
from tests.faults.ground import Disk
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site
from tests.services.kafka import KafkaBroker
from tests.services.process import ServiceUnavailable

pytestmark = pytest.mark.services


@dataclass
class Machine:
    """A stack with all that it stores on one disk."""

    disk: Disk
    broker: KafkaBroker | None
    stack: Stack = field(init=False)

    def __post_init__(self) -> None:
        flags = ["--workers", "2"]
        if self.broker is not None:
            flags += ["--event-log", f"kafka://{self.broker.bootstrap}/power"]
        self.stack = Stack(self.disk.path / "data", *flags, env={"THROUGHLINE_ADDRESS_RATE": "0"})

    def boot(self, port: int = 0) -> None:
        if self.broker is not None:
            self.broker.start()
        seen = len(self.stack.lines)
        self.stack.start(port)
        assert any(line.startswith("ready ") for line in self.stack.lines[seen:]), "\n".join(self.stack.lines[seen:])

    def cut(self) -> None:
        self.disk.cut()
        self._reap()

    def _reap(self) -> None:
        if self.stack.process is not None:
            self.stack.kill()
        if self.broker is not None:
            self.broker.kill()

    def boot_and_cut(self, port: int, seconds: float) -> None:
        """The power goes so long after the start of a boot."""
        cut = Timer(seconds, self.disk.cut)
        cut.start()
        with suppress(AssertionError, ServiceUnavailable, OSError):  # it went too early
            self.boot(port)
        cut.join()
        self._reap()


@pytest.fixture(params=["redis", "kafka"])
def machine(request: pytest.FixtureRequest, disk: Disk) -> Iterator[Machine]:
    """Not yet booted."""
    made = Machine(disk, KafkaBroker(disk.path / "broker") if request.param == "kafka" else None)
    yield made
    made.cut()


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_power_goes_and_goes_again(machine: Machine, seed: int, tell: Tell) -> None:
    random = Random(seed)
    stack = machine.stack
    machine.boot()
    with Load(stack, site(stack), seed, clients=4, batch=10, pause=0.03) as load:
        port = int(stack.url.rpartition(":")[2])
        time.sleep(random.uniform(15, 40))
        machine.cut()
        machine.boot_and_cut(port, random.uniform(0, 12))
        machine.boot(port)
        time.sleep(random.uniform(0, 10))
        machine.cut()
        machine.boot(port)
        time.sleep(5)
    must_equal(load)
    tell(f"seed {seed}: {len(load.acknowledged)} acknowledged, the power went three times, equal")


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("machine", ["redis"], indirect=True)
def test_the_power_goes_in_the_first_starts(machine: Machine, seed: int, tell: Tell) -> None:
    """Whatever they left, the next start makes a whole stack of it, and says how to sign in."""
    random = Random(seed)
    stack = machine.stack
    after = sorted(random.uniform(0.5, 12) for _ in range(4))
    for seconds in after:
        machine.boot_and_cut(0, seconds)
    machine.boot()
    with Load(stack, site(stack), seed, pause=0.03) as load:
        time.sleep(8)
    must_equal(load, least=200)
    tell(f"seed {seed}: cut {', '.join(f'{seconds:.1f}' for seconds in after)} s after the first starts, then equal")


@pytest.mark.parametrize("machine", ["redis"], indirect=True)
def test_the_power_goes_once(machine: Machine) -> None:
    stack = machine.stack
    machine.boot()
    with Load(stack, site(stack), 7, pause=0.05) as load:
        port = int(stack.url.rpartition(":")[2])
        time.sleep(8)
        machine.cut()
        machine.boot(port)
        time.sleep(1)
    must_equal(load, least=200)
