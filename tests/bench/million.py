"""`python -m tests.bench.million`: a million events through a worker, then every endpoint beside raw events.

Prints worker events/s, and p50 and p95 of each endpoint over HTTP with the ratio to the same question asked of the
table `events` by the fastest plain SQL we know.
"""

import asyncio
import time
import tomllib
from pathlib import Path
from typing import Any

import redis
from rich.console import Console

from tests.bench import backlog
from tests.bench.load import Outcome, request, run
from tests.deploy.stack import Stack

ASKED = 40

RAW = tomllib.loads((Path(__file__).parent / "raw.toml").read_text())


def ask(stack: Stack, path: str) -> Outcome:
    headers = {"Authorization": f"Bearer {stack.first_run['api_key']}"}
    prepared = [request("GET", path, b"", headers)] * ASKED
    return asyncio.run(run(int(stack.url.rpartition(":")[2]), iter(prepared), 1))


def main() -> None:
    console = Console(width=140)
    with backlog.bench() as bench:
        counted = backlog.count(bench)
        console.print(f"{backlog.EVENTS:,} events counted, {counted.rate:,.0f}/s")
        end, client = bench.end, bench.client
        used = redis.Redis.from_url(bench.stack.describes()["redis"]).info("memory")["used_memory_human"]
        console.print(f"Redis: {used}")
        begin, until = end - backlog.SPAN + 12_345_678, end
        span = f"from={_iso(begin)}&to={_iso(until)}"
        bound = {"site": bench.site, "from": begin / 1000, "to": until / 1000}
        for path, raw in RAW["questions"].items():
            outcome = ask(bench.stack, f"/api/sites/{bench.site}/{path}".replace("RANGE", span))
            slow = min(_timed(client, raw.replace("SESSIONS", f"({RAW['sessions']})"), bound) for _ in range(3))
            name = path.partition("?")[0]
            fast = outcome.percentile(0.5)
            console.print(
                f"{name:32} p50 {fast:6.1f} ms  p95 {outcome.percentile(0.95):6.1f} ms  raw {slow:7.1f} ms  "
                f"raw / ours {slow / fast:5.1f}  {dict(outcome.statuses)}"
            )
        for path in ("/api/sites",):
            outcome = ask(bench.stack, path)
            console.print(f"{path:32} p50 {outcome.percentile(0.5):6.1f} ms  p95 {outcome.percentile(0.95):6.1f} ms")


def _iso(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


def _timed(client: Any, sql: str, bound: dict[str, Any]) -> float:
    began = time.perf_counter()
    client.query(sql, bound)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
