"""Group commit: the events of concurrent requests become one record a partition and one append."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence

from ingest.contract.event import Event, Filtered, Line, encode
from ingest.log.partition import partition
from ingest.log.protocol import LogUnavailable, Producer

DELAY_SECONDS = 0.005
MAX_RECORD = 512 * 1024  # bytes; Kafka's default limit is 1 MiB
MAX_WAITING = 64 * 1024 * 1024  # bytes gathered and not yet durable
_FORGET_SECONDS = 10
PATIENCE_SECONDS = 1.9  # an unanswered request turns into a 503 within 2 s

log = logging.getLogger(__name__)


class _Record:
    """Lines that will be appended together; `written` resolves to the error, or to None once they are durable."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lines: list[bytes] = []
        self.size = 0
        self.written: asyncio.Future[LogUnavailable | None] = loop.create_future()
        self.patience: asyncio.TimerHandle | None = None


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
        if not self._connected:
            raise LogUnavailable("the log is not connected yet")
        texts = [(_partition(line, self._producer.partitions), encode([line])) for line in lines]
        if self.waiting + sum(len(text) for _, text in texts) > self._max_waiting:
            raise LogUnavailable("too many events wait for the log")
        loop = asyncio.get_running_loop()
        records = {id(record): record for record in [self._add(number, text, loop) for number, text in texts]}
        for record in records.values():
            # Shielded, because a request that is given up must not cancel what others wait for too.
            error = await asyncio.shield(record.written)
            if error is not None:
                raise LogUnavailable(str(error), error.retry_after)

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

    def _add(self, number: int, text: bytes, loop: asyncio.AbstractEventLoop) -> _Record:
        record = self._open.get(number)
        if record is not None and record.size + len(text) > self._max_record:
            self._flush(number)
            record = None
        if record is None:
            record = self._open[number] = _Record(loop)
            loop.call_later(self._delay, self._flush_if_open, number, record)
            record.patience = loop.call_later(self._patience, _give_up, record)
        record.lines.append(text)
        record.size += len(text)
        self.waiting += len(text)
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
    if not record.written.done():
        record.written.set_result(error)


def _partition(line: Event | Filtered, partitions: int) -> int:
    return partition(line.site, line.visitor if isinstance(line, Event) else "", partitions)
