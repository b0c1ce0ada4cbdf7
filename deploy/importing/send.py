"""Events of files → the event log, each once."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from deploy.importing.identity import Found, Identity
from ingest.contract.event import Event, encode
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable, Producer

CHUNK = 10_000  # events that are asked for and sent at once: what an import holds in memory, twice
_MAX_RECORD = 512 * 1024
_PATIENCE_SECONDS = 600.0  # how long the log may refuse before an import gives up


class GaveUp(Exception):
    """The log refused for too long; running the import again goes on where this one stopped."""


@dataclass
class Sent:
    """What became of the events so far."""

    sent: int = 0
    known: int = 0


async def send(
    found: Iterator[Found], identity: Identity, producer: Producer, sent: Sent, progress: Callable[[], None]
) -> None:
    """Send what is not held yet; the next events are read while the last ones are written. Raises GaveUp."""
    reading = asyncio.ensure_future(_next(found))
    taken = 0
    try:
        while True:
            chunk = await reading
            if chunk:
                reading = asyncio.ensure_future(_next(found))
            fresh = await asyncio.to_thread(identity.fresh, chunk, not chunk)
            await _append(fresh, producer)
            taken += len(chunk)
            sent.sent += len(fresh)
            sent.known = taken - sent.sent - identity.undecided
            progress()
            if not chunk:
                return
    finally:
        reading.cancel()


async def _next(found: Iterator[Found]) -> list[Found]:
    return await asyncio.to_thread(lambda: list(islice(found, CHUNK)))


async def _append(events: Sequence[Event], producer: Producer) -> None:
    by_partition: dict[int, list[Event]] = {}
    for event in events:
        by_partition.setdefault(partition(event.site, event.visitor, producer.partitions), []).append(event)
    await asyncio.gather(*(_append_in_order(number, group, producer) for number, group in by_partition.items()))


async def _append_in_order(number: int, events: Sequence[Event], producer: Producer) -> None:
    for record in _records(events):
        end = time.monotonic() + _PATIENCE_SECONDS
        pause = 0.1
        while True:
            try:
                await producer.append(number, record)
                break
            except LogUnavailable as error:
                if time.monotonic() > end:
                    raise GaveUp(f"the event log takes nothing: {error}") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _records(events: Sequence[Event]) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for event in events:
        line = encode([event])
        if size + len(line) > _MAX_RECORD and lines:
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield b"".join(lines)
