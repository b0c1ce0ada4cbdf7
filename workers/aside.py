"""A batch that ClickHouse refuses for ever is set aside: its partition goes on, its lines wait as dead letters.

What makes it safe is a fence in the tables themselves: constraints that refuse the rows and the worker's marker of this
very batch. A worker that stalled after its last look can then neither insert anything of it later, nor get to saving
its states. (Tokens could not do that: deleting the last row of a part makes ClickHouse forget the part's tokens.) The
fence is the decision, and stands for ever: from it on only setting aside can finish the batch.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ingest.log.dead import LIMIT, DeadLetter, DeadLetters, dead_letter
from ingest.log.protocol import Consumer
from rollups import control
from rollups.client import ClickHouseUnavailable, Client
from rollups.decided import Decided, Running
from rollups.engine import ONE_SERVER, Engines
from rollups.migrate import build_stale, make_stale
from rollups.rows import SessionRow
from rollups.sql import statement
from rollups.write import Writer
from workers import blob as blobs
from workers.read import lines
from workers.rows import version

FENCED = 469  # ClickHouse's code for what a constraint refuses
_MUTATION_SECONDS = 3_600.0


class Refused(Exception):
    """The batch is not set aside; the message says why."""


class Stuck(NamedTuple):
    """An unfinished batch, decided `age` seconds ago, and its lines as letters; `whole`: the log still has them all."""

    decided: Decided
    age: int
    letters: Sequence[DeadLetter]
    whole: bool


class Aside(NamedTuple):
    """What was undone: `lines` of raw events and `sessions` rows of the batch; the `rollups` built anew."""

    lines: int
    sessions: int
    rollups: Sequence[str]


def stuck(client: Client, consumer: Consumer, partition: int, why: str) -> Stuck | None:
    """The unfinished batch of a partition, if any; `why`: for the letters.

    Blocks; raises ClickHouseUnavailable, LogUnavailable, TwoDecided.
    """
    log = consumer.log_id()
    batch = next((each for each in control.unfinished(client) if each[:2] == (log, partition)), None)
    decided, age = (None, 0) if batch is None else Writer(client).standing(*batch[:3])
    if decided is None:
        return None
    begin = consumer.bounds(partition).begin
    records = consumer.left(partition, max(decided.a, begin), decided.b)
    letters = [
        dead_letter(f"set aside: {why}", log, partition, record.offset, place, raw)
        for record in records
        for place, raw in lines(record)
    ]
    # The first batch of a log begins at 0, wherever the log begins.
    whole = blobs.whole(blobs.decode(decided.blob), decided.b, records) and (begin <= decided.a or decided.a == 0)
    return Stuck(decided, age, letters, whole)


def set_aside(
    client: Client,
    dead: DeadLetters,
    found: Sequence[Stuck],
    *,
    engines: Engines = ONE_SERVER,
    wait_seconds: float = 60,
    grace_seconds: float = control.GRACE_SECONDS,
    before_end: Callable[[], object] = lambda: None,
) -> Aside:
    """Turn the batches into dead letters; what lies there of them is undone. Blocks.

    `before_end` is called while they are letters and unfinished still. Stopped anywhere, it is to be run again. Raises
    Refused, Running, ClaimLost, Unfinished for other batches, TooManyDeadLetters, ClickHouseUnavailable,
    LogUnavailable.
    """
    writer = Writer(client)
    waiting = {letter.origin for letter in dead.letters()}
    letters = waiting | {letter.origin for each in found for letter in each.letters}
    if len(letters) > LIMIT:
        raise Refused(f"{len(waiting)} dead letters wait, and with these there would be more than {LIMIT}")
    with control.claim(client) as held:
        control.hold_still(client, held, wait_seconds, grace_seconds, but=[_open(each) for each in found])

        # 1. Fence: what begins from here on is refused; what began before shows while it runs.
        for each in found:
            _fence(client, each.decided, engines)
            _wait(writer, each.decided, wait_seconds)
        left = control.unfinished(client)
        if finished := [each.decided.partition for each in found if _open(each) not in left]:
            raise Refused(f"finished meanwhile: the batch of partition {', '.join(map(str, finished))}")

        # 2. Undo. Views come off first: they may hold any part of a batch, and one may be what refuses it.
        lies = [_lies(client, each.decided) for each in found]
        lines, sessions = sum(each.lines for each in lies), sum(len(each.sessions) for each in lies)
        make_stale(client, [name for name, there in (("events", lines), ("sessions", sessions)) if there], engines)
        for each, there in zip(found, lies, strict=True):
            _undo(client, each.decided, there)
        rollups = build_stale(client, held, engines)

        # 3. Only now letters: one that is replayed while its line still counts would be a duplicate, then gone.
        for each in found:
            for letter in each.letters:
                dead.append(letter)
        before_end()

        # 4. The markers, of a shape that the fence lets through.
        held.check()
        with writer.one_life():
            for each in found:
                clock = blobs.decode(each.decided.blob).clock
                writer.mark(*_open(each), clock, {"dead": len(each.letters)})
        return Aside(lines, sessions, rollups)


def _open(found: Stuck) -> control.Open:
    decided = found.decided
    return control.Open(decided.log, decided.partition, decided.a, decided.b)


def _fence(client: Client, decided: Decided, engines: Engines) -> None:
    own = version(Writer.token(decided.log, decided.partition, decided.a))
    log = decided.log.replace("\\", "\\\\").replace("'", "\\'")
    batch = f"log = '{log}' AND `partition` = {decided.partition}"
    lines_ = f"({batch} AND `offset` >= {decided.a} AND `offset` < {decided.b})"
    refused = {
        "events": f"{lines_} OR startsWith(erasure, '{log}/{decided.partition}/{decided.a}/')",
        "erased": lines_,
        # Every retraction comes with the row that takes its place, so this refuses the whole insert.
        "sessions": f"sign = 1 AND version = {own}",
        "progress": f"{batch} AND b = {decided.b} AND mapKeys(counts) != ['dead']",
    }
    for table, rows in refused.items():
        sql = f"ALTER TABLE {table} {{on_cluster}} ADD CONSTRAINT IF NOT EXISTS aside_{own:016x} CHECK NOT ({rows})"
        client.command(engines.fill(sql), settings={"alter_sync": 2})


def _wait(writer: Writer, decided: Decided, wait_seconds: float) -> None:
    """For inserts that began before the fence."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            writer.refuse_running(decided.log, decided.partition, decided.a)
            return
        except Running:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


