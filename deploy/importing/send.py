"""Events of files → the event log, each once."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from deploy.importing.identity import Found, Identity
from ingest.contract.event import Event, Line, encode
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
    # By then sent, and the time (ms) of the last of them: what is not told to be counted yet.
    _chunks: deque[tuple[int, int]] = field(default_factory=deque, compare=False)

    def add(self, events: Sequence[Event]) -> None:
        if events:
            self.sent += len(events)
            self._chunks.append((self.sent, events[-1].time))

    def history(self, counted: int) -> int | None:
        """Up to which of their own times (ms) the events are counted, once `counted` of them are; None before any."""
        while len(self._chunks) > 1 and self._chunks[1][0] <= counted:
            self._chunks.popleft()
        return self._chunks[0][1] if self._chunks and self._chunks[0][0] <= counted else None


async def send(
    found: Iterator[Found],
    identity: Identity,
    producer: Producer,
    sent: Sent,
    progress: Callable[[], None],
    room: Callable[[], None],
) -> None:
    """Send what is not held yet; the next events are read while the last ones are written. Raises GaveUp.

    `room` blocks until the workers are near enough, so that what visitors do now never waits behind much history.
    """
    reading = asyncio.ensure_future(_next(found))
    taken = 0
    try:
        while True:
            chunk = await reading
            if chunk:
                reading = asyncio.ensure_future(_next(found))
            fresh = await asyncio.to_thread(identity.fresh, chunk, not chunk)
            await append(fresh, producer)
            taken += len(chunk)
            sent.add(fresh)
            sent.known = taken - sent.sent - identity.undecided
            progress()
            await asyncio.to_thread(room)
            if not chunk:
                return
    finally:
        reading.cancel()


async def _next(found: Iterator[Found]) -> list[Found]:
    return await asyncio.to_thread(lambda: list(islice(found, CHUNK)))


async def append(lines: Sequence[Line], producer: Producer) -> None:
    """Put the lines on the log, those of a partition in order. Raises GaveUp."""
    by_partition: dict[int, list[Line]] = {}
    for line in lines:
        visitor = line.visitor if isinstance(line, Event) else ""
        by_partition.setdefault(partition(line.site, visitor, producer.partitions), []).append(line)
    await asyncio.gather(*(_append_in_order(number, group, producer) for number, group in by_partition.items()))


async def _append_in_order(number: int, events: Sequence[Line], producer: Producer) -> None:
    for record in _records(events):
        end = time.monotonic() + _PATIENCE_SECONDS
        pause = 0.1
        while True:
            try:
                await producer.append(number, record)
                break
            except LogUnavailable as error:
                if producer.succeeded:
                    raise GaveUp("the event log goes on with other partitions") from error
                if time.monotonic() > end:
                    raise GaveUp(f"the event log takes nothing: {error}") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _records(events: Sequence[Line]) -> Iterator[bytes]:
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
