"""A batch that ClickHouse refuses for ever, on real services: set aside, replayed, and safe from whoever comes late."""
# ruff: noqa: S608 - names of our own tables

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgspec
import pytest

from ingest.contract.event import Event
from ingest.log.dead import replay
from ingest.log.dead_redis import RedisDeadLetters
from ingest.log.partition import partition as partition_of
from ingest.log.protocol import Bounds
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from rollups import control
from rollups.client import ClickHouseUnavailable
from rollups.decided import Outlived, Running
from rollups.verify import verify
from rollups.write import Writer
from tests.workers.streams import SITE, START
from tests.workers.test_real import PARTITIONS, Stack, expected
from tests.workers.test_real import stack as stack  # the fixture
from workers import aside
from workers import blob as blobs
from workers.aside import Aside, Refused, Stuck, set_aside, stuck
from workers.batch import insert
from workers.read import read
from workers.world import World

pytestmark = pytest.mark.services

BAD = f"{1:016x}"
PARTITION = partition_of(SITE, BAD, PARTITIONS)


class Dies(BaseException):
    """The process ends here."""


def refuse(stack: Stack, table: str) -> None:
    """From now on a view behind the table throws on what is bad."""
    which = "title = 'bad'" if table == "events" else "has(ev_type, 'bad')"
    stack.client.command("CREATE TABLE refused (x UInt8) ENGINE = Memory")
    stack.client.command(
        f"CREATE MATERIALIZED VIEW refusing TO refused AS SELECT 1 AS x FROM {table} WHERE throwIf({which})"
    )


def accept(stack: Stack) -> None:
    stack.client.command("DROP TABLE refusing SYNC")


def blocked(stack: Stack, good: list[Event], bad: list[Event]) -> Stuck:
    """The batch of `bad` half inserted, its worker gone."""
    stack.append([*good])
    stack.run(lambda: stack.lines() == len(good))
    stack.append([*bad])
    world = stack.world()
    stack.run(lambda: retries(world) > 0, world)
    found = stand(stack)
    assert found is not None and found.whole
    return found


def stand(stack: Stack) -> Stuck | None:
    with closing(RedisConsumer(stack.url, partitions=PARTITIONS)) as consumer:
        return stuck(stack.client, consumer, PARTITION, "a test")


def put(stack: Stack, found: Stuck) -> Aside:
    with closing(RedisDeadLetters(stack.url)) as dead:
        return set_aside(stack.client, dead, [found], wait_seconds=5, grace_seconds=0)


def replayed(stack: Stack) -> int:
    async def go() -> int:
        producer = RedisProducer(stack.url, partitions=PARTITIONS)
        await producer.start()
        with closing(RedisDeadLetters(stack.url)) as dead:
            sent = (await replay(dead, producer)).sent
        await producer.close()
        return sent

    return asyncio.run(go())


def numbers(stack: Stack) -> list[Any]:
    """Everything that answers are made of."""
    every = [stack.sessions(), stack.lines()]
    for table, measures in (("ledger", "events"), ("element", "times"), ("series", "sessions"), ("data_key", "events")):
        every += stack.client.rows(f"SELECT sum({measures}) AS n FROM {table}")
    return every


def late(stack: Stack, found: Stuck, step: Callable[[Writer], None] | None = None) -> None:
    """A worker that stood still since it read the decision goes on: with all of it, or with one step."""
    with closing(RedisConsumer(stack.url, partitions=PARTITIONS)) as consumer:
        decided = found.decided
        entries, letters = read(decided.log, consumer.read(PARTITION, decided.a, decided.b), 2**62)
    world = stack.world()
    with pytest.raises(ClickHouseUnavailable, match="aside_"):
        if step:
            step(world.writer)
        else:
            insert(world, decided, blobs.decode(decided.blob), entries, letters)
    world.consumer.close()


def visits_of(visitor: str, number: int, begin: int = START, **more: Any) -> list[Event]:
    """Pageviews a minute apart, in one session."""
    made = [
        Event(
            site=SITE,
            visitor=visitor,
            id=f"{visitor}/{begin}/{n}",
            type="pageview",
            time=begin + n * 60_000,
            received=begin + n * 60_000,
            page="/x",
            settings=1,
        )
        for n in range(number)
    ]
    return [msgspec.structs.replace(event, **more) for event in made]


GOOD = visits_of(BAD, 3)
LONG_AGO = visits_of(BAD, 2, START - 50 * 86_400_000)
# Goes on with a session that is counted, begins another in another month.
CUSTOM = visits_of(BAD, 1, START + 300_000, type="bad", title="bad", data='{"plan":"pro"}')
WORSE = [*CUSTOM, *LONG_AGO]


@pytest.mark.parametrize("table", ["events", "sessions"])
def test_a_batch_that_is_refused_for_ever_is_set_aside_and_counts_when_it_is_replayed(stack: Stack, table: str) -> None:
    refuse(stack, table)
    found = blocked(stack, GOOD, WORSE)
    after = visits_of(BAD, 2, START + 600_000)

    done = put(stack, found)
    assert done.lines == 3
    assert done.sessions == (0 if table == "events" else 3)
    assert stand(stack) is None and control.unfinished(stack.client) == []
    assert stack.sessions() == expected(GOOD)
    with closing(RedisDeadLetters(stack.url)) as dead:
        kept = [(letter.reason, letter.offset) for letter in dead.letters()]
    assert kept == [("set aside: a test", letter.offset) for letter in found.letters] and len(kept) == 3

    # The partition goes on, and nothing of the batch is believed to have been seen.
    stack.append([*after])
    stack.run(lambda: stack.lines() == 5)
    assert stack.sessions() == expected([*GOOD, *after])
    accept(stack)
    assert list(verify(stack.client, wait_seconds=0)) == []

    assert replayed(stack) == 3
    stack.run(lambda: stack.lines() == 8)
    assert stack.sessions() == expected([*GOOD, *after, *WORSE])
    assert list(verify(stack.client, wait_seconds=0)) == []
    assert replayed(stack) == 0


