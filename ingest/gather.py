"""Group commit: the events of concurrent requests become one record a partition and one append."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ingest.contract.event import Event, Filtered, Line, encode
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable, Producer

DELAY_SECONDS = 0.005
MAX_RECORD = 512 * 1024  # bytes; Kafka's default limit is 1 MiB
MAX_WAITING = 64 * 1024 * 1024  # bytes gathered and not yet durable
_FORGET_SECONDS = 10
PATIENCE_SECONDS = 1.9  # an unanswered request turns into a 503 within 2 s

Written: TypeAlias = Callable[[LogUnavailable | None], None]

log = logging.getLogger(__name__)


class _Record:
    """Lines that will be appended together, and who is told of the error, or of None once they are durable."""

    __slots__ = ("lines", "patience", "size", "tell")

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self.tell: list[Written] = []
        self.patience: asyncio.TimerHandle | None = None


class _Told:
    """Tells once: of the first error, or once all the records are durable."""

    __slots__ = ("_left", "_tell")

    def __init__(self, records: int, tell: Written) -> None:
        self._left = records
        self._tell: Written | None = tell

    def __call__(self, error: LogUnavailable | None) -> None:
        self._left -= 1
        if self._tell is not None and (error is not None or not self._left):
            tell, self._tell = self._tell, None
            tell(error)


class Gatherer:
    """Gathers lines for at most `delay` seconds or `max_record` bytes a partition. Belongs to one event loop."""

    def __init__(
        self,
        producer: Producer,
        delay: float = DELAY_SECONDS,
        max_record: int = MAX_RECORD,
        max_waiting: int = MAX_WAITING,
        patience: float = PATIENCE_SECONDS,
        appended: Callable[[int, int], None] = lambda lines, size: None,
    ) -> None:
        self._producer = producer
        self._delay = delay
        self._max_record = max_record
        self._max_waiting = max_waiting
        self._patience = patience
        self._appended = appended
        self._open: dict[int, _Record] = {}
        self._appends: set[asyncio.Task[None]] = set()
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
        """As `write`, for one or more lines; calls `tell` once, now or later, with what `write` would raise, or None.

        `tell` must not raise.
        """
        if not self._connected:
            return tell(LogUnavailable("the log is not connected yet"))
        partitions = self._producer.partitions
        texts = [(_partition(line, partitions), encode([line])) for line in lines]
        size = sum([len(text) for _, text in texts])
        if self.waiting + size > self._max_waiting:
            return tell(LogUnavailable("too many events wait for the log"))
        self.waiting += size
        if len(texts) == 1:
            self._add(*texts[0]).tell.append(tell)
            return None
        records = {id(record): record for record in [self._add(number, text) for number, text in texts]}
        told = tell if len(records) == 1 else _Told(len(records), tell)
        for record in records.values():
            record.tell.append(told)
        return None

    async def close(self) -> None:
        """Append what is in hand, wait for it and disconnect the producer."""
        for number in list(self._open):
            self._flush(number)
        while self._appends:
            await asyncio.wait(self._appends)
        await self._producer.close()

    def _fail(self, error: LogUnavailable) -> None:
        """The whole of it is for this service's own log, though not once a record."""
        now = time.monotonic()
        if now - self._logged > _FORGET_SECONDS:
            log.warning("the event log does not take events: %s", error)
            self._logged = now
        self._failed = (now, error)

    def _add(self, number: int, text: bytes) -> _Record:
        record = self._open.get(number)
        if record is not None and record.size + len(text) > self._max_record:
            self._flush(number)
            record = None
        if record is None:
            loop = asyncio.get_running_loop()
            record = self._open[number] = _Record()
            loop.call_later(self._delay, self._flush_if_open, number, record)
            record.patience = loop.call_later(self._patience, _give_up, record)
        record.lines.append(text)
        record.size += len(text)
        return record

    def _flush_if_open(self, number: int, record: _Record) -> None:
        if self._open.get(number) is record:
            self._flush(number)

    def _flush(self, number: int) -> None:
        task = asyncio.ensure_future(self._append(number, self._open.pop(number)))
        self._appends.add(task)
        task.add_done_callback(self._appends.discard)

    async def _append(self, number: int, record: _Record) -> None:
        error: LogUnavailable | None = None
        try:
            await self._producer.append(number, b"".join(record.lines))
            self._appended(len(record.lines), record.size)
            self._failed = None
        except LogUnavailable as unavailable:
            error = unavailable
        except Exception as unexpected:
            # Whatever broke, these lines are not known to be durable, and their requests must hear so.
            log.exception("appending to the log failed")
            error = LogUnavailable(type(unexpected).__name__)
        finally:
            if error is not None:
                self._fail(error)
            self.waiting -= record.size
            _resolve(record, error)


def _give_up(record: _Record) -> None:
    """The append may go on; its bytes count as waiting until it ends."""
    _resolve(record, LogUnavailable("the log did not answer in time"))


def _resolve(record: _Record, error: LogUnavailable | None) -> None:
    if record.patience is not None:
        record.patience.cancel()
    told, record.tell = record.tell, []
    for tell in told:
        tell(error)


def _partition(line: Event | Filtered, partitions: int) -> int:
    return partition(line.site, line.visitor if isinstance(line, Event) else "", partitions)
