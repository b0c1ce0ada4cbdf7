"""`python -m tests.bench.ingest`: POST /e with durable acknowledgement, single and in bodies of 20."""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench.load import Outcome, request, run
from tests.deploy.stack import Stack

REQUESTS = 20_000
CONNECTIONS = 256
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
TICKS = os.sysconf("SC_CLK_TCK")


def event(site: dict[str, Any], number: int) -> dict[str, Any]:
    """About 400 bytes, as the script sends it."""
    return {
        "site": site["tracking_id"], "id": f"event-{number:016x}", "type": "pageview", "seq": 1,
        "at": 1_764_000_000_000, "sent_at": 1_764_000_000_120, "visitor": f"visitor-{number % 5000:010x}",
        "view": f"v{number}", "url": f"https://{site['domain']}/blog/post-{number % 100}?utm_source=newsletter",
        "referrer": "https://www.google.com/", "title": "A page with a title of usual length", "screen": [1440, 900],
    }  # fmt: skip


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(stack: Stack, site: dict[str, Any], size: int, requests: int) -> tuple[Outcome, float]:
    """`requests` POSTs of `size` events; also the CPU seconds of the web process."""
    web = stack.parts()["web"]
    port = int(stack.url.rpartition(":")[2])
    headers = {"Content-Type": "text/plain", "User-Agent": AGENT}
    bodies = (
        json.dumps([event(site, turn * size + place) for place in range(size)] if size > 1 else event(site, turn))
        for turn in range(requests)
    )
    prepared = [request("POST", "/e", body.encode(), headers) for body in bodies]
    before = cpu_seconds(web)
    outcome = asyncio.run(run(port, iter(prepared), CONNECTIONS))
    return outcome, cpu_seconds(web) - before


def main() -> None:
    console = Console()
    env = {"THROUGHLINE_ADDRESS_RATE": "0", "THROUGHLINE_WORKERS": "1"}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data", env=env) as stack:
        site = stack.site("bench.example")
        for size, requests in ((1, REQUESTS), (20, REQUESTS // 10)):
            measure(stack, site, size, requests // 10)
            outcome, cpu = measure(stack, site, size, requests)
            console.print(
                f"body of {size}: {outcome.rate:,.0f} requests/s, {outcome.rate * size:,.0f} events/s, "
                f"p50 {outcome.percentile(0.5):.1f} ms, p99 {outcome.percentile(0.99):.1f} ms, "
                f"{cpu / requests * 1e6:.0f} µs CPU of the web process a request, {dict(outcome.statuses)}"
            )


if __name__ == "__main__":
    main()
