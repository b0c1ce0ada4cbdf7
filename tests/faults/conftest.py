"""What the trials run on — a log in Redis or on a real Kafka, ground that shakes — and what they tell."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import TOLD
from tests.faults import ground

Tell = Callable[[str], None]


@pytest.fixture(autouse=True)
def partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as trials need to be handed over; `up` by itself makes one a worker."""
    monkeypatch.setenv("THROUGHLINE_PARTITIONS", "4")


@pytest.fixture(params=["redis", "kafka"])
def log_flags(request: pytest.FixtureRequest) -> list[str]:
    """Flags of `up` that give it a log which nothing else uses."""
    if request.param == "redis":
        return []
    return ["--event-log", f"kafka://{request.getfixturevalue('kafka_bootstrap')}/trial-{time.time_ns()}"]


@pytest.fixture
def disk() -> Iterator[ground.Disk]:
    """A disk of 2 GB whose power can be cut."""
    _need()
    with ground.disk() as made:
        yield made


@pytest.fixture
def shaking() -> None:
    """For a test that makes its own `ground.disk(…)` or `ground.small(…)`."""
    _need()


def _need() -> None:
    if why := ground.lacking():
        must = os.environ.get("THROUGHLINE_TEST_ALL") and Path("/dev/loop-control").exists()
        (pytest.fail if must else pytest.skip)(why)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Keeps a sentence — seed, counts, what was measured — for the last lines of the run."""
    node = request.node
    return lambda sentence: node.user_properties.append((TOLD, f"{node.name}: {sentence}"))
