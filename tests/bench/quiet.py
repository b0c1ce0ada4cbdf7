"""`make bench ARGS=quiet`: what a whole stack costs while little or nothing arrives."""

import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.ingest import Target, event
from tests.bench.row import Row, parts, spent
from tests.deploy.stack import Stack

SECONDS, WINDOWS = 10, 3
SETTLES = 10  # seconds until a rate shows
RATES = {0: "≤ 3", 5: "≤ 10", 50: "≤ 20"}


def measure() -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        assert stack.process is not None
        made = stack.site("quiet.example")
        target = Target(stack.process.pid, 0, made["tracking_id"], made["domain"])
        pids = {"up": target.pid, **stack.parts()}
        numbers = itertools.count()
        for rate, goal in RATES.items():
            _arrive(stack, target, rate, SETTLES, numbers)
            windows: list[dict[str, float]] = []
            for _ in range(WINDOWS):
                before = spent(pids)
                _arrive(stack, target, rate, SECONDS, numbers)
                windows.append(spent(pids, before))
            each = {name: sum(window[name] for window in windows) / WINDOWS for name in pids}
            sums = [sum(window.values()) / SECONDS * 100 for window in windows]
            rows.append(Row(f"{rate} events/s, % of one core", goal, sums, parts(each, "%", 100 / SECONDS)))
    return rows


def _arrive(stack: Stack, target: Target, rate: int, seconds: int, numbers: Iterator[int]) -> None:
    """One post an event, evenly spread."""
    begun = time.monotonic()
    for turn in range(rate * seconds):
        time.sleep(max(0.0, begun + turn / rate - time.monotonic()))
        body = json.dumps(event(target, next(numbers))).encode()
        assert stack.request("POST", "/e", body, key="").status == 202
    time.sleep(max(0.0, begun + seconds - time.monotonic()))
