"""A disk that fills up under each store, slowly or at once: refused with a sentence, undamaged, and on by itself.

Holds of docs/reliability.md: R17, and of R29 that a full disk damages nothing that is acknowledged.
"""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from tests.deploy.stack import Stack
from tests.faults import ground
from tests.faults.filler import MB, Filler
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site
from tests.services.kafka import KafkaBroker

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("shaking")]

SIZE = "200m"
SEEDS = (1, 2, 3, 4, 5)


class Broker:
    """A broker on the small disk, started again by whoever runs it when it has ended and there is room."""

    def __init__(self, folder: Path) -> None:
        self.broker = KafkaBroker(folder)
        self.broker.start()

    def revive(self) -> None:
        process = self.broker.process
        if process is None or process.poll() is not None:
            self.broker.start()


@contextmanager
def bound(place: Path, disk: Path) -> Iterator[None]:
    """The folder `place` on that disk."""
    place.mkdir(parents=True, exist_ok=True)
    ground.run("mount", "--bind", disk, place)
    try:
        yield
    finally:
        ground.kill_all(place)
        ground.unmount(place)


@contextmanager
def running(store: str, log: str, tmp_path: Path, kafka: str) -> Iterator[tuple[Stack, Filler, Broker | None]]:
    """Two workers; `store` on a small disk of its own ("all": everything), the events on `log`."""
    with ExitStack() as stack:
        disk = stack.enter_context(ground.small(SIZE))
        data, broker, flags, env = tmp_path / "data", None, ["--workers", "2"], {"THROUGHLINE_ADDRESS_RATE": "0"}
        if store == "all":
            data = disk / "data"
        elif store != "kafka":
            data.mkdir(mode=0o700)
            (disk / store).mkdir(mode=0o700)
            stack.enter_context(bound(data / store, disk / store))
        if store == "kafka" or (log == "kafka" and store == "all"):
            broker = Broker(disk / "broker")
            stack.callback(broker.broker.stop)
            kafka, env["THROUGHLINE_DISKS"] = broker.broker.bootstrap, str(disk / "broker")
        if log == "kafka":
            flags += ["--event-log", f"kafka://{kafka}/disk-{time.time_ns()}"]
        yield stack.enter_context(Stack(data, *flags, env=env)), Filler(disk), broker


def answer(load: Load, number: int) -> tuple[int, str, str]:
    """Status, errors and Retry-After of one more event; 0 when nobody answers."""
    event = load.event(Random(number), f"probe-{number}")
    load.posted[event["id"]] = event
    try:
        got = load.stack.request("POST", "/e", [event], key="")
    except (OSError, http.client.HTTPException):
        return 0, "", ""
    if got.status == 202:
        load.acknowledged.add(event["id"])
    return got.status, got.body.decode(), got.headers.get("Retry-After", "")


def fill_slowly(load: Load, filler: Filler, hold: float) -> None:
    """To a little above the reserve; what the stack writes does the rest, and stops in time. Then it must be told."""
    end, goal, least = time.monotonic() + hold, filler.reserve * 5 // 4, filler.free
    while time.monotonic() < end or least > filler.reserve:
        if filler.free > goal:
            filler.leave(goal)
        if time.monotonic() > end:
            goal -= MB // 20  # removed parts give room again and again
        least = min(least, filler.free)
        time.sleep(0.05)
    assert least > filler.reserve // 4, f"{least} bytes were left of a reserve of {filler.reserve}"
    ways: dict[str, Callable[[], str]] = {
        "health": lambda: load.stack.request("GET", "/health", key="").body.decode(),
        "status": lambda: load.stack.command("status"),
    }
    told: set[str] = set()
    end = time.monotonic() + 60
    for number in range(10_000):
        filler.leave(filler.reserve * 9 // 10)
        status, body, retry = answer(load, number)
        if status == 503 and "the disk is nearly full" in body:
            assert int(retry) > 0 and "reserve" not in body  # figures are for the operator
            told.add("503")
        how = next((way for way in ways if way not in told), "")  # the command last: it is a process
        if how and "events are refused until there is room" in ways[how]():
            told.add(how)
        if len(told) == 3:
            return
        assert time.monotonic() < end, told


def fill_at_once(filler: Filler, random: Random, bites: int, broker: Broker | None) -> None:
    """Nothing is left, for a while; a little is given back, and taken again."""
    filler.leave(0)
    time.sleep(random.uniform(0.1, 1.5))
    for _ in range(bites):
        filler.give(random.choice((100_000, 1_200_000, 2 * MB, 6 * MB, 20 * MB)))
        time.sleep(random.uniform(0.0, 0.3))
        filler.leave(0)
        time.sleep(random.uniform(0.0, 0.1))
    filler.give_all()
    if broker is not None:
        broker.revive()


def trial(store: str, log: str, seed: int, tmp_path: Path, kafka: str, hold: float, rounds: int, bites: int) -> None:
    random = Random(seed)
    with running(store, log, tmp_path, kafka) as (stack, filler, broker), Load(stack, site(stack), seed) as load:
        time.sleep(2)
        before = len(stack.lines)
        fill_slowly(load, filler, hold)
        filler.give_all()
        accepted = len(load.acknowledged)
        for _ in range(rounds):
            time.sleep(random.uniform(0.5, 4.0))
            fill_at_once(filler, random, bites, broker)
        end = time.monotonic() + 60
        while len(load.acknowledged) < accepted + 200:
            assert time.monotonic() < end, "nothing is accepted after there is room again"
            time.sleep(0.2)
        load.__exit__()
        said = stack.lines[before:]
        end, repaired = time.monotonic() + 120, ""
        while stack.request("GET", "/health", key="").status != 200:
            assert time.monotonic() < end, stack.lines[-20:]
            time.sleep(0.5)
            if not repaired and any("throughline repair" in line for line in stack.lines[before:]):
                repaired = stack.command("repair")  # a part was written as the last byte went
        try:
            must_equal(load)
        except BaseException:
            print("\n".join(said[-60:]))  # noqa: T201 - what a nightly run shows of a failure
            raise
        assert len(said) < 120 * (1 + rounds), f"{len(said)} lines were logged"


@pytest.mark.parametrize("seed", [SEEDS[0]])
def test_everything_on_one_small_disk(seed: int, tmp_path: Path) -> None:
    trial("all", "redis", seed, tmp_path, "", hold=1.0, rounds=1, bites=10)


def test_up_waits_for_room_and_goes_on_by_itself(tmp_path: Path) -> None:
    with ground.small(SIZE) as disk:
        stack, filler = Stack(disk / "data"), Filler(disk)
        filler.leave(MB)

        def give() -> None:
            while not stack.lines:
                time.sleep(0.05)
            time.sleep(1.5)
            filler.give_all()

        thread = Thread(target=give)
        thread.start()
        with stack:
            thread.join()
            assert stack.lines[0].startswith("waiting for room on the disk: 0.")
            assert "waiting" not in "".join(stack.lines[1:])


@pytest.mark.nightly
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("store", "log"),
    [
        *(("all", "redis"), ("all", "kafka"), ("redis", "redis"), ("redis", "kafka")),
        *(("clickhouse", "redis"), ("clickhouse", "kafka"), ("kafka", "kafka")),
    ],
)
def test_each_store_on_a_small_disk(
    store: str, log: str, seed: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kafka = request.getfixturevalue("kafka_bootstrap") if log == "kafka" and store in ("redis", "clickhouse") else ""
    trial(store, log, seed, tmp_path, kafka, hold=15.0, rounds=2, bites=50)
