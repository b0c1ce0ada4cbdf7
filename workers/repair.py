"""What broken parts took with them is brought back, as far as the decisions and the log still have it.

Where counting stands comes first, for until it is known no worker goes on: it is behind everything of which a later
batch was decided. The raw events of a finished batch are its lines on the log, as they were decided. Session rows are
not inserted again, since what seems to be missing of them may have been retracted long ago: torn ones are taken away,
and their visitors judged anew (`deploy.repair`).
"""
# ruff: noqa: S608 - names of our own tables

import secrets
from typing import NamedTuple

from redis import Redis

from ingest.log.protocol import Consumer, LogTruncated
from rollups import rollup
from rollups.client import Client
from rollups.decided import Span
from rollups.past import newest
from rollups.retain import Floor, floors
from rollups.rows import EventRow, event_rows
from rollups.sql import statement
from rollups.write import Writer
from workers.raw import decided_columns
from workers.state import Position, Store
from workers.take import replay

_SECONDS = 3_600.0  # that one statement may take
_PLAIN = {"insert_deduplicate": 0, "async_insert": 0, "max_partitions_per_insert_block": 0}
_LARGE = {"max_bytes_before_external_group_by": 500_000_000, "max_memory_usage": 3_000_000_000}


class Placed(NamedTuple):
    """A partition of which it is known again that it is finished up to `position`."""

    log: str
    partition: int
    position: int


class Back(NamedTuple):
    """`lines` that are back in the raw events; how many `batches` were looked at, and of how many the records are
    `gone` from the log."""

    lines: int
    batches: int
    gone: int


def places(client: Client, current: str, decided: bool) -> list[Placed]:
    """Restore how far every partition is finished, where that is lost. Blocks; raises ClickHouseUnavailable.

    `decided`: all decisions are there. Then the newest batch of the log in use may be unfinished, and is left to a
    worker, who makes it whole. Else all is taken as finished of which there are raw events.
    """
    found = []
    for row in client.rows(statement("placed"), settings=_LARGE):
        if not decided or not row["b"]:  # nothing was decided for a week
            position = max(row["b"], row["stored"])
        else:
            position = row["a"] if row["log"] == current else row["b"]
        if position > row["finished"]:
            placed = Placed(row["log"], row["partition"], position)
            client.patient(_SECONDS).command(statement("finished_restore"), placed._asdict(), _PLAIN)
            found.append(placed)
    return found


def recount(client: Client, placed: Placed) -> None:
    """Write down of a restored partition what was counted of it, once its raw events are there."""
    where = {"log": placed.log, "partition": placed.partition}
    client.patient(_SECONDS).command(statement("counts_restore"), where, _PLAIN)


def undecided(client: Client, current: str) -> int:
    """Lines that lie in the raw events of unfinished batches of the log in use, whose decision may be lost. Blocks;
    raises ClickHouseUnavailable.
    """
    lines = 0
    for row in client.rows(statement("placed"), settings=_LARGE):
        begin, end = max(row["finished"], row["b"]), row["stored"]
        if row["log"] == current and end > begin:
            token = Writer.token(current, row["partition"], begin)
            where = {"log": current, "partition": row["partition"], "a": begin, "b": end, "token": token}
            lines += client.rows(statement("stored"), where)[0]["lines"]
    return lines


def doubt(client: Client) -> list[Span]:
    """Doubt every rollup of every site, over all time; returns where. Blocks; raises ClickHouseUnavailable."""
    spans = extent(client)
    Writer(client).doubt(f"repair/{secrets.token_hex(8)}", spans)
    return spans


def extent(client: Client) -> list[Span]:
    """Every site that has any row, with the times at which one may be filed."""
    times = {"events": ("least(time, received)", "greatest(time, received)"), "sessions": ("start", "end")}
    times |= {one.name: ("time", "time") if one.grain_ms else ("now64(3)",) * 2 for one in rollup.load().values()}
    times["kept"] = ("if(toUnixTimestamp64Milli(time) = 0, now64(3), time)",) * 2
    every = " UNION ALL ".join(
        f"SELECT site, toUnixTimestamp64Milli(toDateTime64(min({first}), 3, 'UTC')) AS first, "
        f"toUnixTimestamp64Milli(toDateTime64(max({last}), 3, 'UTC')) AS last FROM {table} GROUP BY site"
        for table, (first, last) in times.items()
    )
    sql = f"SELECT site, min(first) AS first, max(last) AS last FROM ({every}) GROUP BY site ORDER BY site"
    return [Span(**row) for row in client.patient(_SECONDS).rows(sql, settings=_LARGE)]


def events(client: Client, consumer: Consumer) -> Back:
    """Insert the lines of finished batches that are missing in the raw events, while workers hold still. Blocks.

    `doubt` first, for views fire. Raises ClickHouseUnavailable, LogUnavailable, TwoDecided, Running; may be repeated.
    """
    writer, log = Writer(client, _SECONDS), consumer.log_id()
    lines = batches = gone = 0
    for row in client.rows(statement("decided_finished"), {"log": log}):
        decided, _ = writer.standing(log, row["partition"], row["a"])
        if decided is None:
            continue
        batches += 1
        begin = consumer.bounds(decided.partition).begin
        try:
            decision, entries, _ = replay(consumer, decided, begin)
        except LogTruncated:
            gone += 1
            continue
        rows = event_rows(decided_columns(decided, decision, entries))
        token = writer.token(log, decided.partition, decided.a)
        writer.refuse_running(log, decided.partition, decided.a)
        times = [each.received for each in rows]
        there = writer.lines(log, decided.partition, decided.a, decided.b, min(times, default=0), max(times, default=0))
        kept = floors(client, [(each.site, each.visitor) for each in rows])
        lost = [
            each
            for each in rows
            if (each.offset, each.index) not in there and not _gone(each, kept.get((each.site, each.visitor)))
        ]
        # Another token each time: ClickHouse may remember that of a part which it has lost.
        writer.insert_events(f"{token}/repair/{secrets.token_hex(8)}", lost)
        lines += len(lost)
    return Back(lines, batches, gone)


def _gone(row: EventRow, floor: Floor | None) -> bool:
    """Whether it was taken away by what its site keeps, and is kept of otherwise."""
    return floor is not None and row.time < floor.live


def missing(client: Client, placed: bool, gone: bool) -> int | None:
    """How many lines more were ever counted than lie in the raw events. Blocks; raises ClickHouseUnavailable.

    Not known (None) if some partition had to be `placed`, unless all decisions ever and their records are there.
    """
    row = client.patient(_SECONDS).rows(statement("lines_missing"), settings=_LARGE)[0]
    return None if placed and (gone or row["begun"]) else int(row["lines"])


def untear(client: Client, redis: Redis, consumer: Consumer) -> None:
    """Take torn sessions away, and forget all states, which say what lay there, while workers hold still. Blocks;
    raises ClickHouseUnavailable, RedisError, LogUnavailable.
    """
    client.patient(_SECONDS).command(statement("sessions_torn"), settings={**_PLAIN, **_LARGE})
    writer, log = Writer(client), consumer.log_id()
    for partition in range(consumer.partitions):
        if marked := writer.marked(log, partition):
            position = Position(marked.end, marked.clock, newest(client))
            Store(redis, log, consumer.partitions, partition).reset(position, secrets.token_hex(8))
