"""A Redis that was put back, on real services: its log, the letters beside it, the states, an unfinished batch."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_fields
from redis import Redis

from deploy import torn
from deploy.settings import Settings
from ingest.contract.event import Event, encode
from ingest.log import stream
from ingest.log.dead_redis import RedisDeadLetters
from ingest.log.protocol import Record
from ingest.log.redis_consumer import RedisConsumer
from ingest.log.redis_producer import RedisProducer
from rollups import control
from rollups.verify import verify
from rollups.write import Writer
from tests.workers.test_aside import PARTITION, Dies, accept, put, refuse, replayed, stand, visits_of
from tests.workers.test_real import Stack, expected
from tests.workers.test_real import stack as stack  # the fixture
from workers.state import Store

pytestmark = pytest.mark.services

WHO = f"{1:016x}"
LATER = 60 * 60_000  # another session
KEY = stream.Keys("events").stream(PARTITION)


@contextmanager
def put_back(redis: Redis) -> Iterator[None]:
    """What happens to Redis within is undone at the end."""
    held: dict[Any, Any] = {key: redis.dump(key) for key in redis.keys("*")}
    yield
    redis.flushdb()
    for key, value in held.items():
        redis.restore(key, 0, value)


def some(first: int, number: int) -> list[Event]:
    """Sessions of one event each."""
    return [event for n in range(first, first + number) for event in visits_of(WHO, 1, 1_772_000_000_000 + n * LATER)]


def rollbacks(stack: Stack) -> list[dict[str, object]]:
    return stack.client.rows("SELECT partition, kept, counted FROM put_back")


def clean(stack: Stack) -> bool:
    return not list(verify(stack.client, wait_seconds=0))


def left_unfinished(stack: Stack, table: str, *batches: list[Event]) -> None:
    """One batch of these records, of which the inserts from `table` on were refused; its worker is gone."""
    refuse(stack, table)
    for events in batches:
        stack.append([*events])
    world = stack.world()
    stack.run(lambda: bool(control.unfinished(stack.client)), world)
    accept(stack)


def last_id(stack: Stack) -> str:
    found: Any = stack.redis.xrevrange(KEY, count=1)
    return str(found[0][0].decode())


class Hasty(Writer):
    """Decides, and dies before it inserts anything."""

    def insert_columns(self, *_: object) -> None:
        raise RuntimeError("dies here")


def bad(events: list[Event]) -> list[Event]:
    return [with_fields(event, type="bad", title="bad") for event in events]


def test_what_was_counted_stays_counted_and_what_is_left_is_counted_once_and_it_is_told(stack: Stack) -> None:
    stack.append([*some(0, 2)])
    stack.run(lambda: stack.lines() == 2)
    with put_back(stack.redis):
        stack.append([*some(2, 2)])
        stack.run(lambda: stack.lines() == 4)
        stack.append([*some(4, 1)])  # lost: nobody counted it
    stack.append([*some(5, 2)])
    world = stack.world()
    stack.run(lambda: stack.lines() == 6, world)
    assert stack.sessions() == expected([*some(0, 4), *some(5, 2)])
    assert clean(stack)
    assert [row["partition"] for row in rollbacks(stack)] == [PARTITION]
    assert world.metrics.rollbacks._value.get() == 1  # noqa: SLF001 - there is no other way to read a counter
    stack.run(lambda: True)
    assert len(rollbacks(stack)) == 1


@pytest.mark.parametrize("table", ["events", "sessions"], ids=["a view lacks them", "without sessions"])
def test_an_open_batch_whose_lines_are_all_stored_is_finished_without_its_records(stack: Stack, table: str) -> None:
    stack.append([*some(0, 1)])
    stack.run(lambda: stack.lines() == 1)
    with put_back(stack.redis):
        left_unfinished(stack, table, bad(some(1, 2)))
    assert stack.lines() == 3
    stack.append([*some(3, 1)])
    stack.run(lambda: stack.lines() == 4)
    assert stack.sessions() == expected([*some(0, 1), *bad(some(1, 2)), *some(3, 1)])
    assert clean(stack)


@pytest.mark.parametrize("reused", [False, True], ids=["gone", "others at their offsets"])
@pytest.mark.parametrize("by", ["command", "itself"])
def test_an_open_batch_of_which_a_part_is_gone_counts_what_is_left(
    stack: Stack, clickhouse_url: str, reused: bool, by: str
) -> None:
    stack.append([*some(0, 1)])
    stack.run(lambda: stack.lines() == 1)
    kept, lost = bad(some(1, 2)), bad(some(3, 2))
    # The batch: records that the earlier copy has, and one that it has not.
    stack.append([*kept])
    with put_back(stack.redis):
        stack.append([*lost])
        with pytest.raises(AssertionError, match="dies here"):
            stack.run(lambda: False, replace(stack.world(), writer=Hasty(stack.client)))
        last = last_id(stack)
    if reused:  # by a clock that was behind
        others = bad(some(7, 1))
        stack.redis.xadd(KEY, {"v": stream.compress(encode([*others]))}, id=last)
    assert stack.lines() == 1
    with pytest.raises(AssertionError, match=f"throughline batch set-aside {PARTITION} --lost"):
        stack.run(lambda: False)
    found = stand(stack)
    assert found is not None and not found.whole
    expected_ = [*some(0, 1), *kept, *(others if reused else [])]
    if by == "command":
        assert put(stack, found).sessions == 0
        assert replayed(stack) == len(expected_) - 1
    else:
        settings = Settings(event_log=stack.url, redis=stack.url, clickhouse=clickhouse_url)
        for _ in range(2):
            torn.mend(settings, PARTITION)
    stack.run(lambda: stack.lines() == len(expected_))
    assert stack.sessions() == expected(expected_)
    assert clean(stack)


@pytest.mark.parametrize("at", ["begin", "append", "finish", "mark"])
def test_a_worker_that_dies_while_it_puts_lines_back_leaves_them_to_the_next(
    stack: Stack, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    kept = bad(some(0, 2))
    for event in kept:
        stack.append([event])
    with put_back(stack.redis):
        stack.append([*bad(some(2, 1))])
        with pytest.raises(AssertionError, match="dies here"):
            stack.run(lambda: False, replace(stack.world(), writer=Hasty(stack.client)))
    settings = Settings(event_log=stack.url, redis=stack.url, clickhouse=clickhouse_url)
    where = {"begin": RedisDeadLetters, "append": RedisProducer, "finish": RedisDeadLetters, "mark": Writer}[at]
    whole = getattr(where, at)

    def dies(*given: Any) -> Any:
        if at == "begin":  # after it took hold
            whole(*given)
        raise Dies

    with monkeypatch.context() as patch:
        patch.setattr(where, at, dies)
        with pytest.raises(Dies):
            torn.mend(settings, PARTITION)
    assert control.unfinished(stack.client), "somebody must meet it again"
    torn.mend(settings, PARTITION)
    stack.run(lambda: stack.lines() == len(kept))
    with closing(RedisDeadLetters(stack.url)) as dead:
        assert not dead.count()
    assert stack.sessions() == expected(kept)
    assert stack.client.rows("SELECT sum(events) AS n FROM ledger WHERE reason = 'duplicate'") == [{"n": 0}]
    assert clean(stack)


def test_letters_that_went_and_lines_that_nobody_would_read_wait_as_dead_letters(stack: Stack) -> None:
    stack.append([*some(0, 1)])
    stack.run(lambda: stack.lines() == 1)
    stack.append([*some(1, 1)], spoiled=b"{nobody reads this")
    with put_back(stack.redis):
        with closing(RedisDeadLetters(stack.url)) as dead:
            stack.run(lambda: stack.lines() == 2 and dead.count() == 1)
        stack.append([*some(2, 1)])
        stack.run(lambda: stack.lines() == 3)
        last = last_id(stack)
    # Appended while the log ended earlier, by a clock that was behind; the second where another record was.
    end = int(last.partition("-")[0])
    for at, event in ((f"{end - 1}-0", some(8, 1)), (last, some(9, 1))):
        stack.redis.xadd(KEY, {"v": stream.compress(encode([*event]))}, id=at)
    with closing(RedisDeadLetters(stack.url)) as dead:
        assert dead.count() == 0
        stack.run(lambda: dead.count() == 3)
        assert {letter.reason.partition(":")[0] for letter in dead.letters()} == {"put back"}
    assert replayed(stack) == 3
    with closing(RedisDeadLetters(stack.url)) as dead:
        stack.run(lambda: stack.lines() == 5 and dead.count() == 1)
    assert stack.sessions() == expected([*some(0, 3), *some(8, 2)])
    assert clean(stack)


def test_a_log_put_back_to_what_was_not_counted_yet_is_told_by_what_was_seen_of_it(stack: Stack) -> None:
    """The copy holds all that counts, nobody who appended lives on, and yet acknowledged records are gone."""
    stack.append([*some(0, 1)])
    with put_back(stack.redis):
        stack.append([*some(1, 1)])
        end = stream.offset_of(last_id(stack).encode()) + 1

        class Short(RedisConsumer):
            """Gives the first record and no other, though the log has more."""

            first = -1

            def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
                found = super().poll(timeout, 1)
                if found and self.first < 0:
                    self.first = found[0].offset
                # Again, if the lease lapsed before it was counted.
                return [record for record in found if record.offset == self.first]

        short = Short(stack.url, partitions=2, lease_seconds=3)
        stack.run(lambda: stack.lines() == 1, replace(stack.world(), consumer=short))
    stack.append([*some(2, 1)])
    stack.run(lambda: stack.lines() == 2)
    assert stack.sessions() == expected([*some(0, 1), *some(2, 1)])
    assert len(rollbacks(stack)) == 1
    with closing(RedisConsumer(stack.url, partitions=2)) as consumer:
        assert consumer.reach(PARTITION) > end, "nobody gets an offset again that was seen"


def test_a_running_worker_finds_out_while_nothing_comes(stack: Stack) -> None:
    stack.append([*some(0, 1)])
    with put_back(stack.redis):
        stack.append([*some(1, 1)])
        world = stack.world()
        once = iter([True])

        def then_put_back() -> bool:
            if stack.lines() == 2 and next(once, False):
                stack.redis.delete(KEY, stream.Keys("events").state(PARTITION))
            return bool(rollbacks(stack))

        stack.run(then_put_back, world)


def test_states_far_behind_are_begun_anew_instead_of_followed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Kafka an old copy holds states of hours ago: to follow batch by batch would take as long as to count them."""
    monkeypatch.setattr("workers.take._CATCH_UP", 3)
    stack.append([*some(0, 1)])
    stack.run(lambda: stack.lines() == 1)
    states: dict[Any, Any] = {key: stack.redis.dump(key) for key in stack.redis.keys("throughline:{state:*")}
    for n in range(1, 6):
        stack.append([*some(n, 1)])
        stack.run(lambda n=n: stack.lines() == n + 1)  # type: ignore[misc]
    for key, value in states.items():
        stack.redis.restore(key, 0, value, replace=True)
    saves: list[int] = []

    class Watched(Store):
        def save(self, a: int, *more: Any) -> None:
            saves.append(a)
            super().save(a, *more)

    monkeypatch.setattr("workers.take.Store", Watched)
    world = stack.world()
    stack.run(lambda: world.metrics.rebuilds._value.get() > 0, world)  # noqa: SLF001
    assert len(saves) == 3
    stack.append([*some(6, 1)])
    stack.run(lambda: stack.lines() == 7)
    assert stack.sessions() == expected(some(0, 7))


def test_a_clock_that_was_ahead_leaves_no_mark_on_the_partition(stack: Stack) -> None:
    now = 1_800_000_000_000
    for ahead in (25 * LATER, 0):
        at = now + ahead
        (event,) = visits_of(WHO, 1, at)
        stack.append([event])
        counted = stack.lines()
        stack.run(lambda counted=counted: stack.lines() == counted + 1, replace(stack.world(), now=lambda at=at: at))  # type: ignore[misc]
    store = Store(stack.redis, *_names(stack))
    position = store.position()
    assert position is not None and position.clock == now


def _names(stack: Stack) -> tuple[str, int, int]:
    log = stack.redis.hget(stream.Keys("events").log, "id")
    assert isinstance(log, bytes)
    return log.decode(), 2, PARTITION
