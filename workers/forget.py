"""A log that is gone: its unfinished batches get their markers, so that nothing waits for them any longer."""

from typing import NamedTuple

from rollups import control
from rollups.client import Client
from rollups.decided import Decided, Outlived, TwoDecided
from rollups.sql import statement
from rollups.write import Writer
from workers import blob as blobs
from workers.batch import left
from workers.whole import spans


class Forgotten(NamedTuple):
    """A batch [a, b): `stored` of its lines are among the events; else `lost` events left no trace but their sessions'
    rows in the decision, which are not written then."""

    partition: int
    a: int
    b: int
    stored: int
    lost: int


def forget(client: Client, log: str) -> list[Forgotten]:
    """Finish the unfinished batches of a log as far as that is possible without their records. Blocks.

    The session rows of a batch are inserted as they were decided if its events are there, for both are counted or none.
    Raises ClickHouseUnavailable; to be repeated then.
    """
    writer, done = Writer(client), []
    for batch in control.unfinished(client):
        if batch.log != log:
            continue
        token = writer.token(log, batch.partition, batch.a)
        where = {"log": log, "partition": batch.partition, "a": batch.a, "b": batch.b, "token": token}
        stored = client.rows(statement("stored"), where)[0]["lines"]
        decision = _decided(writer, batch)
        rows = decision.rows
        if stored:
            # As of a batch of another life of the server: some may lie there already, in whatever tables.
            had, (nobodys, stones) = set(writer.effective(rows)), left(token, decision.erased)
            writer.erase(token, nobodys, stones, believed=False)
            writer.insert_sessions(token, [row for row in rows if row not in had])
            writer.doubt(token, spans(writer.stored(Decided(*batch, "", b"")), rows, nobodys))
        writer.mark(log, batch.partition, batch.a, batch.b, 0, {})
        lost = 0 if stored else sum(row.sign * row.events for row in rows)
        done.append(Forgotten(batch.partition, batch.a, batch.b, stored, lost))
    return done


def _decided(writer: Writer, batch: control.Open) -> blobs.Blob:
    """What may be inserted of it: nothing whose token ClickHouse may have forgotten, or of which there are two."""
    try:
        decided = writer.decided(batch.log, batch.partition, batch.a)
    except (Outlived, TwoDecided):
        return blobs.blob((), (), (), 0)
    return blobs.decode(decided.blob) if decided else blobs.blob((), (), (), 0)
