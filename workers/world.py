"""What a worker is given: the log, ClickHouse, Redis, and the few things it must know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redis import Redis

from ingest.log.dead import DeadLetters
from ingest.log.protocol import Consumer
from rollups.memory import Remembered
from rollups.write import Writer
from workers.cache import Cache
from workers.fold import Lookup
from workers.metrics import Metrics
from workers.state import Store

# (log, partition, partitions, before) → the partition's newest receipt, and the visitors to rebuild, in chunks
Memories = Callable[[str, int, int, int], tuple[int, Iterator[list[Remembered]]]]


@dataclass(frozen=True)
class World:
    """`nonce` gives a new name for a proposal or a rebuild; nothing replayed depends on it."""

    consumer: Consumer
    writer: Writer
    redis: Redis
    memories: Memories
    dead: DeadLetters
    lookup: Lookup
    metrics: Metrics
    nonce: Callable[[], str]


@dataclass
class Held:
    """A partition that this worker has taken: the next batch begins at `offset`; `cache` and `clock` are true there."""

    log: str
    partition: int
    offset: int
    clock: int
    store: Store
    cache: Cache


class Paused(Exception):
    """A migrator holds the workers: look again in a moment."""
