"""`make bench ARGS=ingest`: POST /e with durable acknowledgement beside a bare handler, in the same run, by turns."""

import json
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import redis
import uvloop

from ingest.contract.snapshot import Snapshot, publish
from tests.bench.load import request, run
from tests.bench.row import Row, cpu_seconds
from tests.deploy.stack import Stack
from tests.ingest.fake import a_site
from tests.services.process import free_port, start, stop, wait_until
from tests.services.redis import RedisServer

REQUESTS = 20_000
CONNECTIONS = 64
ROUNDS = 3
SIZE = 20
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


class Target(NamedTuple):
    """A server on this machine: its process, its port, the site that it knows and its domain."""

    pid: int
    port: int
    site: str
    domain: str


class Cost(NamedTuple):
    """Requests a second, and µs of CPU of the server's process a request."""

    rate: float
    cpu: float


def event(target: Target, number: int) -> dict[str, object]:
    """About 400 bytes, as the script sends it."""
    return {
        "site": target.site, "id": f"event-{number:016x}", "type": "pageview", "seq": 1,
        "at": 1_764_000_000_000, "sent_at": 1_764_000_000_120, "visitor": f"visitor-{number % 5000:010x}",
        "view": f"v{number}", "url": f"https://{target.domain}/blog/post-{number % 100}?utm_source=newsletter",
        "referrer": "https://www.google.com/", "title": "A page with a title of usual length", "screen": [1440, 900],
    }  # fmt: skip


def measure(target: Target, size: int, requests: int) -> Cost:
    """`requests` POSTs of `size` events."""
    headers = {"Content-Type": "text/plain", "User-Agent": AGENT}
    bodies = (
        json.dumps([event(target, turn * size + place) for place in range(size)] if size > 1 else event(target, turn))
        for turn in range(requests)
    )
    prepared = [request("POST", "/e", body.encode(), headers) for body in bodies]
    before = cpu_seconds(target.pid)
    outcome = uvloop.run(run(target.port, iter(prepared), CONNECTIONS))
    if outcome.statuses != {202: requests}:
        sys.stderr.write(f"answers by status: {dict(outcome.statuses)}\n")
    return Cost(outcome.rate, (cpu_seconds(target.pid) - before) / requests * 1e6)


@contextmanager
def served(folder: Path, module: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """The module as a server of its own: pid and port."""
    port, log = free_port(), folder / f"{module}.log"
    process = start([sys.executable, "-m", module, str(port), *arguments], log)
    try:
        wait_until(lambda: _listens(port), process, log, 60.0)
        yield process.pid, port
    finally:
        stop(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def compare(bare: Target, ours: Target, requests: int = REQUESTS) -> list[Row]:
    """Bare, single events and bodies of 20 by turns, and the ratios to bare of the same round."""
    measure(ours, 1, requests // 10)
    measure(ours, SIZE, requests // 100)
    measure(bare, 1, requests // 10)
    rounds = [
        (measure(bare, 1, requests), measure(ours, 1, requests), measure(ours, SIZE, requests // 10))
        for _ in range(ROUNDS)
    ]

    def row(name: str, target: str, of: Callable[[Cost, Cost, Cost], float]) -> Row:
        return Row(name, target, [of(*costs) for costs in rounds])

    return [
        row("CPU of a single event ÷ bare's of a request", "≤ 1.0", lambda plain, one, _: one.cpu / plain.cpu),
        row("single events/s ÷ bare requests/s", "≥ 0.75", lambda plain, one, _: one.rate / plain.rate),
        row("events/s in bodies of 20 ÷ bare requests/s", "≥ 6", lambda plain, _, many: many.rate * SIZE / plain.rate),
        row("µs CPU of a bare request", "", lambda plain, _, __: plain.cpu),
        row("µs CPU of a single event", "", lambda _, one, __: one.cpu),
        row("µs CPU of an event in a body of 20", "", lambda _, __, many: many.cpu / SIZE),
        row("bare requests/s", "", lambda plain, _, __: plain.rate),
        row("single events/s", "", lambda _, one, __: one.rate),
        row("events/s in bodies of 20", "", lambda _, __, many: many.rate * SIZE),
    ]


def whole() -> list[Row]:
    """The whole one-machine stack, counting meanwhile."""
    env = {"THROUGHLINE_ADDRESS_RATE": "0", "THROUGHLINE_WORKERS": "1"}
    with tempfile.TemporaryDirectory() as name, Stack(Path(name) / "data", env=env) as stack:
        site = stack.site("bench.example")
        ours = Target(stack.parts()["web"], int(stack.url.rpartition(":")[2]), site["tracking_id"], site["domain"])
        with served(Path(name), "tests.bench.bare") as (pid, port):
            return compare(Target(pid, port, "", "bench.example"), ours)


def alone() -> list[Row]:
    """The endpoint on a Redis log and nothing else: what its own CPU is."""
    with tempfile.TemporaryDirectory() as name:
        server = RedisServer(Path(name))
        server.start()
        try:
            site = a_site(domain="bench.example")
            with redis.Redis.from_url(server.url) as client:
                publish(client, Snapshot(1, [site]))
            with (
                served(Path(name), "tests.bench.bare") as bare,
                served(Path(name), "tests.bench.endpoint", server.url) as (pid, port),
            ):
                return compare(Target(*bare, "", site.domain), Target(pid, port, site.tracking_id, site.domain))
        finally:
            server.stop()
