"""`python -m tests.bench.million`: a million events through a worker, then every endpoint beside raw events.

Prints worker events/s, and p50 and p95 of each endpoint over HTTP with the ratio to the same question asked of the
table `events` by the fastest plain SQL we know.
"""

import asyncio
import json
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import clickhouse_connect
import redis
from rich.console import Console

from ingest.contract.event import Event, encode
from ingest.log.partition import hash31
from ingest.log.redis_producer import RedisProducer
from tests.bench.load import Outcome, request, run
from tests.bench.row import cpu_seconds
from tests.deploy.stack import Stack
from tests.oracle.fact import DAY, MINUTE

EVENTS = 1_000_000
RECORD = 200  # events a record, as group commit makes them under load
DAYS = 30
ASKED = 40

RAW = tomllib.loads((Path(__file__).parent / "raw.toml").read_text())


def records(site: dict[str, Any], revision: int, end: int) -> Iterator[bytes]:
    """In order of time, of visitors with one to five sessions."""
    random = Random(1)
    begin = end - DAYS * DAY
    events: list[Event] = []
    while len(events) < EVENTS:
        visitor = f"{random.getrandbits(64):016x}"
        time_ = begin + random.randrange(DAYS * DAY)
        source = random.choice(["google", "direct", "newsletter", "x", "bing"])
        country = random.choice(["DE", "US", "FR", "JP", "unknown"])
        for _ in range(random.choice([1, 1, 2, 5])):
            for _ in range(random.choice([1, 2, 4, 9])):
                kind = random.choice(["pageview"] * 4 + ["engagement", "signup"])
                scroll = random.choice([None, 2_500, 7_500, 10_000]) if kind == "engagement" else None
                events.append(
                    Event(
                        site["id"],
                        visitor,
                        f"e{len(events)}",
                        kind,
                        time_,
                        time_,
                        page=f"/page-{random.randrange(200)}",
                        source=source,
                        country=country,
                        scroll=scroll,
                        engaged_ms=9_000 if scroll else None,
                        url="https://bench.example/",
                        data='{"plan":"pro"}' if kind == "signup" else "",
                        settings=revision,
                    )
                )
                time_ = min(time_ + random.randrange(3 * MINUTE), end - 1)
            time_ = min(time_ + random.randrange(3 * DAY), end - 1)
    events.sort(key=lambda event: event.time)
    for at in range(0, len(events), RECORD):
        yield encode(events[at : at + RECORD])


async def produce(address: str, prepared: list[bytes]) -> None:
    """To the one partition of a stack with one worker."""
    producer = RedisProducer(address, max_bytes=900_000_000)
    await producer.start()
    for at in range(0, len(prepared), 100):
        await asyncio.gather(*(producer.append(0, value) for value in prepared[at : at + 100]))
    await producer.close()


def ask(stack: Stack, path: str) -> Outcome:
    headers = {"Authorization": f"Bearer {stack.first_run['api_key']}"}
    prepared = [request("GET", path, b"", headers)] * ASKED
    return asyncio.run(run(int(stack.url.rpartition(":")[2]), iter(prepared), 1))


def main() -> None:
    console = Console(width=140)
    hash31.cache_clear()
    env = {"THROUGHLINE_REDIS_MEMORY": "2gb"}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data", env=env) as stack:
        site = stack.site("bench.example")
        addresses = json.loads((stack.data / "stack.json").read_text())
        client = clickhouse_connect.get_client(dsn=addresses["clickhouse"])
        revision = client.query("SELECT max(revision) FROM registry").result_rows[0][0]
        end = int(time.time() * 1000)
        prepared = list(records(site, revision, end))
        parts = stack.parts()
        spent = {name: -cpu_seconds(parts[name]) for name in ("worker", "clickhouse", "redis")}
        began = time.monotonic()
        asyncio.run(produce(addresses["event_log"], prepared))
        produced = time.monotonic() - began
        while (
            done := client.query("SELECT sum(rows) FROM system.parts WHERE table = 'events' AND active").result_rows[0][
                0
            ]
        ) < EVENTS:
            assert time.monotonic() < began + 900, done
            time.sleep(0.5)
        seconds = time.monotonic() - began
        console.print(
            f"{EVENTS:,} events: appended in {produced:.0f} s, counted in {seconds:.0f} s by one worker, "
            f"{EVENTS / seconds:,.0f}/s"
        )
        spent = {name: seconds + cpu_seconds(parts[name]) for name, seconds in spent.items()}
        each = ", ".join(f"{name} {seconds / EVENTS * 1e6:.1f}" for name, seconds in spent.items())
        console.print(f"CPU, µs an event: {each}, together {sum(spent.values()) / EVENTS * 1e6:.1f}")
        console.print(f"Redis: {redis.Redis.from_url(addresses['redis']).info('memory')['used_memory_human']}")
        begin, until = end - DAYS * DAY + 12_345_678, end
        span = f"from={_iso(begin)}&to={_iso(until)}"
        bound = {"site": site["id"], "from": begin / 1000, "to": until / 1000}
        for path, raw in RAW["questions"].items():
            outcome = ask(stack, f"/api/sites/{site['id']}/{path}".replace("RANGE", span))
            slow = min(_timed(client, raw.replace("SESSIONS", f"({RAW['sessions']})"), bound) for _ in range(3))
            name = path.partition("?")[0]
            fast = outcome.percentile(0.5)
            console.print(
                f"{name:32} p50 {fast:6.1f} ms  p95 {outcome.percentile(0.95):6.1f} ms  raw {slow:7.1f} ms  "
                f"raw / ours {slow / fast:5.1f}  {dict(outcome.statuses)}"
            )
        for path in ("/api/sites",):
            outcome = ask(stack, path)
            console.print(f"{path:32} p50 {outcome.percentile(0.5):6.1f} ms  p95 {outcome.percentile(0.95):6.1f} ms")


def _iso(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


def _timed(client: Any, sql: str, bound: dict[str, Any]) -> float:
    began = time.perf_counter()
    client.query(sql, bound)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
