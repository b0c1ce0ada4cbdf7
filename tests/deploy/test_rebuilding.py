"""Rebuilds that were asked for: one process is at it, once, with the newest wish. On a stack: tests/browser."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from deploy import rebuilding as module
from deploy.folder import StackError
from deploy.rebuild import Progress
from deploy.rebuilding import Over, Rebuilding
from deploy.settings import Settings
from ingest.contract import wish
from rollups import rebuild as rebuilds
from rollups.client import Client, connect
from rollups.migrate import migrate

pytestmark = pytest.mark.services
Run = Callable[[str, int, Callable[[Progress], None], Callable[[], None]], int]


class Bench:
    """A process that sees to rebuilds, with `run` for what the command does."""

    def __init__(self, clickhouse: str, redis: str, patch: pytest.MonkeyPatch) -> None:
        self.runs: list[tuple[str, int]] = []
        self.settings = replace(Settings(), clickhouse=clickhouse, redis=redis)
        self.client: Client = connect(clickhouse)
        self.redis = Redis.from_url(redis)
        self.run: Run = lambda site, revision, progress, tick: 3
        self.stop = threading.Event()

        def rebuild(_: Settings, site: str, revision: int, progress: Any, tick: Any) -> int:
            self.runs.append((site, revision))
            return self.run(site, revision, progress, tick)

        patch.setattr(module, "rebuild", rebuild)

    def process(self) -> Rebuilding:
        return Rebuilding(self.settings, self.stop)

    def ask(self, site: str, revision: int, at: int = 1) -> None:
        rebuilds.accept(self.client, site, revision, at)
        wish.wake(self.redis, "rebuilding")

    def state(self, site: str) -> tuple[str, int, int]:
        one = rebuilds.latest(self.client, site)
        assert one is not None
        return one.state, one.done, one.visitors


@pytest.fixture
def bench(clickhouse_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    migrate(clickhouse_url)
    made = Bench(clickhouse_url, redis_url, monkeypatch)
    yield made
    made.client.close()
    made.redis.close()


def test_each_wish_is_seen_to_once_by_one_process(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    first.look()
    bench.ask("first1", 4)
    bench.ask("second", 5)

    def meanwhile(site: str, revision: int, progress: Callable[[Progress], None], tick: Callable[[], None]) -> int:
        tick()
        second.look()
        progress(Progress(2, 3))
        assert bench.state(site) == ("running", 2, 3)
        return 3

    bench.run = meanwhile
    first.look()
    assert bench.runs == [("first1", 4), ("second", 5)]
    assert bench.state("first1") == bench.state("second") == ("done", 3, 3)
    second.look()
    first.look()
    assert len(bench.runs) == 2


def test_a_newer_wish_ends_the_older_and_a_stopped_process_is_followed(bench: Bench) -> None:
    process = bench.process()

    def overtaken(site: str, revision: int, progress: Callable[[Progress], None], tick: Callable[[], None]) -> int:
        progress(Progress(1, 3))
        bench.ask(site, 5)
        progress(Progress(2, 3))
        raise AssertionError("it went on")

    bench.run = overtaken
    bench.ask("first1", 4)
    with pytest.raises(Over):
        process.look()

    def stopped(site: str, revision: int, progress: Callable[[Progress], None], tick: Callable[[], None]) -> int:
        bench.stop.set()
        tick()
        raise AssertionError("it went on")

    bench.run = stopped
    with pytest.raises(Over):
        process.look()
    assert bench.state("first1") == ("running", 0, 0)
    bench.stop.clear()
    bench.run = lambda site, revision, progress, tick: 3
    bench.process().look()
    assert bench.runs == [("first1", 4), ("first1", 5), ("first1", 5)]
    assert bench.state("first1") == ("done", 3, 3)


def test_what_never_ends_has_failed_and_keeps_nobody_else(bench: Bench) -> None:
    def fails(site: str, revision: int, progress: Callable[[Progress], None], tick: Callable[[], None]) -> int:
        if site == "first1":
            raise StackError("the workers do not count")
        return 3

    bench.run = fails
    bench.ask("first1", 4)
    bench.ask("second", 4, at=2)
    for _ in range(rebuilds.TRIES):
        with pytest.raises(StackError):
            bench.process().look()
    assert bench.state("first1")[0] == "running"
    bench.process().look()
    assert bench.state("first1")[0] == "failed" and bench.state("second")[0] == "done"
    bench.process().look()
    assert len(bench.runs) == rebuilds.TRIES + 1
