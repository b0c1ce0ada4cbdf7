"""`make bench ARGS=batch`: CPU of a batch with one event, of the worker, ClickHouse and Redis."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ingest.log.protocol import Record
from tests.bench.row import Row, parts, spent
from tests.deploy.stack import children, command_of
from tests.services.clickhouse import open_clickhouse
from tests.services.redis import RedisServer
from tests.workers.place import Place, events, taken
from workers.batch import count

ROUNDS, BATCHES = 5, 20


@contextmanager
def stores() -> Iterator[tuple[str, str, Mapping[str, int]]]:
    """Addresses of a Redis and of a ClickHouse on this machine, and their processes."""
    with tempfile.TemporaryDirectory() as name:
        redis, clickhouse = RedisServer(Path(name)), open_clickhouse(Path(name))
        redis.start()
        try:
            assert redis.process is not None
            door = next(pid for pid in children(os.getpid()) if "deploy.local.clickhouse" in command_of(pid))
            yield redis.url, clickhouse.url, {"clickhouse": door, "redis": redis.process.pid}
        finally:
            clickhouse.end()
            redis.stop()


def counted(place: Place, records: Sequence[Record], pids: Mapping[str, int]) -> dict[str, float]:
    """Count one batch; the CPU seconds of each process."""
    before, begun = spent(pids), time.process_time()
    count(place.world, place.held, records)
    return {"worker": time.process_time() - begun, **spent(pids, before)}


def measure() -> list[Row]:
    rounds: list[dict[str, float]] = []
    with stores() as (redis, clickhouse, pids), taken(redis, f"{clickhouse}/bench") as place:
        made = iter(events(5, (ROUNDS + 1) * BATCHES // 5))
        for _ in range(ROUNDS + 1):
            before, worker = spent(pids), 0.0
            for _ in range(BATCHES):
                worker += counted(place, place.append([next(made)]), pids)["worker"]
            rounds.append({"worker": worker, **spent(pids, before)})
    rounds.pop(0)
    sums = [sum(each.values()) / BATCHES * 1000 for each in rounds]
    middle = sorted(rounds, key=lambda each: sum(each.values()))[ROUNDS // 2]
    return [Row("CPU of a batch with one event, ms", "≤ 70", sums, parts(middle, "ms", 1000 / BATCHES))]
