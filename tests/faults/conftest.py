"""What the trials run on: the log in the stack's own Redis, and on a real Kafka."""

import time

import pytest


@pytest.fixture(params=["redis", "kafka"])
def log_flags(request: pytest.FixtureRequest) -> list[str]:
    """Flags of `up` that give it a log which nothing else uses."""
    if request.param == "redis":
        return []
    return ["--event-log", f"kafka://{request.getfixturevalue('kafka_bootstrap')}/trial-{time.time_ns()}"]
