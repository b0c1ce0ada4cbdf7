"""`make bench ARGS=backlog`: one worker on a backlog, beside a fold of the same lines in Bytewax, by turns.

Bytewax is an extra (`pip install '.[bench]'`); without it the worker stands alone. `BACKLOG_EVENTS` (a million unless
it says otherwise) of thirty days a million lie in the log before it is timed.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import clickhouse_connect

from ingest.contract.event import Event, encode
from ingest.log.partition import hash31
from ingest.log.redis_producer import RedisProducer
from tests.bench import bytewax_fold
from tests.bench.bytewax_fold import Folded
from tests.bench.row import Row, cpu_seconds, parts
from tests.deploy.stack import Stack
from tests.oracle.fact import DAY, MINUTE

EVENTS = int(os.environ.get("BACKLOG_EVENTS", "1_000_000"))
RECORD = 200  # events a record, as group commit makes them under load
SPAN = DAY * 30 * EVENTS // 1_000_000  # however many there are, a batch is of the same time
ROUNDS = 2
PARTS = ("worker", "clickhouse", "redis")
_SECONDS = 1_800.0


class Counted(NamedTuple):
    """Events a second of one worker on a backlog, and µs of CPU an event by part of the stack."""

    rate: float
    cpu: Mapping[str, float]


class Backlog(NamedTuple):
    """A value a round; no `folds` where there is no Bytewax."""

    counted: Sequence[Counted]
    folds: Sequence[Folded]

    @property
    def rate(self) -> float:
        """Events a second."""
        return statistics.median(counted.rate for counted in self.counted)

    @property
    def ratio(self) -> float | None:
        """To Bytewax's events a second."""
        return self.rate / statistics.median(fold.rate for fold in self.folds) if self.folds else None


def records(site: str, revision: int, end: int) -> Iterator[bytes]:
    """In order of time, of visitors with one to five sessions."""
    random = Random(1)
    begin = end - SPAN
    events: list[Event] = []
    while len(events) < EVENTS:
        visitor = f"{random.getrandbits(64):016x}"
        time_ = begin + random.randrange(SPAN)
        source = random.choice(["google", "direct", "newsletter", "x", "bing"])
        country = random.choice(["DE", "US", "FR", "JP", "unknown"])
        for _ in range(random.choice([1, 1, 2, 5])):
            for _ in range(random.choice([1, 2, 4, 9])):
                kind = random.choice(["pageview"] * 4 + ["engagement", "signup"])
                scroll = random.choice([None, 2_500, 7_500, 10_000]) if kind == "engagement" else None
                events.append(
                    Event(
                        site,
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


class Bench(NamedTuple):
    """A stack with one site, and its backlog."""

    stack: Stack
    client: Any
    site: str
    end: int
    records: Sequence[bytes]


@contextmanager
def bench() -> Iterator[Bench]:
    """A stack of its own, with nothing counted."""
    hash31.cache_clear()
    env = {"THROUGHLINE_REDIS_MEMORY": "2gb"}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data", env=env) as stack:
        site = stack.site("bench.example")["id"]
        client = clickhouse_connect.get_client(dsn=stack.describes()["clickhouse"])
        revision = client.query("SELECT max(revision) FROM registry").result_rows[0][0]
        end = int(time.time() * 1000)
        yield Bench(stack, client, site, end, list(records(site, revision, end)))


async def produce(address: str, prepared: Sequence[bytes]) -> None:
    """To the one partition of a stack with one worker."""
    producer = RedisProducer(address, max_bytes=900_000_000)
    await producer.start()
    for at in range(0, len(prepared), 100):
        await asyncio.gather(*(producer.append(0, value) for value in prepared[at : at + 100]))
    await producer.close()


def count(bench: Bench) -> Counted:
    """Timed from the end of a batch, once all is appended, to that of the last one. Blocks."""
    pids = bench.stack.parts()
    spent = {name: -cpu_seconds(pids[name]) for name in PARTS}
    asyncio.run(produce(bench.stack.describes()["event_log"], bench.records))
    seen = [_counted(bench.client)]
    while seen[-1].events < EVENTS:
        assert time.monotonic() < seen[0].at + _SECONDS, seen[-1]
        time.sleep(0.1)
        if (found := _counted(bench.client)).events > seen[-1].events:
            seen.append(found)
    first, last = seen[min(1, len(seen) - 2)], seen[-1]  # the first look was in the middle of a batch
    cpu = {name: (seconds + cpu_seconds(pids[name])) / EVENTS * 1e6 for name, seconds in spent.items()}
    return Counted((last.events - first.events) / (last.at - first.at), cpu)


class _Seen(NamedTuple):
    events: int
    at: float


def _counted(client: Any) -> _Seen:
    found = client.query("SELECT sum(arraySum(mapValues(counts))) FROM progress").result_rows[0][0]
    return _Seen(int(found or 0), time.monotonic())


def measure(rounds: int = ROUNDS) -> Backlog:
    """Both by turns, each of the worker's on a stack of its own. Blocks, for minutes."""
    counted: list[Counted] = []
    folds: list[Folded] = []
    for _ in range(rounds):
        with bench() as filled:
            counted.append(count(filled))
        if bytewax_fold.THERE:
            folds.append(bytewax_fold.fold(filled.records))
    return Backlog(counted, folds)


def rows() -> list[Row]:
    found = measure()
    cpu = parts(found.counted[-1].cpu, "µs of CPU an event")
    made = [Row(f"one worker, {EVENTS:,} events, events/s", "≥ 25,000", [each.rate for each in found.counted], cpu)]
    if found.ratio is not None:
        note = f"Bytewax {statistics.median(fold.rate for fold in found.folds):,.0f} events/s"
        made.append(Row("the same ÷ a Bytewax fold", "≥ 1.0", [found.ratio], note))
    return made
