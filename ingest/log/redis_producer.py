"""The producing end of a log on Redis Streams: appends that wait at the same time share a round trip."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ingest.log import redis_lacks, redis_succession, stream
from ingest.log.protocol import TOPIC, LogUnavailable
from ingest.log.redis_pool import NO_NOTIFICATIONS, native
from ingest.log.stream import Keys
from ingest.log.succession import number

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.8
SAMPLE_SECONDS = 0.25
UNACKNOWLEDGED_BYTES = 64 << 20
WRITES_A_PIPELINE = 128
# A clock set back makes Redis count `seq` up within one ms, and a trim goes by ms: what shares one cannot be trimmed.
SEQUENCE_ALARM = 1_000
_STANDING = ["id", "next", "ends"]

# KEYS: stream, state. ARGV: ms as above; then the id that a record got below it, and its value, to be appended above.
_PUT_BACK = f"""
{stream.RAISE}
redis.call('HSET', KEYS[2], 'put back', 1)
if ARGV[2] then
  redis.call('XDEL', KEYS[1], ARGV[2])
  return redis.call('XADD', KEYS[1], '*', 'v', ARGV[3])
end
"""


Outcome: TypeAlias = LogUnavailable | None


class _Write(NamedTuple):
    records: list[tuple[int, bytes]]  # (partition, as stored)
    done: asyncio.Future[list[Outcome]]


class RedisProducer:
    """Appends to the streams of one Redis. Writes that wait at the same time share a round trip.

    `max_bytes` bounds the memory of all streams of the topic (default: half of what Redis may use). It is measured, by
    MEMORY USAGE every quarter of a second, not counted: it is right whatever trimmed or restored the streams.
    """

    def __init__(self, url: str, *, partitions: int = 4, max_bytes: int | None = None, topic: str = TOPIC) -> None:
        # No second try: what may have been written must not be written again behind the caller's back.
        self._client = redis.asyncio.Redis.from_url(
            native(url),
            socket_timeout=1.5,
            socket_connect_timeout=1.0,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=10,
            maint_notifications_config=NO_NOTIFICATIONS,
        )
        self._url = url
        self._topic = topic
        self._keys = Keys(topic)  # of the log in use, once started
        self._streams: list[str] = []
        self._succeeded = self._sealed = False
        self._partitions = partitions
        self._max_bytes = max_bytes
        self._full = ""
        self._compressor = stream.compressor()
        self._last: dict[int, int] = {}  # partition → the highest offset that it was seen to give
        self._queue: deque[_Write] = deque()
        self._unacknowledged = 0
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def partitions(self) -> int:
        return self._partitions

    @property
    def ailment(self) -> str | None:
        """That the log is full, if it is."""
        return self._full or None

    @property
    def succeeded(self) -> bool:
        return self._succeeded

    def successor(self) -> "RedisProducer":
        return RedisProducer(self._url, partitions=self._partitions, max_bytes=self._max_bytes, topic=self._topic)

    async def start(self) -> None:
        """See the protocol."""
        try:
            _, self._partitions = await asyncio.to_thread(self._create)
            await self._sample()
        except (redis.RedisError, OSError) as error:
            raise LogUnavailable(f"Redis: {error}") from error
        self._tasks = [asyncio.create_task(self._flush_forever()), asyncio.create_task(self._sample_forever())]

    def _create(self) -> tuple[str, int]:
        with stream.connect(self._url) as client:
            redis_lacks.tell(client, log=True)
            self._keys = Keys(redis_succession.topics(client, self._topic)[-1][0])
            made = stream.create(client, self._keys, self._partitions)
            self._streams = redis_succession.streams(client, self._topic)
            return made

    async def append(self, partition: int, value: bytes) -> None:
        """Return once the record is in the stream (and on disk with `appendfsync always`). Raises LogUnavailable."""
        (outcome,) = await self.write([(partition, value)])
        if outcome is not None:
            raise outcome

    async def write(self, records: Sequence[tuple[int, bytes]]) -> Sequence[Outcome]:
        """See the protocol."""
        if not self._tasks:
            raise LogUnavailable("the log is closed")
        if self._full:
            raise LogUnavailable(self._full, retry_after=5)
        if self._unacknowledged > UNACKNOWLEDGED_BYTES:
            raise LogUnavailable("too much waits for Redis")
        stored = [(partition, self._compressor.compress(value)) for partition, value in records]
        size = sum(len(value) for _, value in stored)
        entry = _Write(stored, asyncio.get_running_loop().create_future())
        self._unacknowledged += size
        self._queue.append(entry)
        self._wake.set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await entry.done
        except TimeoutError:
            raise LogUnavailable(f"Redis did not acknowledge within {PATIENCE_SECONDS} s") from None
        finally:
            self._unacknowledged -= size

    async def _flush_forever(self) -> None:
        """One pipeline under way, the next one gathering: a batch is as large as the round trip is slow."""
        while not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                taken = [self._queue.popleft() for _ in range(min(len(self._queue), WRITES_A_PIPELINE))]
                await self._flush([entry for entry in taken if not entry.done.done()])

    async def _flush(self, entries: Sequence[_Write]) -> None:
        records = [record for entry in entries for record in entry.records]
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for partition, stored in records:
                    pipe.xadd(self._keys.stream(partition), {stream.VALUE: stored})
                pipe.hmget(self._keys.log, _STANDING)
                *answers, standing = await pipe.execute(raise_on_error=False)
            # Looked for behind the appends: what is acknowledged was there before the seal, so workers will count it.
            self._heed(standing)
            if self._sealed:
                answers = [_other_partitions()] * len(records)
        except (redis.RedisError, OSError) as error:
            answers = [error] * len(records)
        outcomes = iter([await self._outcome(*record, answer) for record, answer in zip(records, answers, strict=True)])
        for entry in entries:
            own = list(islice(outcomes, len(entry.records)))
            if not entry.done.done():
                entry.done.set_result(own)
        await self._leave_the_millisecond({partition for partition, _ in records})

    async def _outcome(self, partition: int, stored: bytes, answer: Any) -> Outcome:
        if not isinstance(answer, Exception) and stream.offset_of(answer) <= self._last.get(partition, 0):
            answer = await self._again(partition, stored, answer)
        if isinstance(answer, LogUnavailable):
            return _other_partitions() if self._sealed else answer
        if isinstance(answer, Exception):
            return LogUnavailable(f"Redis: {answer}")
        self._last[partition] = stream.offset_of(answer)
        return None

    def _heed(self, standing: Any) -> None:
        """What the log's hash says of it. One that follows another is gone where Redis was put back to before it."""
        if isinstance(standing, Exception):
            raise standing
        log, after, ends = standing
        gone = log is None and number(self._keys.topic) > 1
        self._succeeded, self._sealed = gone or after is not None, gone or ends is not None

    async def _leave_the_millisecond(self, partitions: Iterable[int]) -> None:
        """Where Redis counts within the last ms it saw, for its clock was set back."""
        for partition in partitions:
            last = self._last.get(partition, 0)
            if last & (stream.SEQUENCE_LIMIT - 1) > SEQUENCE_ALARM:
                with suppress(redis.RedisError, OSError):
                    following = str((last >> stream.SEQUENCE_BITS) + 1)
                    await self._client.eval(stream.RAISE, 1, self._keys.stream(partition), following)

    async def _again(self, partition: int, stored: bytes, low: bytes) -> Any:
        """The id of the record appended anew: it had got an offset that may have been counted already, where nobody
        would read it, for the log was put back and the clock was behind. Or why it could not be."""
        try:
            answer = await self._goes_on_above(partition, low, stored)
            self._heed(await self._client.hmget(self._keys.log, _STANDING))
            return _other_partitions() if self._sealed else answer
        except (redis.RedisError, OSError) as error:
            return error

    async def _goes_on_above(self, partition: int, *anew: bytes) -> Any:
        logger.error("the log was put back to an earlier state: partition %d goes on above", partition)
        keys = self._keys.stream(partition), self._keys.state(partition)
        ms = (self._last[partition] >> stream.SEQUENCE_BITS) + 1
        return await self._client.eval(_PUT_BACK, 2, *keys, str(ms), *anew)

    async def holds(self) -> bool:
        """Whether the streams still have the last of each that this producer appended. Raises LogUnavailable."""
        try:
            for partition, offset in self._last.items():
                last = stream.id_at(offset)
                floor: Any = await self._client.hget(self._keys.state(partition), "floor")
                there = await self._client.xrange(self._keys.stream(partition), last, last)
                if not there and int(floor or 0) <= offset >> stream.SEQUENCE_BITS:
                    return False
        except (redis.RedisError, OSError) as error:
            raise LogUnavailable(f"Redis: {error}") from error
        return True

    async def _sample_forever(self) -> None:
        while not self._closing.is_set():
            # Away: the appends themselves say so.
            with suppress(redis.RedisError, OSError):
                await self._sample()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), SAMPLE_SECONDS)

    async def _sample(self) -> None:
        async with self._client.pipeline(transaction=False) as pipe:
            stream.ask_room(pipe, self._streams)
            self._full = stream.room(await pipe.execute(), self._max_bytes).full
            pipe.hmget(self._keys.log, _STANDING)
            seen = dict(self._last)
            for partition in seen:
                pipe.eval(stream.LAST, 1, self._keys.stream(partition))
            standing, *ends = await pipe.execute()
        self._heed(standing)
        for (partition, last), (given, _) in zip(seen.items(), ends, strict=True):
            if stream.offset_of(given) < last:
                await self._goes_on_above(partition)

    async def close(self) -> None:
        """Write what is in hand and disconnect."""
        tasks, self._tasks = self._tasks, []
        # The tasks end by themselves, within the client's own timeouts: a cancelled command may pass for a failed one.
        self._closing.set()
        self._wake.set()
        await asyncio.gather(*tasks)
        await self._client.aclose()


def _other_partitions() -> LogUnavailable:
    return LogUnavailable("the log goes on with other partitions", retry_after=1)
