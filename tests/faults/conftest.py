"""What the trials run on (the log in the stack's own Redis, and on a real Kafka), and what they have to tell."""

import time
from collections.abc import Callable

import pytest

Tell = Callable[[str], None]

_told: list[str] = []


@pytest.fixture(params=["redis", "kafka"])
def log_flags(request: pytest.FixtureRequest) -> list[str]:
    """Flags of `up` that give it a log which nothing else uses."""
    if request.param == "redis":
        return []
    return ["--event-log", f"kafka://{request.getfixturevalue('kafka_bootstrap')}/trial-{time.time_ns()}"]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Keeps a sentence — seed, counts, what was measured — for the last lines of the run."""
    name = request.node.name
    return lambda sentence: _told.append(f"{name}: {sentence}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _told:
        terminalreporter.section("trials")
        for line in _told:
            terminalreporter.write_line(line)
