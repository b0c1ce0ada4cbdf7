"""What a worker is given: the log, ClickHouse, Redis, and the few things it must know."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from redis import Redis

from ingest.log.dead import DeadLetters
from ingest.log.protocol import Consumer
from rollups.write import Writer
from workers.back import ReadBack
from workers.cache import Cache
from workers.erased import Erased, Secret
from workers.fold import Settings
from workers.metrics import Metrics
from workers.names import NO_LIMIT, Names
from workers.retained import Cuts
from workers.state import BYTES, Store


@dataclass(frozen=True)
class World:
    """`nonce` gives a new name for a proposal or a generation of states, `now` the wall clock, ms; `newest` the time of
    the newest event in ClickHouse, ms; `settle` makes doubted rollups right and says which; `lacking` which disk has no
    room, "" if all have; `cuts` what is gone of sites. Nothing replayed depends on any of them. `secret`: a site's,
    which names its erased visitors. `followed`: whether the log may have a log after it; `due`: whether it is the one
    to be counted now; `ends`: its final ends, once it is sealed. `cuts` and `due` ask ClickHouse through the writer,
    for they are asked within one life of the server.
    """

    consumer: Consumer
    writer: Writer
    redis: Redis
    past: ReadBack
    newest: Callable[[], int]
    dead: DeadLetters
    lookup: Settings
    metrics: Metrics
    nonce: Callable[[], str]
    now: Callable[[], int]
    settle: Callable[[], Sequence[object]] = tuple
    names: Names = NO_LIMIT
    state_bytes: int = BYTES
    lacking: Callable[[], str] = lambda: ""
    changing: Callable[[str, Collection[str]], AbstractContextManager[None]] = lambda *_: nullcontext()
    left: Callable[[str], Callable[[], None]] = lambda _: lambda: None
    secret: Secret = lambda _: ""
    followed: Callable[[], bool] = lambda: False
    due: Callable[[], bool] = lambda: True
    ends: Callable[[], Sequence[int] | None] = lambda: None
    cuts: Cuts = lambda _: {}


@dataclass
class Held:
    """A partition that this worker has taken: the next batch begins at `offset`; `cache` and `clock` are true there, in
    that `life` of the server.
    """

    log: str
    partition: int
    life: str
    offset: int
    clock: int
    store: Store
    cache: Cache
    erased: Erased = field(default_factory=Erased)


class LogOver(Exception):
    """Another log of the chain is to be counted now: the next one, or one before that has more than was known."""


class Paused(Exception):
    """A migrator holds the workers: look again in a moment."""
