"""Workers that come and go every three seconds while the log is full: equal, and at least half as fast.

Holds of docs/reliability.md: R10.
"""

import threading
import time
from pathlib import Path
from random import Random

import pytest

from tests.deploy.stack import Stack
from tests.faults.bulk import append, counted, page
from tests.faults.conftest import Tell
from tests.faults.test_machine import Group
from tests.faults.world import clickhouse, site

pytestmark = pytest.mark.services

SEED = 20_261_209
EVERY_SECONDS = 3.0
VISITORS = 100_000
CHUNK = 20_000


def rate(stack: Stack, made: dict[str, str], seconds: float) -> float:
    """Events a second that are counted meanwhile."""
    before, began = counted(stack, made), time.monotonic()
    time.sleep(seconds)
    return (counted(stack, made) - before) / (time.monotonic() - began)


@pytest.mark.nightly
@pytest.mark.parametrize("seconds", [120.0])
def test_half_of_the_throughput_is_left_and_nothing_is_wrong(
    log_flags: list[str], tmp_path: Path, seconds: float, tell: Tell
) -> None:
    random = Random(SEED)
    env = {"THROUGHLINE_ADDRESS_RATE": "0", "THROUGHLINE_REDIS_MEMORY": "4gb"}
    with Stack(tmp_path / "data", "--workers", "2", *log_flags, env=env) as stack:
        made, group = site(stack), Group(stack, tmp_path)
        stop, sent = threading.Event(), [0]

        def fill() -> None:
            """Always ahead of the workers, but not by much."""
            while not stop.is_set():
                if sent[0] - counted(stack, made) < 4 * CHUNK:
                    first = sent[0]
                    sent[0] += append(stack, (page(made, random.randrange(VISITORS), first + n) for n in range(CHUNK)))
                else:
                    stop.wait(0.5)

        filling = threading.Thread(target=fill)
        filling.start()
        try:
            while counted(stack, made) < 20_000:
                time.sleep(0.5)
            still = [rate(stack, made, seconds / 4)]
            churned, began = counted(stack, made), time.monotonic()
            changes = 0
            while time.monotonic() < began + seconds:
                if group.extras and (len(group.extras) == 2 or random.random() < 0.5):
                    group.leave(0)
                else:
                    group.join()
                changes += 1
                time.sleep(max(0.0, began + changes * EVERY_SECONDS - time.monotonic()))
            moving = (counted(stack, made) - churned) / (time.monotonic() - began)
            group.close()
            time.sleep(EVERY_SECONDS)
            still.append(rate(stack, made, seconds / 4))
        finally:
            stop.set()
            filling.join()
            group.close()
        share = moving / (sum(still) / 2)
        tell(
            f"seed {SEED}: {sent[0]} events, {changes} changes, {still[0]:.0f} and {still[1]:.0f}/s before and after, "
            f"{moving:.0f}/s meanwhile: {share:.2f}"
        )
        while (missing := sent[0] - counted(stack, made)) > 0:
            assert rate(stack, made, 30) > 0, f"{missing} are not counted"
        found = clickhouse(stack).query("SELECT count(), uniqExact(id), countIf(reason = '') FROM events").result_rows
        assert found == [(sent[0], sent[0], sent[0])]
        assert "no difference" in stack.command("verify")
    assert share >= 0.5
