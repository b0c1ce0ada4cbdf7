"""The yardstick of a worker: session windows of the same lines in Bytewax, in the memory of one process.

It decodes the lines, keys them by visitor and folds windows with the same gap into pageviews, duration and depth. No
log, no ClickHouse, no state on a disk, no event that is counted once only.
"""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import msgspec

from ingest.contract.event import PAGEVIEW, Event
from workers.memory import GAP

THERE = find_spec("bytewax") is not None  # it has no wheels for some Pythons
# Records that its source gives at once. Each time it looks at every visitor: in tens it takes ten times as long.
_BATCH = 1_000


@dataclass
class Session:
    pageviews: int = 0
    first: int = 2**62
    last: int = 0
    depth: int = 0


class Folded(NamedTuple):
    """`rate`: events a second; `cpu`: µs an event."""

    sessions: int
    events: int
    rate: float
    cpu: float


def fold(records: Sequence[bytes]) -> Folded:
    """Fold the records' lines. Blocks."""
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.operators import windowing
    from bytewax.outputs import DynamicSink, StatelessSinkPartition
    from bytewax.testing import TestingSource, run_main

    sessions: list[int] = []

    class Counting(StatelessSinkPartition[Any]):
        def write_batch(self, items: list[Any]) -> None:
            sessions.append(len(items))

    class Sink(DynamicSink[Any]):
        def build(self, step_id: str, worker_index: int, worker_count: int) -> Counting:
            return Counting()

    decode = msgspec.json.Decoder(Event).decode_lines
    events: list[int] = []

    def lines(record: bytes) -> list[tuple[str, Event]]:
        decoded = decode(record)
        events.append(len(decoded))
        return [(event.visitor, event) for event in decoded]

    flow = Dataflow("sessions")
    keyed = op.flat_map("lines", op.input("log", flow, TestingSource(records, _BATCH)), lines)
    clock = windowing.EventClock(partial(_time, _EPOCH), timedelta(minutes=5))
    windower = windowing.SessionWindower(timedelta(milliseconds=GAP))
    folded = windowing.fold_window("sessions", keyed, clock, windower, Session, _add, _merge)
    op.output("count", folded.down, Sink())
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)  # as a worker does: else it collects for a third of the time
    began, spent = time.perf_counter(), time.process_time()
    run_main(flow)
    gc.set_threshold(*before)
    gc.unfreeze()
    seconds, spent, count = time.perf_counter() - began, time.process_time() - spent, sum(events)
    return Folded(sum(sessions), count, count / seconds, spent / count * 1e6)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _time(epoch: datetime, event: Event) -> datetime:
    return epoch + timedelta(milliseconds=event.time)


def _add(session: Session, event: Event) -> Session:
    session.pageviews += event.type == PAGEVIEW
    session.first = min(session.first, event.time)
    session.last = max(session.last, event.time)
    session.depth = max(session.depth, event.scroll or 0)
    return session


def _merge(one: Session, other: Session) -> Session:
    return Session(
        one.pageviews + other.pageviews,
        min(one.first, other.first),
        max(one.last, other.last),
        max(one.depth, other.depth),
    )
