"""`make bench ARGS=quiet`: what a whole stack costs while little or nothing arrives."""

import itertools
import json
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.ingest import Target, cpu_seconds, event
from tests.deploy.stack import Stack

SECONDS = 30
SETTLES = 10  # seconds until a rate shows
RATES = ((0, "≤ 3 %"), (5, "≤ 10 %"), (50, "≤ 20 %"))


def main() -> None:
    table = Table("events/s", "of one core", "to reach", "by process", title="A quiet stack")
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        assert stack.process is not None
        made = stack.site("quiet.example")
        target = Target(stack.process.pid, 0, made["tracking_id"], made["domain"])
        pids = {"up": target.pid, **stack.parts()}
        numbers = itertools.count()
        for rate, goal in RATES:
            _arrive(stack, target, rate, SETTLES, numbers)
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            _arrive(stack, target, rate, SECONDS, numbers)
            spent = {name: (cpu_seconds(pid) - before[name]) / SECONDS for name, pid in pids.items()}
            parts = ", ".join(f"{name} {share:.1%}" for name, share in spent.items())
            table.add_row(str(rate), f"{sum(spent.values()):.1%}", goal, parts)
    Console(width=140).print(table)


def _arrive(stack: Stack, target: Target, rate: int, seconds: int, numbers: "itertools.count[int]") -> None:
    """One post an event, evenly spread."""
    begun = time.monotonic()
    for turn in range(rate * seconds):
        time.sleep(max(0.0, begun + turn / rate - time.monotonic()))
        body = json.dumps(event(target, next(numbers))).encode()
        assert stack.request("POST", "/e", body, key="").status == 202
    time.sleep(max(0.0, begun + seconds - time.monotonic()))
