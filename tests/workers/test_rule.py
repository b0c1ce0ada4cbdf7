"""R19: the rule or the settings change between a crash and its replay; a real log, Redis and ClickHouse.

What was decided stands as it was decided, whatever the code that finishes it would say; and where the code before was
wrong, a rebuild by the new one leaves no difference.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from ingest.contract.event import Event, Rebuild, encode
from ingest.contract.site import SiteSettings
from ingest.log.partition import partition as partition_of
from rollups.client import Client, connect
from rollups.past import newest, past
from rollups.verify import verify
from rollups.write import Writer
from tests.log.conftest import Log, made
from tests.services.schema import migrated
from tests.workers.streams import START, stream
from workers import memory, rows, visitor
from workers.fold import Entry, Known, fold, visits
from workers.loop import Worker
from workers.memory import DAY, MINUTE
from workers.metrics import Metrics
from workers.slot import Limits
from workers.world import World

pytestmark = pytest.mark.services

SEED = 20_261_207
CHANGES = ("gap", "bucket", "settings")
STEPS = ("decide", "events", "sessions", "nothing")
VISITOR = f"{1:016x}"


class Dies(Exception):
    """The process ends here."""


class Dying(Writer):
    """Dies behind one of the steps of the next batch."""

    at = "nothing"

    def decide(self, *given: Any) -> None:
        super().decide(*given)
        self._die("decide")

    def insert_columns(self, *given: Any) -> None:
        super().insert_columns(*given)
        self._die("events")

    def insert_sessions(self, *given: Any) -> None:
        super().insert_sessions(*given)
        self._die("sessions")

    def _die(self, step: str) -> None:
        if self.at == step:
            raise Dies(step)


def change(patch: pytest.MonkeyPatch, what: str) -> None:
    """The other rule, for all workers of this process until the patch is taken back."""
    if what == "gap":
        for module in (memory, visitor):
            patch.setattr(module, "GAP", 20 * MINUTE)
    elif what == "bucket":
        patch.setattr(rows, "bucket", lambda limits, **_: "skimmer")


def settings(what: str) -> SiteSettings:
    return SiteSettings.model_validate({"pairs": [["pageview", "never"]]} if what == "settings" else {})


class Stand:
    """One member of the group on real parts, in which one worker after the other lives and dies."""

    def __init__(self, log: Log, redis: Redis, client: Client) -> None:
        self.log, self.client = log, client
        self.writer = Dying(client)
        self.consumer = log.consumer()
        numbers = count()
        self.world = World(
            consumer=self.consumer,
            writer=self.writer,
            redis=redis,
            past=partial(past, client),
            newest=partial(newest, client),
            dead=log.dead(),
            lookup=lambda *_: settings(""),
            metrics=Metrics(CollectorRegistry()),
            nonce=lambda: f"{log.topic}-{next(numbers)}",
            now=lambda: START + 10_000 * DAY,
        )

    def append(self, line: list[Event] | Rebuild) -> None:
        """One record: it is one batch."""
        site = line.site if isinstance(line, Rebuild) else line[0].site

        async def send() -> None:
            producer = self.log.producer()
            await producer.start()
            await producer.append(
                partition_of(site, VISITOR, producer.partitions), encode([line] if isinstance(line, Rebuild) else line)
            )
            await producer.close()

        asyncio.run(send())

    def work(self, until: Callable[[], bool], what: str = "", dies_at: str = "nothing") -> bool:
        """A worker with this change of the rule, until its end; True if it died."""
        self.writer.at = dies_at
        worker = Worker(replace(self.world, lookup=lambda *_: settings(what)), limits=Limits(seconds=0.01))
        end = time.monotonic() + 60
        with pytest.MonkeyPatch.context() as patch:
            change(patch, what)
            while not until():
                assert time.monotonic() < end
                try:
                    worker.turn()
                except Dies:
                    return True
        return False

    def finish(self, what: str = "") -> None:
        """A worker with this change of the rule until everything on the log has its marker."""

        def done() -> bool:
            marked = [self.writer.position(self.consumer.log_id(), p) or 0 for p in range(self.consumer.partitions)]
            return all(end >= self.consumer.bounds(p).end for p, end in enumerate(marked))

        self.work(done, what)

    def differences(self, site: str) -> list[str]:
        return [each.table for each in verify(self.client, site=site, wait_seconds=5)]


# The rule is what changes here, and no log knows of it.
@pytest.fixture(params=["redis", pytest.param("kafka", marks=pytest.mark.nightly)])
def stand(request: pytest.FixtureRequest, redis_url: str, clickhouse_url: str) -> Iterator[Stand]:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    with Redis.from_url(redis_url) as redis:
        standing = Stand(made(request.param, request), redis, client)
        yield standing
        standing.consumer.close()
        standing.world.dead.close()
    client.close()


def history(seed: int, site: str) -> tuple[list[Event], list[Event]]:
    """One visitor's events: what was counted long ago, and the batch of the crash."""
    events = [msgspec.structs.replace(event, site=site) for event in stream(seed, 40, visitors=1, silence=False)]
    return events[:20], events[20:]


def sessions(events: list[Event], what: str) -> list[tuple[Any, ...]]:
    """By one fold under a rule."""
    with pytest.MonkeyPatch.context() as patch:
        change(patch, what)
        entries = visits([Entry(n, 0, event) for n, event in enumerate(events)])
        folded = fold(Known({}, {}, 0), 0, entries, 1, lambda *_: settings(what))
    return sorted((row.start, row.end, row.bucket) for row in folded.rows)


@pytest.mark.parametrize("draws", [3, pytest.param(30, marks=pytest.mark.nightly)])
def test_what_was_decided_before_the_rule_changed_stands(stand: Stand, draws: int) -> None:
    random_ = random.Random(SEED)
    changed = 0
    for number in range(draws):
        site, what, step = f"site{number}", CHANGES[number % 3], random_.choice(STEPS[:3])
        before, batch = history(random_.randrange(2**32), site)
        stand.append(before)
        stand.finish()
        stand.append(batch)
        assert stand.work(lambda: False, dies_at=step)
        stand.finish(what)
        assert stand.differences(site) == [], f"seed {SEED}, draw {number}: {what} changed after {step}"
        changed += sessions(before + batch, what) != sessions(before + batch, "")
    assert changed > draws // 2, "these changes change nothing"


@pytest.mark.parametrize("draws", [3, pytest.param(30, marks=pytest.mark.nightly)])
def test_what_an_earlier_rule_decided_is_put_right_by_a_rebuild(stand: Stand, draws: int) -> None:
    random_ = random.Random(SEED)
    differed = 0
    for number in range(draws):
        site, what, step = f"site{number}", CHANGES[number % 3], random_.choice(STEPS[:3])
        before, batch = history(random_.randrange(2**32), site)
        stand.append(before)
        stand.finish(what)
        stand.append(batch[:10])
        assert stand.work(lambda: False, what, dies_at=step)
        stand.finish()
        found = stand.differences(site)
        assert set(found) <= {"sessions"}, f"seed {SEED}, draw {number}: a rollup is not the sum of its rows: {found}"
        differed += bool(found)
        # New events of the visitor, judged by the new rule in between.
        stand.append(batch[10:])
        stand.append(Rebuild(site, [VISITOR], 0, batch[-1].received))
        stand.finish()
        assert stand.differences(site) == [], f"seed {SEED}, draw {number}: {what} changed after {step}"
    assert differed, "these changes change nothing"
