"""The five steps under random schedules, watched by somebody who keeps answers: one revision, one state of the data."""

import random
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from ingest.contract.revision import UNSURE_MS, Revisions
from tests.workers.fake_store import FakeStore
from tests.workers.test_protocol import Crash, Simulation, records
from workers import take

pytestmark = pytest.mark.services

SITE = "abcdef"
ANSWERED = ("events", "sessions", "events rollup", "sessions rollup")


class Watched(Simulation):
    """Looks wherever anything may happen. What an api sees of ClickHouse by itself is part of the revision."""

    def __init__(self, redis: Redis, seed: int, trouble: float) -> None:
        self.revisions = Revisions(redis, lambda: self.now)
        self.server, self.now, self.lost = redis, UNSURE_MS + 1, 0
        self.known: dict[Any, int] = {}
        self.seen_between = 0
        redis.flushdb()
        Revisions(redis, lambda: 0).read([])
        super().__init__(seed, records(seed, 40), trouble)

    def start(self) -> None:
        super().start()
        worker = vars(self.workers[-1][0])
        worker["_world"] = replace(worker["_world"], changing=self.revisions.changing, left=self.revisions.left)

    def point(self, name: str) -> None:
        self.look()
        try:
            super().point(name)
        finally:
            if self.seen["lose"] > self.lost:
                self.lost = self.seen["lose"]
                self.server.flushdb()
            self.look()

    def look(self) -> None:
        revision = self.revisions.read([SITE])
        if revision is None:
            return
        self.seen_between += 1
        tables = self.tables
        standing = (tables.life, sum(part.table == "settled" for part in tables.parts))
        rows = sum(part.table in ANSWERED for part in tables.parts)
        assert self.known.setdefault((revision.name, standing), rows) == rows


class Dies(Watched):
    """The first worker that gets to a marker dies there."""

    died = False

    def point(self, name: str) -> None:
        super().point(name)
        if name == "before mark" and not self.died:
            self.died = True
            assert self.revisions.read([SITE]) is None
            raise Crash(name)


def watch(redis: Redis, monkeypatch: pytest.MonkeyPatch, seed: int, trouble: float, kind: type[Watched]) -> Watched:
    simulation = kind(redis, seed, trouble)
    monkeypatch.setattr(take, "Store", FakeStore)
    monkeypatch.setattr(FakeStore, "room", random.Random(seed).choice([1, 2, 1_000]))
    simulation.run()
    assert simulation.lost or simulation.revisions.read([SITE]) is not None, "nothing is left open"
    return simulation


@pytest.mark.parametrize("trouble", [0.0, 0.03, 0.15])
def test_no_revision_is_of_two_states_of_the_data(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, trouble: float
) -> None:
    with Redis.from_url(redis_url) as redis:
        seen = [watch(redis, monkeypatch, seed, trouble, Watched) for seed in range(10)]
        assert sum(each.seen_between for each in seen) > 500
        assert sum(len(each.known) for each in seen) > 20


def test_what_a_worker_left_that_died_is_ended_by_who_takes_its_partition(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Redis.from_url(redis_url) as redis:
        watch(redis, monkeypatch, 1, 0.0, Dies)
