"""`make bench ARGS=scale`: a model of what each process costs under load, from three loads, held against others.

CPU seconds a second of a process = idle + batches/s x a batch + events/s x an event. docs/scale.md goes on from there.
Batches are those that came: a machine that is busy with other things makes fewer than the worker's pace means.
"""

import http.client
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import clickhouse_connect

from tests.bench.ingest import AGENT, SIZE, Target, event
from tests.bench.row import Row, parts, spent
from tests.deploy.stack import Stack
from workers.pace import Rounds
from workers.slot import Limits

SECONDS, SETTLES = 30, 8
LOW, HIGH = 60, 1_000  # events/s that the model is made from
CHECKED = (125, 250, 500)
WITHIN = 0.2
VISIT = 8  # events of a visitor, two seconds apart


class Cost(NamedTuple):
    """CPU seconds: of a second in which nothing comes, of a batch, of an event."""

    idle: float
    batch: float
    event: float

    def predicts(self, load: "Load") -> float:
        return self.idle + load.batches * self.batch + load.rate * self.event


class Load(NamedTuple):
    """What was measured: events and batches a second, CPU seconds a second of each process."""

    rate: float
    batches: float
    spent: Mapping[str, float]


def batches(rate: float) -> float:
    """A second of one partition, as the worker's own pace opens rounds."""
    rounds, lines, opened, steps = Rounds(Limits.seconds), 0.0, 0, 2_000
    for step in range(steps):
        lines += rate / 20
        if lines >= 1 and rounds.open(step / 20, True, int(lines)):
            opened, lines = opened + 1, 0.0
    return opened / (steps / 20)


def model(idle: Load, low: Load, high: Load) -> dict[str, Cost]:
    """Two equations a process."""
    found: dict[str, Cost] = {}
    for name, base in idle.spent.items():
        some, more = low.spent[name] - base, high.spent[name] - base
        each = (more * low.batches - some * high.batches) / (high.rate * low.batches - low.rate * high.batches)
        each = min(max(0.0, each), max(0.0, some) / low.rate)
        found[name] = Cost(base, (some - low.rate * each) / low.batches, each)
    return found


def measure() -> list[Row]:
    """There and back: parts to be merged pile up meanwhile, of which each load is to have its share."""
    rates = (LOW, *CHECKED, HIGH)
    with tempfile.TemporaryDirectory() as folder:
        env = {"THROUGHLINE_ADDRESS_RATE": "0"}
        with Stack(Path(folder) / "data", "--workers", "1", env=env) as stack:
            idle = _load(stack, 0, "idle")
            there = [_load(stack, rate, f"there-{rate}") for rate in rates]
            back = [_load(stack, rate, f"back-{rate}") for rate in reversed(rates)]
    loads = {rate: _mean(*both) for rate, both in zip(rates, zip(there, reversed(back), strict=True), strict=True)}
    costs = model(idle, loads[LOW], loads[HIGH])
    rows = [
        Row(f"{name}, µs an event", "", [cost.event * 1e6], f"idle {cost.idle:.2%}, a batch {cost.batch * 1e3:.3g} ms")
        for name, cost in costs.items()
    ]
    for rate in CHECKED:
        load = loads[rate]
        predicted = {name: cost.predicts(load) for name, cost in costs.items()}
        ratio = sum(load.spent.values()) / sum(predicted.values())
        note = f"{parts(load.spent, '%', 100)}; predicted {parts(predicted, '%', 100)}"
        rows.append(Row(f"{load.rate:.0f} events/s: CPU ÷ predicted", f"1 ± {WITHIN}", [ratio], note))
        rows.append(Row(f"{load.rate:.0f} events/s: batches ÷ those meant", "", [load.batches / batches(load.rate)]))
    return rows


def _mean(one: Load, other: Load) -> Load:
    each = {name: (one.spent[name] + other.spent[name]) / 2 for name in one.spent}
    return Load((one.rate + other.rate) / 2, (one.batches + other.batches) / 2, each)


def _load(stack: Stack, rate: int, name: str) -> Load:
    """`rate` events/s in bodies of 20, of visits that go on, with what the processes spend."""
    assert stack.process is not None
    made = stack.site(f"{name}.example")
    target = Target(0, 0, made["tracking_id"], made["domain"])
    pids = {"up": stack.process.pid, **stack.parts()}
    place = urlsplit(stack.url)
    sender = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=30)
    number = _send(sender, target, rate, 0, SETTLES)
    counted, first = _counted(stack), number
    before, begun = spent(pids), time.monotonic()
    number = _send(sender, target, rate, number, SECONDS)
    seconds = time.monotonic() - begun
    used = {name: value / seconds for name, value in spent(pids, before).items()}
    sender.close()
    return Load((number - first) / seconds, (_counted(stack) - counted) / seconds, used)


def _send(sender: http.client.HTTPConnection, target: Target, rate: int, number: int, seconds: int) -> int:
    begun, first = time.monotonic(), number
    while time.monotonic() < begun + seconds:
        if not rate:
            time.sleep(1.0)
            continue
        body = [{**event(target, n), "visitor": _visitor(n, rate)} for n in range(number, number + SIZE)]
        sender.request("POST", "/e", json.dumps(body), {"Content-Type": "text/plain", "User-Agent": AGENT})
        answer = sender.getresponse()
        assert answer.status == 202, answer.read()
        answer.read()
        number += SIZE
        time.sleep(max(0.0, begun + (number - first) / rate - time.monotonic()))
    return number


def _visitor(number: int, rate: int) -> str:
    """Of twice as many places as events come a second; who has sent a visit's events makes room for another."""
    turn, place = divmod(number, 2 * rate)
    return f"visitor-{place:06d}-{(turn + place % VISIT) // VISIT:06d}"


def _counted(stack: Stack) -> int:
    with clickhouse_connect.get_client(dsn=stack.describes()["clickhouse"]) as client:
        return int(client.query("SELECT sum(batches) FROM progress").result_rows[0][0])
