"""Dead letters: lines that no worker can read, kept with their reason and origin until somebody replays them."""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from msgspec.structs import replace

from ingest.contract.event import Filtered, Rebuild
from ingest.contract.event import decode as decode_line
from ingest.contract.event import encode as encode_lines
from ingest.log.partition import partition as place
from ingest.log.protocol import Producer

LIMIT = 10_000


class TooManyDeadLetters(Exception):
    """More letters than the limit: something is wrong with the workers, not with the lines. The worker must stop."""


@dataclass(frozen=True)
class DeadLetter:
    """One line of one record, as it came. `index` is its place in the record; `log` … `offset` say which record.

    `digest`: of the line, for a log that was put back may have another at the same place; "" in those of before.
    """

    reason: str
    log: str
    partition: int
    offset: int
    index: int
    line: bytes
    digest: str = ""

    @property
    def origin(self) -> str:
        """The same for the same line, however often a worker meets it."""
        return f"{self.log}/{self.partition}/{self.offset}/{self.index}" + (f"/{self.digest}" if self.digest else "")

    def encode(self) -> bytes:
        """JSON with the line in base64, for whoever looks into the store."""
        line = base64.b64encode(self.line).decode()
        return json.dumps({**self.__dict__, "line": line}, separators=(",", ":")).encode()


def dead_letter(reason: str, log: str, partition: int, offset: int, index: int, line: bytes) -> DeadLetter:
    """A letter with its line's digest."""
    return DeadLetter(reason, log, partition, offset, index, line, blake2b(line, digest_size=6).hexdigest())


def decode(stored: bytes) -> DeadLetter:
    """What `encode` was given."""
    fields = json.loads(stored)
    return DeadLetter(**{**fields, "line": base64.b64decode(fields["line"])})


class DeadLetters(Protocol):
    """Where dead letters wait. Calls block, and may raise LogUnavailable."""

    def append(self, letter: DeadLetter) -> bool:
        """Return once the letter is durable; False if its origin is known, waiting or replayed, and nothing was added.

        Raises TooManyDeadLetters.
        """
        ...

    def count(self) -> int:
        """How many letters wait."""
        ...

    def letters(self) -> Sequence[DeadLetter]:
        """The letters that wait, by origin."""
        ...

    def begin(self, origin: str) -> bool:
        """Claim a letter for replay; False if it was claimed before, so that whether it was sent is not known."""
        ...

    def finish(self, origin: str) -> None:
        """The letter is back on the log: forget the line, remember the origin."""
        ...

    def close(self) -> None: ...


def placed(letter: DeadLetter, partitions: int) -> Sequence[tuple[int, bytes]]:
    """The letter's line by the partition that it belongs to, which the log that it came from may not have had.

    One that names visitors of several is divided.
    """
    try:
        line = decode_line(letter.line)
    except ValueError:
        return [(letter.partition % partitions, letter.line)]
    if not isinstance(line, Rebuild):
        visitor = "" if isinstance(line, Filtered) else line.visitor
        return [(place(line.site, visitor, partitions), letter.line)]
    by_partition: dict[int, list[str]] = {}
    for visitor in line.visitors:
        by_partition.setdefault(place(line.site, visitor, partitions), []).append(visitor)
    return [
        (number, letter.line if len(by_partition) == 1 else encode_lines([replace(line, visitors=visitors)]))
        for number, visitors in by_partition.items()
    ]


@dataclass(frozen=True)
class Replayed:
    """What a replay did: letters `sent`; `unsure` ones that an earlier replay began and did not finish."""

    sent: int
    unsure: int


async def replay(
    dead: DeadLetters,
    producer: Producer,
    *,
    again: bool = False,
    only: Callable[[DeadLetter], bool] = lambda letter: True,
    there: Callable[[DeadLetter], bool] | None = None,
) -> Replayed:
    """Append every waiting letter to the log, each origin at most once, to its visitor's partition.

    A letter whose earlier replay broke off is sent only with `again`: it may then be on the log twice, which the ids of
    its events make harmless. Or `there` tells whether the log has it. Raises LogUnavailable.
    """
    sent = unsure = 0
    for letter in filter(only, await asyncio.to_thread(dead.letters)):
        begun = not await asyncio.to_thread(dead.begin, letter.origin)
        if begun and there is None and not again:
            unsure += 1
            continue
        if not (begun and there is not None and await asyncio.to_thread(there, letter)):
            for partition, line in placed(letter, producer.partitions):
                await producer.append(partition, line)
        await asyncio.to_thread(dead.finish, letter.origin)
        sent += 1
    return Replayed(sent, unsure)
