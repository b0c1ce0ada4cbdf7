"""What a worker that stands still costs the others: every partition's lag, second by second, around 40 s.

`python -m tests.bench stopped` on the Redis log, `… stopped-kafka` on a real broker.
"""

import contextlib
import http.client
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis

from ingest.contract import freshness
from tests.deploy.stack import Stack
from tests.services.kafka import KafkaBroker

WORKERS = 3
EVENTS_A_SECOND = 100
BEFORE, STOPPED, AFTER = 15, 40, 60


def on_kafka() -> None:
    main(kafka=True)


def main(kafka: bool = False) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        _log(Path(folder), kafka) as flags,
        Stack(Path(folder) / "data", "--workers", str(WORKERS), *flags) as stack,
    ):
        _measure(stack, "Kafka" if kafka else "Redis")


@contextlib.contextmanager
def _log(folder: Path, kafka: bool) -> Iterator[list[str]]:
    if not kafka:
        yield []
        return
    broker = KafkaBroker(folder)
    broker.start()
    try:
        yield ["--event-log", f"kafka://{broker.bootstrap}"]
    finally:
        broker.stop()


def _measure(stack: Stack, log: str) -> None:
    site, done = stack.site("stopped.example"), threading.Event()
    load = threading.Thread(target=_load, args=(stack, site["tracking_id"], site["domain"], done))
    load.start()
    redis = Redis.from_url(json.loads((stack.data / "stack.json").read_text())["redis"])
    worker = next(pid for name, pid in stack.parts().items() if name.startswith("worker"))
    rows: list[tuple[float, list[float]]] = []
    begun = time.monotonic()
    try:
        for second in range(BEFORE + STOPPED + AFTER):
            if second in (BEFORE, BEFORE + STOPPED):
                os.kill(worker, signal.SIGSTOP if second == BEFORE else signal.SIGCONT)
            time.sleep(max(0.0, begun + second + 1 - time.monotonic()))
            lags = _lags(redis)
            rows.append((second + 1 - BEFORE, lags))
            print(f"{second + 1 - BEFORE:4d} s  " + "  ".join(f"{lag:5.1f}" for lag in lags), flush=True)  # noqa: T201
    finally:
        os.kill(worker, signal.SIGCONT)
        done.set()
        load.join()
    for name, since, until in (("before", -BEFORE, 0), ("stopped", 0, STOPPED), ("after", STOPPED, STOPPED + AFTER)):
        part = [max(lags) for at, lags in rows if since < at <= until and lags]
        behind = sum(lag > 5 for lag in part)
        print(  # noqa: T201
            f"{log} {name:8} freshness p50 {statistics.median(part):4.1f} s, max {max(part):4.1f} s, "
            f"over 5 s for {behind} s of {len(part)}"
        )


def _lags(redis: Redis) -> list[float]:
    marks: dict[bytes, bytes] = redis.hgetall(freshness.KEY)  # type: ignore[assignment]
    now = time.time() * 1000
    return [(now - int(mark)) / 1000 for name, mark in sorted(marks.items()) if name.isdigit()]


def _load(stack: Stack, site: str, domain: str, done: threading.Event) -> None:
    number, begun = 0, time.monotonic()
    while not done.is_set():
        batch = [
            {"site": site, "type": "pageview", "id": f"e{number + n}", "visitor": f"v{(number + n) % 997}",
             "url": f"https://{domain}/page-{number % 7}"}
            for n in range(EVENTS_A_SECOND // 10)
        ]  # fmt: skip
        with contextlib.suppress(OSError, http.client.HTTPException):
            if stack.request("POST", "/e", batch, key="").status == 202:
                number += len(batch)
        done.wait(max(0.0, begun + number / EVENTS_A_SECOND - time.monotonic()))