def test_once_set_aside_a_worker_that_comes_late_or_a_second_operator_changes_nothing(stack: Stack) -> None:
    refuse(stack, "sessions")
    found = blocked(stack, GOOD, WORSE)
    put(stack, found)
    accept(stack)
    before = numbers(stack)
    marks = stack.marks()

    late(stack, found)
    decided, decision = found.decided, blobs.decode(found.decided.blob)
    token = Writer.token(decided.log, decided.partition, decided.a)
    late(stack, found, lambda writer: writer.insert_sessions(token, decision.rows))
    batch = decided.log, decided.partition, decided.a, decided.b
    late(stack, found, lambda writer: writer.mark(*batch, decision.clock, {"counted": 3}))
    with pytest.raises(Refused, match="finished meanwhile"):
        put(stack, found)
    assert numbers(stack) == before and stack.marks() == marks
    with closing(RedisDeadLetters(stack.url)) as dead:
        assert dead.count() == 3
    assert list(verify(stack.client, wait_seconds=0)) == []


def test_killed_anywhere_it_completes_when_it_is_run_again(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(stack, "sessions")
    found = blocked(stack, GOOD, WORSE)
    places: list[tuple[Any, str, bool, int]] = [
        (aside, "_fence", True, 0),
        (aside, "make_stale", True, 0),
        (aside, "_undo", False, 0),
        (aside, "_undo", True, 0),
        (aside, "build_stale", True, 0),
        (RedisDeadLetters, "append", True, 1),
        (Writer, "mark", False, 3),
    ]
    for where, name, done, letters in places:
        with monkeypatch.context() as patch, pytest.raises(Dies):
            patch.setattr(where, name, dying(getattr(where, name), done))
            put(stack, found)
        with closing(RedisDeadLetters(stack.url)) as dead:  # never while a line still counts
            assert dead.count() == letters
    accept(stack)
    # A worker in between cannot finish the batch any more: it would have to insert what was undone.
    with pytest.raises(AssertionError, match=f"was begun: .* throughline batch set-aside {PARTITION} "):
        stack.run(lambda: False)

    again = stand(stack)
    assert again is not None and again.decided == found.decided
    assert put(stack, again) == Aside(0, 0, [])
    assert stack.sessions() == expected(GOOD)
    assert list(verify(stack.client, wait_seconds=0)) == []
    assert replayed(stack) == 3
    stack.run(lambda: stack.lines() == 6)
    assert stack.sessions() == expected([*GOOD, *WORSE])
    assert list(verify(stack.client, wait_seconds=0)) == []


def dying(intact: Callable[..., Any], done: bool) -> Callable[..., None]:
    """The process ends before or after this call."""

    def call(*arguments: Any, **more: Any) -> None:
        if done:
            intact(*arguments, **more)
        raise Dies

    return call


def retries(world: World) -> float:
    """How often a worker has met a ClickHouse that refuses."""
    return sum(
        sample.value
        for metric in world.metrics.retries.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels == {"cause": "ClickHouseUnavailable"}
    )


def test_records_that_the_log_has_lost_are_told_and_the_others_kept_however_old_the_batch(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(stack, "sessions")
    found = blocked(stack, GOOD, WORSE)

    monkeypatch.setattr("rollups.write.WINDOW", 0)
    monkeypatch.setattr("rollups.write._YOUNG_SECONDS", -1)
    with pytest.raises(Outlived):
        Writer(stack.client).decided(found.decided.log, PARTITION, found.decided.a)

    class Shortened(RedisConsumer):
        def bounds(self, partition: int) -> Bounds:
            return Bounds(found.letters[1].offset, super().bounds(partition).end)

    with closing(Shortened(stack.url, partitions=PARTITIONS)) as consumer:
        left = stuck(stack.client, consumer, PARTITION, "a test")
    assert left is not None and not left.whole
    assert left.letters == found.letters[1:]
    assert put(stack, left).lines == 3
    assert stack.sessions() == expected(GOOD)


def test_an_insert_that_still_runs_is_waited_for_and_other_batches_too(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(stack, "sessions")
    found = blocked(stack, GOOD, WORSE)
    monkeypatch.setattr(Writer, "refuse_running", running)
    with closing(RedisDeadLetters(stack.url)) as dead:
        with pytest.raises(Running):
            set_aside(stack.client, dead, [found], wait_seconds=0, grace_seconds=0)
        stack.client.command(
            "INSERT INTO decision (log, partition, a, b, nonce, blob) VALUES ('other', 0, 0, 5, 'n', '')"
        )
        with pytest.raises(control.Unfinished, match="other/0/0"):
            set_aside(stack.client, dead, [found], wait_seconds=0, grace_seconds=0)
        monkeypatch.setattr(aside, "LIMIT", 2)
        with pytest.raises(Refused, match="more than 2"):
            set_aside(stack.client, dead, [found], wait_seconds=0, grace_seconds=0)
        assert dead.count() == 0


def running(*_: object) -> None:
    raise Running("an insert runs")
