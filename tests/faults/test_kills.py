"""kill -9 of every part under load: nothing acknowledged is lost, nothing counts twice, every answer is the model's.

Holds of docs/reliability.md: R1 (5 kills of a worker on each log, 101 nightly), R2, R5 (the same ids
again), R8 (Redis restarted).
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rollups.sql import statement
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.compare import differences
from tests.faults.load import Load
from tests.faults.world import clickhouse, site
from tests.oracle.fact import DAY, Fact
from tests.oracle.sessions import sites
from tests.oracle.span import Range

pytestmark = pytest.mark.services

SEED = 7
PARTS = 5  # Redis, ClickHouse, the web process, two workers


@pytest.fixture(params=["redis", "kafka"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Two workers, on the Redis log and on a real Kafka; no rate limit, for all load comes from one address."""
    flags = ["--workers", "2"]
    if request.param == "kafka":
        flags += ["--event-log", f"kafka://{request.getfixturevalue('kafka_bootstrap')}/kills-{time.time_ns()}"]
    with Stack(prepared(tmp_path / "data"), *flags, env={"THROUGHLINE_ADDRESS_RATE": "0"}) as running:
        yield running


def settled(
    load: Load, seconds: float = 120.0, gone: Set[str] = frozenset(), logs: Sequence[str] = ()
) -> list[tuple[Any, ...]]:
    """The raw events in log order, once every acknowledged one but those `gone` is there, none is on its way and no
    rollup is being made right. `logs`: where there was more than one, in their order.
    """
    client = clickhouse(load.stack)
    end = time.monotonic() + seconds
    rows: list[tuple[Any, ...]] = []
    while True:
        before, rows = (
            rows,
            client.query(
                "SELECT id, visitor, reason, toUnixTimestamp64Milli(time), toUnixTimestamp64Milli(received) "
                "FROM events WHERE site = {site:String} "
                "ORDER BY indexOf({logs:Array(String)}, log), partition, offset, index",
                {"site": load.site["id"], "logs": list(logs)},
            ).result_rows,
        )
        unfinished = client.query(statement("control_unfinished")).result_rows
        doubted = client.query("SELECT site FROM doubt").result_rows
        if rows == before and not unfinished and not doubted and load.acknowledged - gone <= {row[0] for row in rows}:
            return rows
        lost = sorted(load.acknowledged - gone - {row[0] for row in rows})
        assert time.monotonic() < end, f"lost: {lost[:10]}, unfinished: {unfinished}, being made right: {doubted}"
        time.sleep(2)


def must_equal(
    load: Load, least: int = 500, but: str = "(?!)", gone: Set[str] = frozenset(), logs: Sequence[str] = ()
) -> None:
    """Every acknowledged event but those `gone` counts once; the ledger explains the rest; every endpoint equals the
    model.

    `least`: fewer events prove nothing; `but`: a pattern of differences that are to be expected.
    """
    assert not load.unexpected, load.unexpected
    assert len(load.acknowledged) > least, "too little load to prove anything"
    rows = settled(load, gone=gone, logs=logs)
    counted = Counter(row[0] for row in rows if not row[2])
    assert set(counted.values()) == {1}
    assert load.acknowledged - gone <= counted.keys() <= load.posted.keys()
    assert {row[2] for row in rows} <= {"", "duplicate"}
    facts = []
    for event_id, visitor, _, at, received in rows:
        posted = load.posted[event_id]
        assert at == received - (posted["sent_at"] - posted["at"])
        page, source = posted["url"].partition("/page-")[2].split("?utm_source=")
        facts.append(
            Fact(
                load.site["id"],
                visitor,
                event_id,
                posted["type"],
                at,
                received,
                seq=load.places.get(event_id, 0),
                page=f"/page-{page}",
                source=source,
                channel="Referral",
                hostname=load.site["domain"],
            )
        )
    model = sites(facts)[load.site["id"]]
    assert sorted(reason for _, reason in model.filtered) == sorted(row[2] for row in rows if row[2])
    newest = max(fact.received for fact in facts)
    spans = [Range(newest - 2 * DAY, newest + DAY), Range(newest - 6 * 3_600_000, newest - 60_000, "Asia/Kathmandu")]
    settings = load.stack.get(f"/api/sites/{load.site['id']}")["settings"]
    found = list(differences(load.stack.get, load.site["id"], model, settings, spans))
    found = [line for line in found if not re.search(but, line)]
    assert not found, f"seed {load.seed}:\n" + "\n".join(found[:40])
    assert "no difference" in load.stack.command("verify")


def whole(stack: Stack, seconds: float = 60.0) -> None:
    """Wait until every part runs."""
    end = time.monotonic() + seconds
    while len(stack.parts()) < PARTS:
        assert time.monotonic() < end, (stack.parts(), stack.lines[-20:])
        time.sleep(0.1)


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.nightly)])
def test_every_part_and_workers_at_random_killed_under_load(stack: Stack, kills: int) -> None:
    """One life, judged at its end: what it takes is mostly the judging."""
    random = Random(SEED)
    with Load(stack, site(stack), SEED, pause=0.03) as load:
        for part in ("worker", "clickhouse", "web", "redis"):
            load.wait_for(200)
            whole(stack)
            stack.kill_part(part)
        load.wait_for(200)
        port = int(stack.url.rpartition(":")[2])
        stack.kill()
        stack.start(port)
        load.wait_for(200)
        killed = 0
        end = time.monotonic() + 30 * kills
        while killed < kills and time.monotonic() < end:
            time.sleep(random.uniform(0.1, 1.2))
            workers = [process for name, process in stack.parts().items() if name.startswith("worker")]
            if workers:
                os.kill(random.choice(workers), signal.SIGKILL)
                killed += 1
        assert killed == kills
    must_equal(load)
