"""What broken parts took with them is brought back, as far as the decisions and the log still have it.

Where counting stands comes first, for until it is known no worker goes on: it is behind everything of which a later
batch was decided. The raw events of a finished batch are its lines on the log, as they were decided. Session rows are
not inserted again, since what seems to be missing of them may have been retracted long ago: torn ones are taken away,
and their visitors judged anew (`deploy.repair`).
"""

import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ingest.log.protocol import Consumer, LogTruncated
from rollups import rollup
from rollups.client import Client
from rollups.sql import statement
from rollups.write import Decided, Span, Writer, utc
from workers import blob as blobs
from workers.batch import event_rows
from workers.rows import version
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
    """`lines` that are back in the raw events; the `batches` that were looked at, and those (`gone`) whose records the
    log no longer has."""

    lines: int
    batches: int
    gone: int


def places(client: Client, current: str) -> list[Placed]:
    """Restore how far every partition is finished, where that is lost. Blocks; raises ClickHouseUnavailable.

    Of the log in use the newest batch may not be, so it is left to a worker, who makes it whole.
    """
    found = []
    for row in client.rows(statement("placed"), settings=_LARGE):
        log, partition, finished = row["log"], row["partition"], row["finished"]
        if not row["b"]:
            position = row["stored"]  # nothing was decided for a week, so all of it is finished
        else:
            position = row["a"] if log == current else row["b"]
        if position > finished:
            where = {"log": log, "partition": partition, "position": position}
            client.patient(_SECONDS).command(statement("finished_restore"), where, _PLAIN)
            found.append(Placed(log, partition, position))
    return found


def undecided(client: Client, current: str) -> int:
    """Take away what was inserted of batches of the log whose decision is lost, for they are decided anew; returns the
    number of lines. Blocks; raises ClickHouseUnavailable.
    """
    lines = 0
    for row in client.rows(statement("placed"), settings=_LARGE):
        begin, end = max(row["finished"], row["b"]), row["stored"]
        if row["log"] != current or end <= begin:
            continue
        own = version(Writer.token(current, row["partition"], begin))
        client.patient(_SECONDS).command(statement("sessions_undo"), {"version": own}, _PLAIN)
        where = {"log": current, "partition": row["partition"], "a": begin, "b": end}
        lines += client.rows(statement("stored"), where)[0]["lines"]
        client.patient(_SECONDS).command(statement("stored_drop"), where, {"mutations_sync": 2})
    return lines


def doubt(client: Client) -> list[Span]:
    """Doubt every rollup of every site, over all time; returns where. Blocks; raises ClickHouseUnavailable."""
    spans = extent(client)
    Writer(client).doubt(f"repair/{secrets.token_hex(8)}", spans)
    return spans


def extent(client: Client) -> list[Span]:
    """Every site that has any row, with the times at which one may be filed."""
    found: dict[str, Span] = {}
    timed = [one.name for one in rollup.load().values() if one.grain_ms]
    rows = client.rows(statement("extent"), settings=_LARGE)
    for name in timed:
        times = "toUnixTimestamp64Milli(min(time)) AS first, toUnixTimestamp64Milli(max(time)) AS last"
        rows += client.rows(f"SELECT site, {times} FROM {name} GROUP BY site")  # noqa: S608 - our own name
    for name in (one.name for one in rollup.load().values() if not one.grain_ms):
        rows += client.rows(f"SELECT site, 0 AS first, 0 AS last FROM {name} GROUP BY site")  # noqa: S608
    for row in rows:
        each = Span(row["site"], row["first"], row["last"])
        known = found.get(each.site, each)
        if not each.last:
            found[each.site] = known
            continue
        first = each.first if not known.last else min(known.first, each.first)
        found[each.site] = Span(each.site, first, max(known.last, each.last))
    return sorted(found.values())


def events(client: Client, consumer: Consumer, progress: Callable[[int], None] = lambda done: None) -> Back:
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
        rows = event_rows(decided, decision, entries)
        token = writer.token(log, decided.partition, decided.a)
        writer.refuse_running(log, decided.partition, decided.a)
        there = writer.stored(decided, rows)
        missing = [each for each in rows if (each.offset, each.index) not in there]
        # Another token each time: ClickHouse may remember that of a part which it has lost.
        writer.insert_events(f"{token}/repair/{secrets.token_hex(8)}", missing)
        lines += len(missing)
        progress(batches)
    return Back(lines, batches, gone)
