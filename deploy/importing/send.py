"""Events of files → the event log, merged by time, each id once."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from ingest.contract.event import Event, encode
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable, Producer

CHUNK = 5_000  # events that are asked for and sent at once: what an import holds in memory
_MAX_RECORD = 512 * 1024
_PATIENCE_SECONDS = 600.0  # how long the log may refuse before an import gives up

Known = Callable[[Sequence[Event]], set[str]]


class GaveUp(Exception):
    """The log refused for too long; running the import again goes on where this one stopped."""


@dataclass
class Sent:
    """What became of the events so far."""

    sent: int = 0
    known: int = 0


async def send(
    files: Sequence[Iterable[Event]], known: Known, producer: Producer, sent: Sent, progress: Callable[[], None]
) -> None:
    """Send what `known` does not hold yet, oldest first. Blocks the loop while files are read. Raises GaveUp."""
    merged = merge(*files, key=lambda event: event.time)
    for chunk in _chunks(merged):
        held = await asyncio.to_thread(known, chunk)
        fresh = [event for event in _once(chunk) if event.id not in held]
        sent.known += len(chunk) - len(fresh)
        await _append(fresh, producer)
        sent.sent += len(fresh)
        progress()


def _chunks(events: Iterator[Event]) -> Iterator[list[Event]]:
    while chunk := list(islice(events, CHUNK)):
        yield chunk


def _once(chunk: Sequence[Event]) -> Iterator[Event]:
    seen: set[str] = set()
    for event in chunk:
        if event.id not in seen:
            seen.add(event.id)
            yield event


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
