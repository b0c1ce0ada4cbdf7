"""A log with another number of partitions is another log, which follows the one before.

A visitor's events lie in one partition, so the number cannot change under a log. Making the next log, in one step, is
the decision. Producers go on to it; then the log before is *sealed*: no append to it is acknowledged any more, so its
ends are final. Workers count it up to there, and only then the next: at no time are two partitions of one visitor's at
work. Each step may be repeated, and whoever finds the next one undone waits for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ingest.log.protocol import LogTruncated

_NUMBERED = re.compile(r"(.+)\.log-(\d+)")

Positions: TypeAlias = Mapping[tuple[str, int], int]  # (log, partition) → up to where it is counted


@dataclass(frozen=True)
class Link:
    """One log of a chain, by its topic and id. Of those before the last, `begins`: the first offset that each partition
    still has; `ends`: the one after its last record, final, and None while the log is not sealed."""

    topic: str
    log: str
    partitions: int
    begins: Sequence[int] = ()
    ends: Sequence[int] | None = None


class Succession(Protocol):
    """The logs of one address. Calls block, and raise LogUnavailable."""

    def chain(self) -> Sequence[Link]:
        """From the first log that is known of to the one that takes records; empty before there is one."""
        ...

    def followed(self, topic: str) -> bool:
        """Whether there is a log after that one, or that one is gone."""
        ...

    def extend(self, last: Link, partitions: int) -> None:
        """Make the log after the last; nothing if there is one."""
        ...

    def seal(self, link: Link) -> None:
        """Have every append refused that comes later, and record where the log ends."""
        ...

    def ends(self, topic: str) -> Sequence[int] | None:
        """Its final ends, once it is sealed. There may be records behind them, of which none was acknowledged."""
        ...

    def release(self, link: Link) -> None:
        """The log is counted to its end: it is kept for as long as counted records are, and no longer."""
        ...

    def keep(self, link: Link) -> None:
        """The log is to be counted, perhaps again: what was released of it and is there stays."""
        ...

    def close(self) -> None: ...


def number(topic: str) -> int:
    """1 for the first log of a chain."""
    found = _NUMBERED.fullmatch(topic)
    return int(found[2]) if found else 1


def first(topic: str) -> str:
    """The topic of the chain's first log, which is the one that addresses name."""
    found = _NUMBERED.fullmatch(topic)
    return found[1] if found else topic


def following(topic: str) -> str:
    """The topic of the next log."""
    return f"{first(topic)}.log-{number(topic) + 1}"


def due(chain: Sequence[Link], counted: Callable[[], Positions]) -> Link | None:
    """The log to be counted now: the first that is not counted to its final end. None where there is no log.

    `counted` is asked only if there is a choice. Raises LogTruncated if a log lost what is not counted of it.
    """
    if len(chain) < 2:
        return chain[-1] if chain else None
    positions = counted()
    for link in chain[:-1]:
        if left := open_of(link, positions):
            for partition in left:
                position, begin = positions.get((link.log, partition)), link.begins[partition]
                if position is not None and position < begin:
                    what = f"partition {partition} of log {link.log}"
                    raise LogTruncated(f"{what} begins at {begin}, after {position}: records are lost")
            return link
    return chain[-1]


def open_of(link: Link, positions: Positions) -> list[int]:
    """The partitions of a log before the last that are not counted to their final ends, or have none yet."""
    if link.ends is None:
        return [*range(link.partitions)]
    stands = [positions.get((link.log, number), begin) for number, begin in enumerate(link.begins)]
    return [number for number, (stand, end) in enumerate(zip(stands, link.ends, strict=True)) if stand < end]
