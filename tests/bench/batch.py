"""`make bench ARGS=batch`: CPU of a batch with one event, of the worker, ClickHouse and Redis."""

import os
import tempfile
import time
from pathlib import Path

from tests.bench.row import Row, parts, spent
from tests.deploy.stack import children, command_of
from tests.services.clickhouse import open_clickhouse
from tests.services.redis import RedisServer
from tests.workers.place import events, taken
from workers.batch import count

ROUNDS, BATCHES = 5, 20


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        redis, clickhouse = RedisServer(Path(name)), open_clickhouse(Path(name))
        redis.start()
        try:
            assert redis.process is not None
            door = next(pid for pid in children(os.getpid()) if "deploy.local.clickhouse" in command_of(pid))
            return _rows(redis.url, f"{clickhouse.url}/bench", {"clickhouse": door, "redis": redis.process.pid})
        finally:
            clickhouse.end()
            redis.stop()


def _rows(redis: str, clickhouse: str, pids: dict[str, int]) -> list[Row]:
    rounds: list[dict[str, float]] = []
    with taken(redis, clickhouse) as place:
        made = iter(events(5, (ROUNDS + 1) * BATCHES // 5))
        for _ in range(ROUNDS + 1):
            before, worker = spent(pids), 0.0
            for _ in range(BATCHES):
                records = place.append([next(made)])
                begun = time.process_time()
                count(place.world, place.held, records)
                worker += time.process_time() - begun
            rounds.append({"worker": worker, **spent(pids, before)})
    rounds.pop(0)
    sums = [sum(each.values()) / BATCHES * 1000 for each in rounds]
    middle = sorted(rounds, key=lambda each: sum(each.values()))[ROUNDS // 2]
    return [Row("CPU of a batch with one event, ms", "≤ 70", sums, parts(middle, "ms", 1000 / BATCHES))]
