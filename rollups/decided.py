"""A batch as it is decided, and what is said of it; what keeps one from going in."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


@dataclass(frozen=True)
class Decided:
    """A batch [a, b) of a partition as its first writer decided it; `blob` is the workers' own."""

    log: str
    partition: int
    a: int
    b: int
    nonce: str
    blob: bytes
    life: str = ""  # of the server, as its writer saw it: only in that one its tokens are believed


Lines: TypeAlias = dict[tuple[int, int], str | None]


class Span(NamedTuple):
    """Times of a site, ms, both ends included."""

    site: str
    first: int
    last: int


class Marked(NamedTuple):
    """Where a finished batch ended; its partition's newest receipt, ms, and its log's end as they were; 0: unknown."""

    end: int
    clock: int
    reach: int = 0


class Look(NamedTuple):
    """The life of the server, which its restart ends, and the phase of a migration (`control`)."""

    life: str
    phase: str


class Standing(NamedTuple):
    """Who decided a batch, None if nobody has; `closed`: it must wait with its inserts."""

    nonce: str | None
    closed: bool


class TwoDecided(Exception):
    """Two batches lie at one position: the deduplication window did not outlive a stalled worker. Stop and say so."""


class Running(Exception):
    """An insert of this batch that its client gave up still runs: look again later, it may go in."""


class Damaged(Exception):
    """Parts of what says how far is counted are set aside: going on could count events again."""


class Outlived(Exception):
    """An unfinished batch is older than the tokens that ClickHouse remembers: inserting it could count it twice."""
