"""A log with other partitions follows the one before: what is acknowledged lies before the end, wherever it was cut."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
import redis
from kafka import KafkaAdminClient

from ingest.contract.event import Filtered, Rebuild, decode, encode
from ingest.log import redis_succession, stream
from ingest.log.dead import dead_letter, placed
from ingest.log.kafka_address import topic as kafka_topic
from ingest.log.kafka_succession import KafkaSuccession
from ingest.log.partition import partition as place
from ingest.log.protocol import LogTruncated, LogUnavailable, Producer
from ingest.log.redis_succession import RedisSuccession
from ingest.log.stream import Keys
from ingest.log.succession import Link, Succession, due, first, following, number, open_of
from tests.log.conftest import Log
from tests.log.test_contract import SECONDS
from tests.workers.streams import SITE
from tests.workers.streams import stream as events

A = Link("events", "a", 2, [0, 5], [7, 5])
B = Link("events.log-2", "b", 3)


def test_topics_are_numbered() -> None:
    assert [following("shop"), following("shop.log-2")] == ["shop.log-2", "shop.log-3"]
    assert [number("shop"), number("shop.log-12"), number("shop.log-x")] == [1, 12, 1]
    assert [first("shop"), first("shop.log-2"), first("a.log-2.b")] == ["shop", "shop", "a.log-2.b"]


def test_an_address_that_names_a_later_log_is_of_the_same_chain() -> None:
    """Else what the first one still holds would be counted by nobody."""
    assert [kafka_topic(f"kafka://host:9092{path}") for path in ("", "/shop", "/shop.log-3")] == [
        "events",
        "shop",
        "shop",
    ]


@pytest.mark.parametrize(
    ("chain", "positions", "topic"),
    [
        ([], {}, None),
        ([B], {}, "events.log-2"),
        ([A, B], {}, "events"),
        ([A, B], {("a", 0): 6}, "events"),
        ([A, B], {("a", 0): 7}, "events.log-2"),  # of the other there never was anything that it still has
        ([A, B], {("a", 0): 7, ("a", 1): 5}, "events.log-2"),
        ([A, B], {("a", 0): 9, ("b", 1): 3}, "events.log-2"),  # put back and sealed again
        ([Link("events", "a", 2, [0, 0]), B], {("a", 0): 7, ("a", 1): 5}, "events"),  # not sealed yet
        ([A, Link("events.log-2", "b", 1, [0], [4]), Link("events.log-3", "c", 2)], {("b", 0): 4}, "events"),
        ([A, Link("events.log-2", "b", 1, [0], [4]), Link("events.log-3", "c", 2)], {("a", 0): 7}, "events.log-2"),
    ],
)
def test_the_log_to_be_counted_is_the_first_that_is_not_counted_to_its_end(
    chain: list[Link], positions: dict[tuple[str, int], int], topic: str | None
) -> None:
    found = due(chain, lambda: positions)
    assert (found and found.topic) == topic


def test_one_that_lost_what_is_not_counted_of_it_is_for_a_human() -> None:
    with pytest.raises(LogTruncated, match="partition 1 of log a begins at 5, after 3"):
        due([A, B], lambda: {("a", 0): 7, ("a", 1): 3})
    assert open_of(A, {("a", 0): 7, ("a", 1): 3}) == [1]


def test_a_dead_letter_goes_where_its_visitor_is_placed_now() -> None:
    event = next(iter(events(1, 1)))
    for partitions in (1, 3, 4):
        letter = dead_letter("why", "log", 7, 0, 0, encode([event]).rstrip(b"\n"))
        assert placed(letter, partitions) == [(place(event.site, event.visitor, partitions), letter.line)]
    unreadable = dead_letter("why", "log", 7, 0, 0, b"{nobody")
    assert placed(unreadable, 4) == [(3, b"{nobody")]
    filtered = dead_letter("why", "log", 7, 0, 0, encode([Filtered(SITE, "bot", 5)]))
    assert placed(filtered, 4) == [(place(SITE, "", 4), filtered.line)]


def test_a_line_of_several_visitors_is_divided() -> None:
    visitors = [f"{each:016x}" for each in range(20)]
    letter = dead_letter("why", "log", 0, 0, 0, encode([Rebuild(SITE, visitors, 3, 5)]))
    assert placed(letter, 1) == [(0, letter.line)]
    found = [(at, decode(line)) for at, line in placed(letter, 3)]
    assert sorted(name for _, line in found if isinstance(line, Rebuild) for name in line.visitors) == visitors
    for at, line in found:
        assert isinstance(line, Rebuild)
        assert {place(SITE, name, 3) for name in line.visitors} == {at}


@pytest.fixture
def logs(served: Log) -> Iterator[Succession]:
    made: Succession = (
        RedisSuccession(served.address, served.topic)
        if served.kind == "redis"
        else KafkaSuccession(served.address, served.topic)
    )
    with closing(made):
        yield made


async def started(producer: Producer) -> Producer:
    await producer.start()
    return producer


async def hears(producer: Producer) -> None:
    """Until it knows that there is another log."""
    async with asyncio.timeout(SECONDS):
        while not producer.succeeded:
            await asyncio.sleep(0.05)


@pytest.mark.services
def test_more_and_fewer_partitions_cut_anywhere_and_done_again(served: Log, logs: Succession) -> None:
    assert not logs.chain()

    async def run() -> None:
        one = await started(served.producer(partitions=1))
        await one.append(0, b"first")
        (only,) = logs.chain()
        assert (only.topic, only.partitions, logs.followed(only.topic)) == (served.topic, 1, False)
        logs.extend(only, 4)
        logs.extend(only, 4)  # killed, and run again
        before, last = logs.chain()
        assert (before.log, before.ends, last.partitions) == (only.log, None, 4)
        assert logs.followed(only.topic) and not logs.followed(last.topic)
        await hears(one)
        await one.append(0, b"not sealed yet")

        four = await started(one.successor())
        assert (four.partitions, four.succeeded) == (4, False)
        await asyncio.gather(*(four.append(number, b"x") for number in range(4)))
        logs.seal(before)
        with pytest.raises(LogUnavailable):
            await one.append(0, b"from one that stood still")
        sealed, _ = logs.chain()
        assert sealed.ends is not None
        logs.seal(before)
        assert logs.chain()[0].ends == sealed.ends == logs.ends(before.topic)
        assert logs.ends(last.topic) is None
        with closing(served.consumer()) as consumer:
            assert consumer.log_id() == only.log
            found = [record.value for record in consumer.read(0, sealed.begins[0], sealed.ends[0])]
        assert [value for value in found if value] == [b"first", b"not sealed yet"]

        logs.extend(last, 2)
        two = await started(served.producer(partitions=9))  # from the address, as after a restart
        assert two.partitions == 2
        assert [link.partitions for link in logs.chain()] == [1, 4, 2]
        for each in (one, four, two):
            await each.close()

    asyncio.run(run())


@pytest.mark.services
def test_a_topic_made_by_others_is_a_log_and_looking_makes_nothing(kafka_bootstrap: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        admin.create_topics({"theirs": {"num_partitions": 2, "replication_factor": 1}})
        admin.wait_for_topics(["theirs"])
        with closing(KafkaSuccession(kafka_bootstrap, "theirs")) as logs:
            (only,) = logs.chain()
            assert (only.topic, only.partitions, logs.ends("theirs")) == ("theirs", 2, None)
        assert "theirs.partitions" not in admin.list_topics()


@pytest.mark.services
def test_a_redis_that_was_put_back_to_before_has_the_log_of_then(redis_url: str) -> None:
    with (
        redis.Redis.from_url(redis_url) as client,
        closing(RedisSuccession(redis_url, "back")) as logs,
    ):

        async def run() -> None:
            from ingest.log.redis_producer import RedisProducer

            one = await started(RedisProducer(redis_url, partitions=1, topic="back"))
            logs.extend(logs.chain()[0], 3)
            three = await started(one.successor())
            await three.append(2, b"x")
            client.hdel(Keys("back").log, "next")
            client.delete(*client.keys("throughline:{back.log-2*"))
            with pytest.raises(LogUnavailable):
                await three.append(2, b"y")
            assert three.succeeded and logs.followed("back.log-2")
            again = await started(three.successor())
            assert again.partitions == 1
            await again.append(0, b"y")
            with pytest.raises(redis.RedisError):
                stream.create(client, Keys("back.log-2"), 3)
            for each in (one, three, again):
                await each.close()

        asyncio.run(run())


@pytest.mark.services
def test_what_is_appended_anew_for_a_redis_put_back_lies_before_the_seal_too(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(RedisSuccession(redis_url, "anew")) as logs:

        async def run() -> None:
            from ingest.log.redis_producer import RedisProducer

            one = RedisProducer(redis_url, partitions=1, topic="anew")
            await one.start()
            (only,) = logs.chain()
            logs.extend(only, 3)
            one._last[0] = (stream.appended_at(2**62) + 1) << stream.SEQUENCE_BITS  # noqa: SLF001 - it is put back
            above = one._goes_on_above  # noqa: SLF001
            monkeypatch.setattr(one, "_sample", partial(asyncio.sleep, 0))  # which would find it out, too

            async def late(*given: Any) -> Any:
                logs.seal(only)
                return await above(*given)

            monkeypatch.setattr(one, "_goes_on_above", late)
            (said,) = await asyncio.gather(one.append(0, b"x"), return_exceptions=True)
            await one.close()
            assert isinstance(said, LogUnavailable) and "other partitions" in str(said)

        asyncio.run(run())


@pytest.mark.services
def test_what_is_counted_of_a_log_before_goes_after_an_hour_and_takes_room_until_then(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client, closing(RedisSuccession(redis_url, "room")) as logs:
        stream.create(client, Keys("room"), 2)
        last: Any = client.xadd(Keys("room").stream(1), {"v": b"x"})
        (only,) = logs.chain()
        logs.extend(only, 1)
        logs.seal(only)
        assert redis_succession.streams(client, "room") == [
            "throughline:{room:0}",
            "throughline:{room:1}",
            "throughline:{room.log-2:0}",
        ]
        logs.release(only)
        assert 3_500 < client.ttl(Keys("room").stream(1)) <= 3_600
        logs.keep(only)  # as ClickHouse was put back meanwhile
        assert client.ttl(Keys("room").stream(1)) == -1
        logs.release(only)
        client.delete(Keys("room").stream(1))
        end = stream.offset_of(last) + 1
        before, current = logs.chain()
        assert (before.ends, before.begins) == ([0, end], [0, end])
        assert due([before, current], lambda: {(before.log, 1): end}) == current
        with pytest.raises(LogTruncated):
            due([before, current], lambda: {(before.log, 1): end - 1})
