"""Redis put back to an earlier copy under load, again and again.

On Kafka it holds states, leases, sites and salts, and nothing may show. On its own log, what was rolled back is gone;
everything that is left, and everything that was counted before, counts once, and the gap is told. Holds of
docs/reliability.md: R8.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from ingest.contract.event import Event, decode
from ingest.log import stream
from tests.deploy.stack import Stack
from tests.faults.load import Load
from tests.faults.putback import copy, put_back
from tests.faults.test_kills import must_equal
from tests.faults.world import clickhouse, site

pytestmark = pytest.mark.services


@pytest.fixture(params=["redis", "kafka"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    flags = ["--workers", "2"]
    if request.param == "kafka":
        flags += ["--event-log", f"kafka://{request.getfixturevalue('kafka_bootstrap')}/putback-{time.time_ns()}"]
    with Stack(tmp_path / "data", *flags, env={"THROUGHLINE_ADDRESS_RATE": "0"}) as running:
        running.kind = request.param  # type: ignore[attr-defined]
        yield running


def lost(load: Load, windows: list[tuple[float, float]], seconds: float = 120.0) -> set[str]:
    """What was acknowledged and is counted nowhere, once nothing waits; each must have gone with a rollback."""
    end = time.monotonic() + seconds
    while "waits for" in load.stack.command("status"):
        assert time.monotonic() < end, load.stack.command("status")
        time.sleep(1)
    rows = clickhouse(load.stack).query("SELECT id FROM events").result_rows
    missing = load.acknowledged - {row[0] for row in rows}
    for event in missing:
        assert any(begin <= load.acknowledged_at[event] <= end for begin, end in windows), event
    return missing


def left(stack: Stack) -> set[str]:
    """The ids of all events that the Redis log still holds."""
    address = stack.describes()["redis"]
    found: set[str] = set()
    with redis.Redis.from_url(address) as client:
        for partition in range(4):
            entries: Any = client.xrange(stream.Keys("events").stream(partition))
            for _, fields in entries:
                for raw in stream.decompress(fields[b"v"]).splitlines():
                    line = decode(raw)
                    if isinstance(line, Event):
                        found.add(line.id)
    return found


def run(stack: Stack, seed: int, ages: list[float], folder: Path, meanwhile: Callable[[], None] = lambda: None) -> Load:
    """Load, and Redis put back to copies of these ages in turn."""
    windows = []
    with Load(stack, site(stack), seed) as load:
        for number, age in enumerate(ages):
            time.sleep(2)
            earlier = copy(stack, folder / f"copy{number}")
            begin = time.monotonic()
            time.sleep(age)
            meanwhile()
            put_back(stack, earlier)
            windows.append((begin - 2, time.monotonic() + 1))
        time.sleep(4)
    gone = lost(load, windows) if stack.kind == "redis" else set()  # type: ignore[attr-defined]
    if stack.kind == "redis":  # type: ignore[attr-defined]
        assert not gone & left(stack)
    must_equal(load, gone)
    return load


@pytest.mark.parametrize(
    "ages",
    [
        pytest.param([1, 3], id="short"),
        pytest.param([1, 3, 20, 3, 1], marks=pytest.mark.nightly, id="long"),
        pytest.param([300], marks=pytest.mark.nightly, id="five minutes"),
    ],
)
def test_under_load(stack: Stack, tmp_path: Path, ages: list[float]) -> None:
    run(stack, 11, ages, tmp_path)
