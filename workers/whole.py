"""A batch whose tokens are not believed: what lies there of it is looked for, and only the rest is inserted.

A power cut leaves of the parts of an unfinished batch those that were written first, and of ClickHouse's memory of
tokens anything: repeated under its token, a row that lies there could count twice, and one that does not be dropped.
"""

from collections.abc import Iterable, Sequence

from rollups.decided import Decided, Span
from rollups.erase import Row, Stone
from rollups.rows import EventRow, SessionRow
from rollups.write import Writer
from workers.state import Moved


def complete(
    writer: Writer,
    decided: Decided,
    events: Sequence[EventRow],
    sessions: Sequence[SessionRow],
    left: Sequence[Row] = (),
    stones: Sequence[Stone] = (),
) -> None:
    """Insert what is missing of a batch, all of whose rows are given, and doubt the rollups of its sites and times.

    Which views had their part cannot be seen. Two workers that do this at once insert the same under the same token,
    for both are in one life of the server. Raises ClickHouseUnavailable; may be repeated. Raises Moved if the batch was
    finished meanwhile: what lies there may be retracted again by now, and would seem to be missing.
    """
    log, partition, a = decided.log, decided.partition, decided.a
    since, until = min((row.received for row in events), default=0), max((row.received for row in events), default=0)
    there = writer.lines(log, partition, a, decided.b, since, until) if events else {}
    had = set(writer.effective(sessions))
    if (writer.position(log, partition) or 0) > a:
        raise Moved(f"another worker finished {writer.token(log, partition, a)}")
    token = writer.token(log, partition, a)
    writer.insert_events(token, [row for row in events if (row.offset, row.index) not in there])
    writer.erase(token, left, stones, believed=False)
    writer.insert_sessions(token, [row for row in sessions if row not in had])
    writer.doubt(token, spans(events, sessions, left))


def spans(events: Iterable[EventRow], sessions: Iterable[SessionRow], left: Iterable[Row] = ()) -> list[Span]:
    """The sites of the rows, with the times at which rollups may file any of it."""
    found: dict[str, Span] = {}
    times = [(row.site, min(row.time, row.received), max(row.time, row.received)) for row in events]
    times += [(row.site, row.start, row.end) for row in sessions]
    times += [(row.site, min(row.time, row.received), max(row.time, row.received)) for row in left]
    for site, first, last in times:
        known = found.get(site, Span(site, first, last))
        found[site] = Span(site, min(known.first, first), max(known.last, last))
    return sorted(found.values())