class _Lies(NamedTuple):
    """What lies there of a batch: how many raw events; the session rows that had their effect; how many it erased."""

    lines: int
    sessions: Sequence[SessionRow]
    erased: int


def _lies(client: Client, decided: Decided) -> _Lies:
    lines_ = client.rows(statement("stored"), _where(decided))[0]["lines"]
    writer = Writer(client)
    place = (decided.log, decided.partition)
    erased = [stone for stone in writer.erased() if (stone.log, stone.partition) == place]
    own = sum(decided.a <= stone.offset < decided.b for stone in erased)
    return _Lies(lines_, writer.effective(blobs.decode(decided.blob).rows), own)


def _undo(client: Client, decided: Decided, lies: _Lies) -> None:
    if lies.lines:
        client.patient(_MUTATION_SECONDS).command(statement("stored_drop"), _where(decided), {"mutations_sync": 2})
    if lies.erased:
        client.patient(_MUTATION_SECONDS).command(statement("erased_drop"), _where(decided), {"mutations_sync": 2})
    writer, token = Writer(client), Writer.token(decided.log, decided.partition, decided.a)
    try:
        with writer.one_life():
            writer.insert_sessions(f"{token}/aside", [row._replace(sign=-row.sign) for row in lies.sessions])
    except ClickHouseUnavailable:
        # A view of somebody else's fails on these rows as it did on those of the batch, but after the table has them.
        if writer.effective(lies.sessions):
            raise


def _where(decided: Decided) -> dict[str, Any]:
    token = Writer.token(decided.log, decided.partition, decided.a)
    return {"log": decided.log, "partition": decided.partition, "a": decided.a, "b": decided.b, "token": token}
