"""The whole log once more: into empty stores, and appended to itself, for stores that hold everything already.

(Stores whose markers are lost refuse to go on: `tests/deploy/test_gone.py`.)

Holds of docs/reliability.md: R16.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import pytest
import redis

from deploy import wiring
from deploy.settings import Settings
from ingest.log.protocol import Record
from tests.deploy.stack import Stack
from tests.faults.compare import differences
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_history import seen
from tests.faults.test_kills import settled
from tests.faults.world import clickhouse, send, site
from tests.log.test_contract import until
from tests.oracle.fact import DAY
from tests.oracle.generate import Traffic
from tests.oracle.sessions import sites
from tests.oracle.span import Range
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services

SEED = 20_261_206
Ends = list[tuple[int, int]]  # partition, offset after its last counted record


@pytest.fixture
def own_redis(tmp_path: Path) -> Any:
    server = RedisServer(tmp_path)
    server.start()
    yield server.url
    server.kill()


def ends(stack: Stack) -> Ends:
    """How far each partition is counted."""
    rows = clickhouse(stack).query("SELECT partition, max(b) FROM progress GROUP BY partition ORDER BY partition")
    return [(partition, end) for partition, end in rows.result_rows]


def counted_to(stack: Stack, met: Callable[[Ends], bool], seconds: float = 300.0) -> None:
    """Wait until the log is counted so far."""
    end = time.monotonic() + seconds
    while not met(ends(stack)):
        assert time.monotonic() < end, f"not counted: {ends(stack)}, {stack.command('status')}"
        time.sleep(0.2)


def forget_states(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter("throughline:{state:*"):
            client.delete(key)


def append_again(event_log: str) -> int:
    """Every record of the log once more, behind all of them; returns how many."""
    import asyncio

    settings = Settings(event_log=event_log)
    records: list[Record] = []
    with closing(wiring.consumer(settings)) as consumer:
        until(lambda: len(consumer.assigned()) == consumer.partitions, consumer)
        for partition in range(consumer.partitions):
            bounds = consumer.bounds(partition)
            records += consumer.read(partition, bounds.begin, bounds.end)

    async def run() -> None:
        producer = wiring.producer(settings)
        await producer.start()
        for record in records:
            await producer.append(record.partition, record.value)
        await producer.close()

    asyncio.run(run())
    return len(records)


@pytest.mark.parametrize(
    ("log_flags", "events", "seconds"),
    [
        ("redis", 100, 1),
        pytest.param("redis", 30_000, 60, marks=pytest.mark.nightly),
        pytest.param("kafka", 30_000, 60, marks=pytest.mark.nightly),
    ],
    indirect=["log_flags"],
)
def test_the_whole_log_again(
    log_flags: list[str], own_redis: str, clickhouse_url: str, tmp_path: Path, events: int, seconds: float, tell: Tell
) -> None:
    stores = ["--redis", own_redis, *(log_flags or ["--event-log", own_redis])]
    event_log = stores[stores.index("--event-log") + 1]
    env = {"THROUGHLINE_ADDRESS_RATE": "0"}
    stack = Stack(tmp_path / "data", "--workers", "2", "--clickhouse", clickhouse_url, *stores, env=env)
    with stack:
        made = site(stack)
        start = int(time.time() * 1000) - 16 * DAY
        drawn = Traffic(SEED, {made["id"]: made["tracking_id"]}).draw(events, start, 6)
        with Load(stack, made, SEED) as load:
            send(stack, made["id"], drawn, tmp_path)
            time.sleep(seconds)
        imported = {sent.fact.id: sent.fact for sent in drawn}
        rows = settled(load)
        facts = seen(rows, load, imported)
        assert imported.keys() <= {fact.id for fact in facts}
        model = sites(facts)[made["id"]]
        settings = stack.get(f"/api/sites/{made['id']}")["settings"]
        spans = [Range(start, start + 18 * DAY), Range(start + 3 * DAY + 7, start + 9 * DAY + 1, "Asia/Kathmandu")]

        def must_equal(when: str) -> None:
            found = list(differences(stack.get, made["id"], model, settings, spans))
            assert not found, f"seed {SEED}, {when}:\n" + "\n".join(found[:40])
            assert stack.get(f"/api/sites/{made['id']}")["sessions_count"] == len(model.sessions)
            assert "no difference" in stack.command("verify")

        must_equal("before any replay")
        counted = ends(stack)
        batches = clickhouse(stack).query("SELECT count() FROM decision").result_rows[0][0]

    client = clickhouse_connect.get_client(dsn=clickhouse_url)

    # Into empty stores: the log and the registry are all that is left, as an operator would restore them.
    database = urlsplit(clickhouse_url).path.strip("/")
    emptied = clickhouse_url + "_again"
    stack.flags = ("--workers", "2", "--clickhouse", emptied, *stores)
    stack.command("migrate", "--clickhouse", emptied)
    client.command(f"INSERT INTO {database}_again.registry SELECT * FROM {database}.registry")  # noqa: S608
    forget_states(own_redis)
    with stack:
        counted_to(stack, lambda found: found == counted)
        must_equal("into empty stores")
        assert Counter(settled(load)) == Counter(rows)

    # Behind itself: what every event's id says is that it was there.
    records = append_again(event_log)
    with stack:
        counted_to(stack, lambda _: len(settled(load)) == 2 * len(rows))
        reasons = Counter(row[2] for row in settled(load))
        assert reasons == Counter({"": len(model.counted), "duplicate": 2 * len(rows) - len(model.counted)})
        must_equal("behind itself")
    tell(f"seed {SEED}: {len(rows)} events, {batches} batches and {records} records replayed")
