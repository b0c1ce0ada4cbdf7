"""ClickHouse under load that hangs again and again, and one whose data goes: what was acknowledged counts once.

Holds of docs/reliability.md: R3. What is said meanwhile is tests/deploy/test_hanging.py's and test_gone.py's.
"""

import os
import shutil
import signal
import time
from pathlib import Path
from random import Random

import pytest

from tests.deploy.stack import Stack
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site

pytestmark = [pytest.mark.services, pytest.mark.nightly]

UNLIMITED = {"THROUGHLINE_ADDRESS_RATE": "0"}


@pytest.mark.parametrize("seed", range(1, 6))
def test_it_hangs_again_and_again(tmp_path: Path, log_flags: list[str], seed: int, tell: Tell) -> None:
    """Short of a worker's patience and beyond it; once everything is stopped while it hangs, and started again."""
    random = Random(seed)
    with Stack(tmp_path / "data", "--workers", "2", *log_flags, env=UNLIMITED) as stack:
        with Load(stack, site(stack), seed, pause=0.03) as load:
            stop_at = random.randrange(4)
            hung = [random.uniform(1, 8), random.uniform(20, 30), random.uniform(0.2, 2), random.uniform(1, 8)]
            for number, seconds in enumerate(hung):
                time.sleep(random.uniform(0.5, 3))
                pid = stack.parts()["clickhouse"]
                os.kill(pid, signal.SIGSTOP)
                time.sleep(seconds)
                if number == stop_at:
                    port = int(stack.url.rpartition(":")[2])
                    stack.stop()
                    stack.start(port)
                else:
                    os.kill(pid, signal.SIGCONT)
            time.sleep(3)
        must_equal(load)
    said = ", ".join(f"{seconds:.1f}" for seconds in hung)
    tell(
        f"seed {seed}: {len(load.acknowledged)} acknowledged, it hung for {said} s, slowest answer {load.slowest:.1f} s"
    )


@pytest.mark.parametrize("seed", range(1, 6))
def test_all_that_it_holds_goes(tmp_path: Path, log_flags: list[str], seed: int, tell: Tell) -> None:
    """At any moment; `up --restore` counts the log from its beginning, while new events come."""
    random = Random(seed)
    with Stack(tmp_path / "data", "--workers", "2", *log_flags, env=UNLIMITED) as stack:
        with Load(stack, site(stack), seed, pause=0.03) as load:
            time.sleep(random.uniform(2, 12))
            port = int(stack.url.rpartition(":")[2])
            stack.kill() if random.random() < 0.5 else stack.stop()
            shutil.rmtree(stack.data / "clickhouse" / "engine")
            before = len(load.acknowledged)
            stack.flags = (*stack.flags, "--restore")
            stack.start(port)
            time.sleep(random.uniform(2, 6))
        assert any(line.startswith("restored: ") for line in stack.lines)
        must_equal(load)
    tell(f"seed {seed}: emptied after {before} of {len(load.acknowledged)} acknowledged, equal")
