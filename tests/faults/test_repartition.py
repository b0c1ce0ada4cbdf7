"""`repartition` under load, killed half-way and run again: nothing acknowledged is lost, nothing counts twice.

Holds of docs/reliability.md: R26 (partitions changed).
"""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from deploy.event_log import chain
from deploy.settings import load as settings_of
from tests.deploy.prepared import prepared
from tests.deploy.stack import ROOT, Stack
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.world import site

pytestmark = pytest.mark.services

SEED = 20_261_128
STEPS = ("extend", "move", "seal", "wait")
WITHIN = "within"  # at any moment
KILLED = """
import os, pathlib, sys
from deploy.repartition import repartition
from deploy.settings import load
repartition(load({}, data=pathlib.Path(sys.argv[1])), int(sys.argv[2]), print,
            step=lambda name: os._exit(9) if name == sys.argv[3] else None)
"""


def killed(stack: Stack, partitions: int, step: str, random: Random) -> None:
    """Run it until it dies, at that step."""
    command = [sys.executable, "-c", KILLED, str(stack.data), str(partitions), step]
    process = subprocess.Popen(command, env=stack.env, cwd=ROOT, stdout=subprocess.DEVNULL)
    if step == WITHIN:
        time.sleep(random.uniform(0.5, 6))
        process.kill()
    assert process.wait(120) in (9, -9, 0)


def changed(stack: Stack, load: Load, partitions: int, random: Random, tell: Tell) -> None:
    step = random.choice([*STEPS, WITHIN])
    began = time.monotonic()
    killed(stack, partitions, step, random)
    refused, again = load.refused, time.monotonic()
    said = stack.command("repartition", str(partitions))
    assert "all that came before is counted" in said
    tell(
        f"to {partitions}, killed at {step} after {again - began:.1f} s, then {time.monotonic() - again:.1f} s, "
        f"{load.refused - refused} requests refused"
    )
    status = stack.command("status")
    assert f"{partitions} partition" in status and "counted first" not in status and "log forget" not in status


def measured(load: Load) -> str:
    moments = sorted(set(load.acknowledged_at.values()))
    pause = max((after - before for before, after in pairwise(moments)), default=0.0)
    return f"{len(load.acknowledged)} acknowledged, {load.refused} refused, no answer for at most {pause:.1f} s"


def in_order(stack: Stack) -> list[str]:
    return [link.log for link in chain(settings_of({}, data=stack.data))]


@pytest.fixture(autouse=True)
def partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROUGHLINE_PARTITIONS", "1")


def test_more_then_fewer_under_load(log_flags: list[str], tmp_path: Path, tell: Tell) -> None:
    seed = time.time_ns() % 100_000
    random = Random(seed)
    tell(f"seed {seed}")
    env = {"THROUGHLINE_ADDRESS_RATE": "0"}
    with Stack(prepared(tmp_path / "data"), "--workers", "2", *log_flags, env=env) as stack:
        with Load(stack, site(stack), SEED) as load:
            time.sleep(2)
            # The first is not waited for: three logs follow each other.
            killed(stack, 4, random.choice(STEPS), random)
            killed(stack, 4, "wait", random)
            changed(stack, load, 2, random, tell)
            time.sleep(1)
        tell(measured(load))
        logs = in_order(stack)
        assert len(logs) == 3
        must_equal(load, least=100, logs=logs)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_many_times_with_workers_and_everything_killed(
    log_flags: list[str], tmp_path: Path, tell: Tell, seed: int
) -> None:
    random = Random(seed)
    env = {"THROUGHLINE_ADDRESS_RATE": "0"}
    with Stack(prepared(tmp_path / "data"), "--workers", "3", *log_flags, env=env) as stack:
        with Load(stack, site(stack), seed, pause=0.05) as load:
            count = 1
            for _ in range(6):
                count = random.choice([other for other in (1, 2, 3, 5, 8) if other != count])
                killed(stack, count, random.choice([*STEPS, WITHIN]), random)
                for name, process in stack.parts().items():
                    if name.startswith("worker") and random.random() < 0.5:
                        os.kill(process, signal.SIGKILL)
                if random.random() < 0.4:
                    port = int(stack.url.rpartition(":")[2])
                    stack.kill()
                    stack.start(port)
                changed(stack, load, count, random, tell)
                time.sleep(random.uniform(0, 5))
        tell(measured(load))
        must_equal(load, logs=in_order(stack))
