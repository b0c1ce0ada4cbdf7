"""What a worker says of itself, by an injected clock; and a worker on fakes that writes it."""

from collections.abc import Callable
from typing import cast

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis, RedisError

from ingest.contract.event import encode
from ingest.log.protocol import LogUnavailable, Record
from rollups.client import ClickHouseUnavailable
from rollups.decided import Running
from tests.log.fake import FakeConsumer, FakeDead, FakeLog
from tests.workers.fake_store import FakeRedis, FakeStore
from tests.workers.fake_tables import Tables
from tests.workers.fake_writer import FakeWriter
from tests.workers.fakes import newest, past
from tests.workers.streams import stream
from tests.workers.test_protocol import lookup
from workers import take
from workers.loop import Worker
from workers.metrics import Metrics
from workers.report import Report
from workers.room import NoRoom
from workers.slot import Limits
from workers.state import Moved
from workers.world import Paused, World


def test_a_loop_that_turns_is_well() -> None:
    report = Report(100.0)
    report.turned({0, 1}, 120.0)
    assert report.health(149.0) == {"worker": "ok", "event log": "ok", "partition 0": "ok", "partition 1": "ok"}


def test_a_loop_that_hangs_says_at_what() -> None:
    report = Report(100.0)
    report.turned({2}, 120.0)
    report.begun("counting a batch of partition 2", 121.0)
    assert report.health(150.0)["worker"] == "ok"
    assert report.health(166.0)["worker"].startswith("counting a batch of partition 2 for 45 s")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClickHouseUnavailable("HTTPConnectionPool(host='10.9.8.7'): timed out"), "ClickHouse does not answer"),
        (ClickHouseUnavailable("Code: 395, secret", 395), "ClickHouse fails it (its error 395)"),
        (ClickHouseUnavailable("Code: 243, secret", 243), "there is no room on ClickHouse's disk"),
        (NoRoom("3 % of the disk is free"), "3 % of the disk is free"),
        (RedisError("10.9.8.7:6379"), "Redis is away"),
        (LogUnavailable("10.9.8.7:9092"), "the event log is away"),
        (Paused(), "a migration holds the workers"),
        (Running("log/0/5"), "an insert still runs"),
        (Moved("save"), "its states are another worker's, or lost"),
    ],
)
def test_a_partition_that_stays_failed_says_why_in_plain_words(error: Exception, words: str) -> None:
    report = Report(0.0)
    report.turned({0, 1}, 100.0)
    report.failed(1, error, 1, 77, 100.0)
    report.failed(1, error, 4, None, 109.0)
    assert report.health(110.0)["partition 1"] == "ok"
    report.turned({0, 1}, 112.0)
    assert report.health(112.0)["partition 1"] == f"{words}, the batch at 77, for 12 s, 4 attempts"
    assert report.health(112.0)["partition 0"] == "ok"
    assert report.failing(1, 112.0) == 12.0


def test_a_partition_that_is_taken_and_fails_again_has_failed_since_the_first_time() -> None:
    report = Report(0.0)
    report.failed(0, RedisError(), 1, None, 100.0)
    report.taken(0)
    assert report.health(120.0)["partition 0"] == "ok"
    report.failed(0, RedisError(), 2, None, 121.0)
    assert report.health(121.0)["partition 0"] == "Redis is away, for 21 s, 2 attempts"
    report.counted(0, 5, 122.0)
    report.failed(0, RedisError(), 1, None, 123.0)
    assert report.health(124.0)["partition 0"] == "ok"


def test_the_log_is_away_until_a_turn_ends() -> None:
    report = Report(100.0)
    report.log_away(1, 101.0)
    report.log_away(9, 140.0)
    assert report.health(141.0) == {"worker": "ok", "event log": "the event log is away, for 40 s, 9 attempts"}
    report.turned(set(), 142.0)
    assert report.health(142.0)["event log"] == "ok"


def test_what_was_lost_to_another_worker_ails_nobody() -> None:
    report = Report(0.0)
    report.failed(0, RedisError(), 1, None, 0.0)
    report.counted(1, 7, 20.0)
    report.turned({1}, 20.0)
    assert "partition 0" not in report.health(20.0)
    assert report.lately(21.5)["partition 1"] == "counted up to 7, 1.5 s ago"


