"""Logs on Redis that follow each other: the hash of each says which is next, and that it is sealed."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from ingest.log import stream, succession
from ingest.log.protocol import LogUnavailable
from ingest.log.stream import Keys
from ingest.log.succession import Link

KEEP_SECONDS = 3600

# KEYS: the log's hash, its streams. In one step, so that whoever reads a record that came later finds the ends.
_SEAL = """
local ends = {}
for i = 2, #KEYS do
  local entry = redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', 1)[1]
  table.insert(ends, entry and entry[1] or '0-0')
end
redis.call('HSETNX', KEYS[1], 'ends', table.concat(ends, ' '))
"""


def topics(client: redis.Redis, topic: str) -> list[tuple[str, int]]:
    """(topic, partitions) of every log of the chain; that of the first alone, of 0, before it is made."""
    found: list[tuple[str, int]] = []
    following: Any = topic
    while following:
        made: Any = client.hmget(Keys(following).log, ["id", "partitions", "next"])
        if made[0] is None:
            break
        found.append((following, int(made[1])))
        following = made[2] and made[2].decode()
    return found or [(topic, 0)]


def streams(client: redis.Redis, topic: str) -> list[str]:
    """The keys of every stream of the chain: what is not counted yet of one takes the room of the others."""
    return [Keys(each).stream(number) for each, count in topics(client, topic) for number in range(count)]


class RedisSuccession:
    """Implements `Succession`."""

    def __init__(self, url: str, topic: str) -> None:
        self._client = stream.connect(url)
        self._topic = topic

    def chain(self) -> Sequence[Link]:
        with _available():
            found = [self._link(topic, count) for topic, count in topics(self._client, self._topic) if count]
            last = found and Link(found[-1].topic, found[-1].log, found[-1].partitions)
            return [*found[:-1], last] if last else []

    def _link(self, topic: str, count: int) -> Link:
        keys = Keys(topic)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.log, ["id", "ends"])
            for number in range(count):
                pipe.hget(keys.state(number), "floor")
                pipe.exists(keys.stream(number))
            (log, told), *held = pipe.execute()
        ends = told and _ends(told)
        begins = [int(floor or 0) << stream.SEQUENCE_BITS for floor in held[::2]]
        if ends:  # what was released is gone as a whole
            begins = [b if there else end for b, there, end in zip(begins, held[1::2], ends, strict=True)]
        return Link(topic, log.decode(), count, begins, ends)

    def followed(self, topic: str) -> bool:
        with _available():
            log, after = self._client.hmget(Keys(topic).log, ["id", "next"])
        return after is not None or (log is None and topic != self._topic)

    def extend(self, last: Link, partitions: int) -> None:
        made = Keys(succession.following(last.topic))
        with _available(), self._client.pipeline(transaction=True) as pipe:
            pipe.hsetnx(made.log, "id", secrets.token_hex(8))
            pipe.hsetnx(made.log, "partitions", partitions)
            pipe.hsetnx(Keys(last.topic).log, "next", made.topic)
            pipe.execute()

    def seal(self, link: Link) -> None:
        """A producer looks for the seal behind its append: what it acknowledges lies before the seal."""
        keys = Keys(link.topic)
        with _available():
            every = [keys.stream(number) for number in range(link.partitions)]
            self._client.eval(_SEAL, 1 + len(every), keys.log, *every)

    def ends(self, topic: str) -> Sequence[int] | None:
        with _available():
            told: Any = self._client.hget(Keys(topic).log, "ends")
        return told and _ends(told)

    def release(self, link: Link) -> None:
        keys = Keys(link.topic)
        with _available():
            for number in range(link.partitions):
                if self._client.ttl(keys.stream(number)) == -1:
                    self._client.expire(keys.stream(number), KEEP_SECONDS)

    def keep(self, link: Link) -> None:
        with _available():
            for number in range(link.partitions):
                self._client.persist(Keys(link.topic).stream(number))

    def close(self) -> None:
        self._client.close()


def _ends(lasts: bytes) -> list[int]:
    """The offset after the last record of each partition, of their ids."""
    return [offset + 1 if (offset := stream.offset_of(last)) else 0 for last in lasts.split()]


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise LogUnavailable(f"Redis: {error}") from error
