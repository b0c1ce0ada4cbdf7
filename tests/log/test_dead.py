"""Dead letters on both logs: kept once, limited, replayed once."""

import asyncio
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.log.dead import DeadLetter, Replayed, TooManyDeadLetters, dead_letter, decode, replay
from tests.log.conftest import Log
from tests.log.test_contract import take


def letter(offset: int, line: bytes = b"{", index: int = 0) -> DeadLetter:
    return DeadLetter("json", "a-log", 2, offset, index, line)


def replayed(log: Log, *, again: bool = False) -> Replayed:
    async def run() -> Replayed:
        producer = log.producer()
        await producer.start()
        with closing(log.dead()) as dead:
            outcome = await replay(dead, producer, again=again)
        await producer.close()
        return outcome

    return asyncio.run(run())


@given(st.binary())
def test_any_line_survives(line: bytes) -> None:
    dead = DeadLetter("utf-8", "a.b-c", 3, 1 << 60, 7, line)
    assert decode(dead.encode()) == dead
    assert dead.origin == f"a.b-c/3/{1 << 60}/7"


@pytest.mark.services
def test_letters_wait_with_reason_and_origin_and_each_origin_once(log: Log) -> None:
    sent = [letter(1, b"\xff\x00"), letter(2, b"x" * 1_500_000), letter(2, b"{", index=1)]
    with closing(log.dead()) as dead:
        assert dead.count() == 0
        for each in [*sent, *sent]:
            dead.append(each)
        assert dead.count() == 3
        assert dead.letters() == sent
    with closing(log.dead()) as dead:
        assert dead.letters() == sent


@pytest.mark.services
def test_past_the_limit_the_worker_must_stop(log: Log) -> None:
    with closing(log.dead(limit=2)) as dead:
        assert dead.append(letter(1))
        assert dead.append(letter(2))
        with pytest.raises(TooManyDeadLetters, match="2 dead letters wait; the last: json"):
            dead.append(letter(3))
        assert not dead.append(letter(2))
        assert dead.count() == 2


@pytest.mark.services
def test_a_replay_puts_lines_back_where_they_came_from_once(log: Log) -> None:
    with closing(log.dead(limit=2)) as dead:
        dead.append(letter(1, b"one"))
        dead.append(letter(2, b"two"))
        assert replayed(log) == Replayed(sent=2, unsure=0)
        assert replayed(log) == Replayed(sent=0, unsure=0)
        assert dead.count() == 0
        # A worker that takes the record again after a crash meets the same lines again.
        dead.append(letter(1, b"one"))
        assert dead.count() == 0
        dead.append(letter(3, b"three"))
        assert dead.count() == 1
    with closing(log.consumer()) as consumer:
        records = take(consumer, 2)
        assert [(record.partition, record.value) for record in records] == [(2, b"one"), (2, b"two")]


@pytest.mark.services
def test_a_replay_that_broke_off_is_not_repeated_unasked(log: Log) -> None:
    with closing(log.dead()) as dead:
        dead.append(letter(1, b"one"))
        assert dead.begin(letter(1).origin)
    assert replayed(log) == Replayed(sent=0, unsure=1)
    with closing(log.dead()) as dead:
        assert dead.letters() == [letter(1, b"one")]
    assert replayed(log, again=True) == Replayed(sent=1, unsure=0)
    with closing(log.dead()) as dead:
        assert dead.letters() == []


@pytest.mark.services
def test_redis_limits_the_bytes_of_letters_too(redis_url: str) -> None:
    from ingest.log.dead_redis import RedisDeadLetters

    with closing(RedisDeadLetters(redis_url, max_bytes=1000)) as dead:
        dead.append(letter(1, b"x" * 400))
        with pytest.raises(TooManyDeadLetters):
            dead.append(letter(2, b"x" * 400))
        dead.begin(letter(1).origin)
        dead.finish(letter(1).origin)
        dead.append(letter(2, b"x" * 400))


def test_another_line_at_the_same_place_is_another_letter() -> None:
    """As in a log that was put back; the same line met again is the same letter."""
    first, again, other = (dead_letter("why", "a-log", 2, 7, 3, line) for line in (b"one", b"one", b"other"))
    assert first.origin == again.origin != other.origin
    assert decode(first.encode()) == first
    before = DeadLetter("why", "a-log", 2, 7, 3, b"one")
    assert decode(before.encode()).origin == "a-log/2/7/3"