class Bench:
    """One worker over one partition on fakes, whose clock moves only by hand; `trouble` is called at every effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, events: int = 40, lines: int = 16) -> None:
        self.now = 1_000.0
        self.trouble: Callable[[str], None] = lambda _: None
        self.lacking = ""
        self.patience: list[tuple[str, float]] = []
        made = stream(3, events, silence=False)
        log = FakeLog({0: [Record(0, n, encode([event])) for n, event in enumerate(made)]})
        consumer = FakeConsumer(log, lambda name: self.trouble(name), lambda: 1_000)
        log.give(0, consumer)
        monkeypatch.setattr(take, "Store", FakeStore)
        monkeypatch.setattr(FakeStore, "point", staticmethod(lambda name: self.trouble(name)))
        self.tables, self.report, self.metrics = Tables(), Report(self.now), CollectorRegistry()
        self.received = made[0].received
        writer = FakeWriter(self.tables, self.effect, lambda _: None)
        self.worker = Worker(
            World(
                consumer=consumer,
                writer=writer,
                redis=cast(Redis, FakeRedis()),
                past=past(self.tables),
                newest=lambda: newest(self.tables),
                dead=FakeDead(),
                lookup=lookup,
                metrics=Metrics(self.metrics),
                nonce=lambda: "n",
                now=lambda: self.received + int(self.now * 1000),
                lacking=lambda: self.lacking,
            ),
            limits=Limits(seconds=0, lines=lines),
            clock=lambda: self.now,
            report=self.report,
        )
        self.writer = writer

    def effect(self, name: str) -> None:
        self.patience.append((name, self.writer.patience))
        self.trouble(name)

    def gauge(self, name: str) -> float | None:
        return self.metrics.get_sample_value(f"throughline_worker_{name}_seconds", {"partition": "0"})

    def turn(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.worker.turn()


def test_an_insert_that_still_runs_is_looked_at_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    bench.turn()  # takes it

    def times_out(name: str) -> None:
        if name == "before insert events":
            raise ClickHouseUnavailable("timed out")

    bench.trouble = times_out
    bench.turn(1.0)
    looks = 0

    def runs(name: str) -> None:
        nonlocal looks
        if name == "running":
            looks += 1
            raise Running("runs")

    bench.trouble = runs
    for _ in range(100):
        bench.turn(0.5)
    assert 20 <= looks <= 26
    assert bench.gauge("failing") == 50.0
    assert bench.report.health(bench.now)["partition 0"].startswith("an insert still runs, the batch at 0, for 50 s")
    bench.trouble = lambda _: None
    bench.patience.clear()
    for _ in range(8):
        bench.turn(2.0)
    # One failure, however often it was looked at; and none once a batch is counted.
    assert bench.patience[0][1] == 40.0
    assert bench.patience[-1][1] == 20.0
    assert bench.gauge("failing") == 0.0
    assert len(bench.tables.event_rows()) == 40


def test_a_batch_that_clickhouse_fails_is_waited_for_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)

    def times_out(name: str) -> None:
        if name == "before insert events":
            raise ClickHouseUnavailable("timed out")

    bench.trouble = times_out
    for _ in range(9):
        bench.turn(20.0)
    tried = [seconds for name, seconds in bench.patience if name == "before insert events"]
    assert tried[:7] == [20, 40, 80, 160, 320, 640, 640]


def test_the_batch_after_a_failed_one_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, failures = Bench(monkeypatch, 1_000, 800), iter([True])

    def fails_once(name: str) -> None:
        if name == "before insert events" and next(failures, False):
            raise ClickHouseUnavailable("timed out")

    bench.trouble = fails_once
    for _ in range(8):
        bench.turn(20.0)
    assert [batch.b - batch.a for batch in bench.tables.decided.values()] == [400, 200, 400]


def test_lag_is_how_long_the_oldest_uncounted_event_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)

    def away(name: str) -> None:
        if name == "before decide":
            raise ClickHouseUnavailable("away")

    bench.trouble = away
    bench.turn()
    for _ in range(3):
        bench.turn(30.0)
    # Its receipt was at 0 s of this clock.
    assert bench.gauge("lag") == pytest.approx(bench.now, abs=0.01)
    bench.trouble = lambda _: None
    for _ in range(20):  # a batch a turn, small ones after the failures
        bench.turn(20.0)
    assert bench.gauge("lag") == 0.0
    # The loop hangs: nobody knows what has come since.
    bench.now += 60.0
    assert bench.gauge("lag") == 60.0


def test_nothing_is_begun_while_a_disk_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    bench.lacking = "3 % of the disk is free"
    for _ in range(10):
        bench.turn(2.0)
    assert not bench.tables.decided
    assert bench.report.health(bench.now)["partition 0"].startswith("3 % of the disk is free")
    bench.lacking = ""
    bench.turn(2.0)
    bench.turn(2.0)
    counted = len(bench.tables.event_rows())
    assert counted
    bench.lacking = "3 % of the disk is free"
    for _ in range(10):
        bench.turn(2.0)
    assert len(bench.tables.event_rows()) == counted
    bench.lacking = ""
    for _ in range(10):
        bench.turn(2.0)
    assert len(bench.tables.event_rows()) == 40
    assert bench.report.health(bench.now)["partition 0"] == "ok"
