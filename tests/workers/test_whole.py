"""A batch that was begun in another life of ClickHouse, on the real engine: nothing lost, nothing doubled anywhere."""

import socket
from dataclasses import replace
from typing import Any

import pytest
from urllib3.util import connection

from ingest.contract.event import Event
from ingest.log.protocol import Record
from rollups import control, rollup
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.decided import Decided
from rollups.mend import doubts, settle
from rollups.sql import utc
from rollups.verify import verify
from rollups.write import Writer
from tests.rollups.make import DAY
from tests.services.schema import migrated
from tests.workers.streams import stream
from tests.workers.test_real import Stack, expected, stack
from workers.batch import count
from workers.cache import Cache
from workers.state import Moved, Store
from workers.world import Held

pytestmark = pytest.mark.services
__all__ = ["stack"]


class Dies(Exception):
    """The worker, here."""


def dying(client: Client, before: str) -> Writer:
    class Dying(Writer):
        pass

    def die(*_: object) -> None:
        raise Dies(before)

    setattr(Dying, before, die)
    return Dying(client)


def restart(client: Client, lost: list[str], events: list[Event]) -> None:
    """What a power cut leaves of the server: a new life that knows no token of the last, and some of the parts.

    `lost`: rollups without what they had of the batch, here of its days.
    """
    client.command("TRUNCATE TABLE life")
    times = [event.time for event in events]
    days = {"first": utc(min(times) - min(times) % DAY), "last": utc(max(times))}
    for name in lost:
        within = "time BETWEEN {first:DateTime64(3)} AND {last:DateTime64(3)}" if rollup.load()[name].grain_ms else "1"
        client.command(f"ALTER TABLE {name} DELETE WHERE {within}", days, {"mutations_sync": 2})


def test_a_batch_begun_in_another_life_is_made_whole(stack: Stack) -> None:
    events = stream(11, 160, visitors=4)
    sent = 0
    names = list(rollup.load())
    for number, step in enumerate(("insert_columns", "insert_sessions", "mark", "mark")):
        stack.append([*events[sent : sent + 40]])
        sent += 40
        with pytest.raises(AssertionError, match="Dies"):
            stack.run(lambda: False, replace(stack.world(), writer=dying(stack.client, step)))
        if number == 3:  # died while it made a batch whole, and the machine once more
            restart(stack.client, [], events)
            with pytest.raises(AssertionError, match="Dies"):
                stack.run(lambda: False, replace(stack.world(), writer=dying(stack.client, "doubt")))
        restart(stack.client, names[number::4], events[sent - 40 : sent])
        stack.run(lambda: stack.lines() == 40 * (number + 1) and not control.unfinished(stack.client))  # noqa: B023
        assert stack.sessions() == expected(events[:sent])
        assert doubts(stack.client)
        settle(stack.client, wait_seconds=2)
        assert list(verify(stack.client, wait_seconds=0)) == []


def test_the_worker_makes_the_rollups_right_by_itself(stack: Stack) -> None:
    events = stream(12, 60, visitors=3)
    stack.append([*events])
    with pytest.raises(AssertionError, match="Dies"):
        stack.run(lambda: False, replace(stack.world(), writer=dying(stack.client, "mark")))
    restart(stack.client, ["series", "visitor"], events)
    world = replace(stack.world(), settle=lambda: settle(stack.client, wait_seconds=2, claim_seconds=1))
    stack.run(lambda: not doubts(stack.client) and not control.unfinished(stack.client) and stack.lines() == 60, world)
    assert list(verify(stack.client, wait_seconds=0)) == []
    assert stack.sessions() == expected(events)


def test_nothing_of_a_batch_reaches_another_life_of_the_server(
    clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart ends every connection, and a batch opens none."""
    migrated(clickhouse_url)
    sockets: list[socket.socket] = []
    create = connection.create_connection

    def remembered(*args: Any, **kwargs: Any) -> socket.socket:
        sockets.append(create(*args, **kwargs))
        return sockets[-1]

    monkeypatch.setattr(connection, "create_connection", remembered)
    client = connect(clickhouse_url)
    writer = Writer(client)
    proposed = Decided("log", 0, 0, 5, "n", b"", "")
    with writer.one_life() as look:
        assert look.life
        for each in sockets:
            each.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ClickHouseUnavailable, match="lost within a batch"):
            writer.decide(proposed)
    assert writer.decided("log", 0, 0) is None
    with writer.one_life() as again:
        assert again.life == look.life
        writer.decide(proposed)
    assert writer.decided("log", 0, 0) == proposed
    client.close()


def test_a_partition_taken_in_another_life_is_taken_again(stack: Stack) -> None:
    """Its last batches may be gone."""
    stack.append([*stream(13, 20, visitors=2)])
    world = stack.world()
    stack.run(lambda: stack.lines() == 20, world)
    log = world.consumer.log_id()
    marked, store = world.writer.position(log, 0) or 0, Store(stack.redis, log, 2, 0, 1 << 20)
    store.position()
    held = Held(log, 0, "another", marked, 0, store, Cache(1 << 20))
    with pytest.raises(Moved, match="restarted"):
        count(world, held, [Record(0, marked, b"")])
