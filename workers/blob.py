"""What a decided row carries: all that makes replaying a batch give the same, whatever code replays it."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import zstandard

from ingest.log.dead import DeadLetter
from ingest.log.protocol import Record
from rollups.erase import Stone, Taken
from rollups.rows import SessionRow
from workers.fold import Misjudged


class Origin(NamedTuple):
    """A line that went to the dead letters, and why."""

    offset: int
    place: int
    reason: str


class Named(NamedTuple):
    """An event some of whose data keys are beyond its site's daily number, and the keys that its row has."""

    offset: int
    place: int
    keys: tuple[str, ...]


class Erasing(NamedTuple):
    """A visitor whom a line erases, without the name; `taken`: what lay of them in the raw events."""

    stone: Stone
    taken: list[Taken]


class Blob(msgspec.Struct, frozen=True, array_like=True):
    """`reasons`: of lines that do not count; `dead`: lines nobody could read; `rows`: the signed session rows."""

    reasons: list[Misjudged]
    dead: list[Origin]
    rows: list[SessionRow]
    clock: int  # the partition's newest receipt after the batch
    named: list[Named] = []
    lines: int = -1  # rows that it adds to the raw events; -1: not known, decided by an earlier build
    digest: bytes = b""  # of its records
    reach: int = 0  # the end of the log as it was then; 0: not known, or no matter
    erased: list[Erasing] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Blob)


def blob(
    reasons: Sequence[Misjudged],
    letters: Sequence[DeadLetter],
    rows: Sequence[SessionRow],
    clock: int,
    named: Sequence[Named] = (),
    lines: int = -1,
    records: Sequence[Record] = (),
    reach: int = 0,
    erased: Sequence[Erasing] = (),
) -> Blob:
    """The decision of a batch of these records."""
    dead = [Origin(each.offset, each.index, each.reason) for each in letters]
    own = digest(records) if records else b""
    return Blob(list(reasons), dead, list(rows), clock, list(named), lines, own, reach, list(erased))


def digest(records: Iterable[Record]) -> bytes:
    """Tells records from any others: a log that was put back may lack some, or have others at their offsets."""
    found = blake2b(digest_size=12)
    for record in records:
        found.update(b"%d %d " % (record.offset, len(record.value)))
        found.update(record.value)
    return found.digest()


def whole(decision: Blob, end: int, records: Sequence[Record]) -> bool:
    """Whether these are the very records that were decided, up to `end`."""
    if decision.digest:
        return digest(records) == decision.digest
    return bool(records) and records[-1].offset == end - 1


def encode(decision: Blob) -> bytes:
    """Compressed; the same decision gives the same bytes."""
    return zstandard.ZstdCompressor(level=1).compress(_encoder.encode(decision))


def decode(body: bytes) -> Blob:
    """The other way round."""
    return _decoder.decode(zstandard.ZstdDecompressor().decompress(body))
