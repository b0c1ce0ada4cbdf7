"""Group commit: the events of concurrent requests become one record a partition and one write."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from ingest.contract.event import Event, Filtered, Line, encode
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable, Producer

DELAY_SECONDS = 0.003
LONGEST_SECONDS = 0.015  # while a write is under way: the log would only queue what came before its end
MAX_RECORD = 512 * 1024  # bytes; Kafka's default limit is 1 MiB
MAX_WAITING = 64 * 1024 * 1024  # bytes gathered and not yet durable
_FORGET_SECONDS = 10
PATIENCE_SECONDS = 1.9  # an unanswered request turns into a 503 within 2 s

Written: TypeAlias = Callable[[LogUnavailable | None], None]

log = logging.getLogger(__name__)


class _Record:
    """Lines of one partition."""

    __slots__ = ("lines", "size")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0


class _Batch:
    """What will be written together, and who is told of the errors of which partitions, or of None: all is durable."""

    __slots__ = ("patience", "producer", "records", "ripe", "size", "tell")

    def __init__(self, producer: Producer) -> None:
        self.producer = producer  # by whose partitions its lines are placed
        self.records: dict[int, _Record] = {}
        self.size = 0
        self.ripe = False  # to be written as soon as no other write is under way
        self.tell: list[tuple[Written, Iterable[int]]] = []
        self.patience: asyncio.TimerHandle | None = None


class _Told:
    """Tells once: of the first error, or once all the batches are durable."""

    __slots__ = ("_left", "_tell")

    def __init__(self, batches: int, tell: Written) -> None:
        self._left = batches
        self._tell: Written | None = tell

    def __call__(self, error: LogUnavailable | None) -> None:
        self._left -= 1
        if self._tell is not None and (error is not None or not self._left):
            tell, self._tell = self._tell, None
            tell(error)


class Gatherer:
    """Gathers lines for `delay` seconds, for up to `longest` while a write is under way, or `max_record` bytes a
    partition; then writes the records of all partitions together. Belongs to one event loop."""

    def __init__(
        self,
        producer: Producer,
        delay: float = DELAY_SECONDS,
        longest: float = LONGEST_SECONDS,
        max_record: int = MAX_RECORD,
        max_waiting: int = MAX_WAITING,
        patience: float = PATIENCE_SECONDS,
        appended: Callable[[int, int], None] = lambda lines, size: None,
    ) -> None:
        self._producer = producer
        self._delay = delay
        self._longest = longest
        self._max_record = max_record
        self._max_waiting = max_waiting
        self._patience = patience
        self._appended = appended
        self._open: _Batch | None = None
        self._writes: set[asyncio.Task[None]] = set()
        self._retired: set[asyncio.Task[None]] = set()
        self._connected = False
        self._failed: tuple[float, LogUnavailable] | None = None
        self._logged = -math.inf
        self.waiting = 0  # bytes

    @property
    def ailment(self) -> str | None:
        """What the log suffers from, for anybody to read.

        A failure with nothing after it is forgotten, or no traffic would come back.
        """
        if not self._connected:
            return "not connected"
        if self._producer.ailment:
            return self._producer.ailment
        if self._failed is None or time.monotonic() - self._failed[0] > _FORGET_SECONDS:
            return None
        return f"takes no events: {self._failed[1].brief}"

    async def start(self) -> None:
        """Connect the producer. Raises LogUnavailable; may be tried again."""
        await self._producer.start()
        self._connected = True

    async def follow(self) -> None:
        """Go on with the log that takes records now, if that is another than before; what is gathered goes where it was
        placed. Raises nothing: it is to be called again and again."""
        if not self._connected or not self._producer.succeeded:
            return
        following = self._producer.successor()
        try:
            await following.start()
        except LogUnavailable as error:
            self._fail(error)
            await following.close()
            return
        self._flush(self._open)
        before, self._producer = self._producer, following
        log.warning("events go to another log, of %d partitions", following.partitions)
        retired = asyncio.ensure_future(_retire(before, [*self._writes]))
        self._retired.add(retired)
        retired.add_done_callback(self._retired.discard)

    async def write(self, lines: Sequence[Line]) -> None:
        """Return once all the lines are durable.

        Raises LogUnavailable at once when too much waits already, else within 2 s when any line is not known to be
        durable; some may have been written all the same.
        """
        # Of its own, because a request that is given up must not cancel what others wait for too.
        written: asyncio.Future[LogUnavailable | None] = asyncio.get_running_loop().create_future()
        self.add(lines, lambda error: None if written.done() else written.set_result(error))
        error = await written
        if error is not None:
            raise LogUnavailable(str(error), error.retry_after)

    def add(self, lines: Sequence[Line], tell: Written) -> None:
        """As `write`, for at least one line; calls `tell` once, now or later, with what `write` would raise or None."""
        if not self._connected:
            return tell(LogUnavailable("the log is not connected yet"))
        partitions = self._producer.partitions
        texts = [(_partition(line, partitions), encode([line])) for line in lines]
        size = sum([len(text) for _, text in texts])
        if self.waiting + size > self._max_waiting:
            return tell(LogUnavailable("too many events wait for the log"))
        self.waiting += size
        if len(texts) == 1:
            number, text = texts[0]
            self._add(number, text).tell.append((tell, (number,)))
            return None
        batches: dict[_Batch, set[int]] = {}
        for number, text in texts:
            batches.setdefault(self._add(number, text), set()).add(number)
        told = tell if len(batches) == 1 else _Told(len(batches), tell)
        for batch, numbers in batches.items():
            batch.tell.append((told, numbers))
        return None

    async def close(self) -> None:
        """Append what is in hand, wait for it and disconnect the producer."""
        self._flush(self._open)
        while self._writes or self._retired:
            await asyncio.wait(self._writes | self._retired)
        await self._producer.close()

    def _fail(self, error: LogUnavailable) -> None:
        """The whole of it is for this service's own log, though not once a record."""
        now = time.monotonic()
        if now - self._logged > _FORGET_SECONDS:
            log.warning("the event log does not take events: %s", error)
            self._logged = now
        self._failed = (now, error)

    def _add(self, number: int, text: bytes) -> _Batch:
        batch = self._open
        record = None if batch is None else batch.records.get(number)
        if batch is not None and record is not None and record.size + len(text) > self._max_record:
            self._flush(batch)
            batch = record = None
        if batch is None:
            loop = asyncio.get_running_loop()
            batch = self._open = _Batch(self._producer)
            loop.call_later(self._delay, self._ripen, batch)
            batch.patience = loop.call_later(self._patience, _give_up, batch)
        if record is None:
            record = batch.records[number] = _Record()
        record.lines.append(text)
        record.size += len(text)
        batch.size += len(text)
        return batch

    def _ripen(self, batch: _Batch) -> None:
        if self._writes:
            batch.ripe = True
            asyncio.get_running_loop().call_later(self._longest - self._delay, self._flush, batch)
        else:
            self._flush(batch)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writes.discard(task)
        if self._open is not None and self._open.ripe and not self._writes:
            self._flush(self._open)

    def _flush(self, batch: _Batch | None) -> None:
        if batch is None or batch is not self._open:
            return
        self._open = None
        task = asyncio.ensure_future(self._write(batch))
        self._writes.add(task)
        task.add_done_callback(self._written)

    async def _write(self, batch: _Batch) -> None:
        records = [(number, b"".join(record.lines)) for number, record in batch.records.items()]
        outcomes: Sequence[LogUnavailable | None] = [LogUnavailable("given up")] * len(records)
        try:
            outcomes = await batch.producer.write(records)
        except LogUnavailable as unavailable:
            outcomes = [unavailable] * len(records)
        except Exception as unexpected:
            # Whatever broke, these lines are not known to be durable, and their requests must hear so.
            log.exception("writing to the log failed")
            outcomes = [LogUnavailable(type(unexpected).__name__)] * len(records)
        finally:
            self.waiting -= batch.size
            failed: dict[int, LogUnavailable] = {}
            for (number, record), error in zip(batch.records.items(), outcomes, strict=True):
                if error is None:
                    self._appended(len(record.lines), record.size)
                    self._failed = None
                else:
                    failed[number] = error
                    self._fail(error)
            _resolve(batch, failed)


async def _retire(producer: Producer, writes: list["asyncio.Task[None]"]) -> None:
    if writes:
        await asyncio.wait(writes)
    await producer.close()


def _give_up(batch: _Batch) -> None:
    """The write may go on; its bytes count as waiting until it ends."""
    error = LogUnavailable("the log did not answer in time")
    _resolve(batch, dict.fromkeys(batch.records, error))


def _resolve(batch: _Batch, failed: Mapping[int, LogUnavailable]) -> None:
    if batch.patience is not None:
        batch.patience.cancel()
    told, batch.tell = batch.tell, []
    for tell, numbers in told:
        try:
            tell(next((failed[number] for number in numbers if number in failed), None) if failed else None)
        except Exception:
            log.exception("an answer could not be given")  # the others are told all the same


def _partition(line: Event | Filtered, partitions: int) -> int:
    return partition(line.site, line.visitor if isinstance(line, Event) else "", partitions)
