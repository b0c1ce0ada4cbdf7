"""`rebuild SITE`: its visitors are put on the log once more, to be judged anew by the settings of today.

The workers count such a line as they count events: each visitor in its partition, decided once, between other sites'
batches. So nobody holds still, and a crash leaves nothing half done. A few visitors at a time, for a batch that reads
back many events takes the time of many.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from deploy import wiring
from deploy.counted import wait_until_counted
from deploy.folder import StackError
from deploy.patience import patiently
from deploy.settings import Settings
from ingest.contract.event import Rebuild, encode
from ingest.log.protocol import LogUnavailable, Producer
from rollups.sql import statement

EVENTS = 20_000  # that a line asks a worker to read back
VISITORS = 2_000
_TIMES = 3
_T = TypeVar("_T")
_PATIENCE_SECONDS = 15.0


class Progress(NamedTuple):
    done: int
    visitors: int


def rebuild(
    settings: Settings,
    site: str,
    revision: int,
    progress: Callable[[Progress], None],
    tick: Callable[[], None] = lambda: None,
) -> int:
    """Judge all sessions of the site by its settings of the revision; returns its number of visitors. Blocks.

    Calls `tick` now and then while it waits, in another thread. Raises StackError when a store stays away
    or no worker counts; running it again goes over all of them once more.
    """
    rows = wiring.clickhouse(settings).rows(statement("site_visitors"), {"site": site}, {"max_execution_time": 600})

    async def go() -> int:
        producer = wiring.producer(settings)
        await producer.start()
        try:
            for _ in range(_TIMES):
                await _send(settings, (site, revision), rows, producer, progress, tick)
                # The lines of a log that was put back meanwhile may have gone uncounted.
                if await _patiently(producer.holds):
                    return len(rows)
        finally:
            await producer.close()
        raise StackError("the event log was put back to an earlier state again and again: run the same command again")

    return patiently(settings, 0.0, lambda: asyncio.run(go()))


async def _send(
    settings: Settings,
    judged: tuple[str, int],
    rows: Sequence[dict[str, Any]],
    producer: Producer,
    progress: Callable[[Progress], None],
    tick: Callable[[], None],
) -> None:
    site, revision = judged
    by_partition: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_partition.setdefault(row["hash"] % producer.partitions, []).append(row)
    waiting = {partition: _groups(own) for partition, own in by_partition.items()}
    done = 0
    while waiting:
        for partition, groups in list(waiting.items()):
            group = next(groups, None)
            if group is None:
                del waiting[partition]
                continue
            line = encode([Rebuild(site, group, revision, wiring.now())])
            await _patiently(partial(producer.append, partition, line))
            done += len(group)
        moment = wiring.now()
        if not await asyncio.to_thread(wait_until_counted, settings, moment, tick):
            raise StackError("the workers do not count: start one, and run the same command again")
        progress(Progress(done, len(rows)))


async def _patiently(call: Callable[[], Awaitable[_T]]) -> _T:
    """Raises LogUnavailable once the log has been away for a while."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except LogUnavailable:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(0.2)


def _groups(rows: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    group: list[str] = []
    events = 0
    for row in rows:
        if group and (events + row["counted"] > EVENTS or len(group) == VISITORS):
            yield group
            group, events = [], 0
        group.append(row["visitor"])
        events += row["counted"]
    if group:
        yield group
