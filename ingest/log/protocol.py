"""What an event log is, in Kafka's model: a log id, partitions, growing offsets, seek, one position a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

TOPIC = "events"
DEAD_TOPIC = "events.dead"


class Record(NamedTuple):
    """One record: `offset` increases within the partition but need not be dense; `value` is already decompressed."""

    partition: int
    offset: int
    value: bytes


class LogUnavailable(Exception):
    """The log cannot take the record now; trying again after `retry_after` seconds is sensible.

    What a driver says follows a colon ("Redis: Error 111 …"): it names hosts and ports.
    """

    def __init__(self, message: str, retry_after: int = 2) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def brief(self) -> str:
        """The message as anybody may read it, without a driver's words."""
        return str(self).partition(": ")[0]


class LogTruncated(Exception):
    """The log no longer holds what was asked for: retention or a rollback took it. Trying again does not help."""


class PartitionsChanged(Exception):
    """The log has another number of partitions than its visitors are placed by. Trying again does not help."""

    def __init__(self, log: str, before: int, now: int) -> None:
        super().__init__(
            f"{log} has {now} partitions, but visitors are placed by {before}, and going on could split their "
            f"sessions: nothing was misplaced, and what the log holds stays there; for new events name a new topic in "
            f"THROUGHLINE_EVENT_LOG (kafka://BROKERS/TOPIC) and restart (throughline repartition changes the number)"
        )


def whole(partition: int, records: Sequence[Record], begin: int, end: int) -> Sequence[Record]:
    """The records of [begin, end) as they were found. Raises LogTruncated if the one before `end` is not among them."""
    if begin < end and (not records or records[-1].offset != end - 1):
        raise LogTruncated(f"partition {partition}: of [{begin}, {end}) {len(records)} records are left")
    return records


@dataclass(frozen=True)
class Bounds:
    """Half-open [begin, end): nothing from `begin` on was removed; `end` is the offset after the last record ever."""

    begin: int
    end: int


class Floor(NamedTuple):
    """What is found where a partition is taken.

    `put_back`: the log is back at an earlier state, so that acknowledged records may be gone: a reason to say so.
    `committed`: the group's position as the log remembers it, at most where the partition is taken. Where it is lower,
    nothing in the log tells of what lies between the two whether it was counted.
    """

    put_back: bool
    committed: int


class Producer(Protocol):
    """Appends records; used on one event loop."""

    @property
    def partitions(self) -> int:
        """How many partitions visitors are placed by (known after start)."""
        ...

    @property
    def ailment(self) -> str | None:
        """Why nothing is taken now, as far as is known without an append; None if nothing is."""
        ...

    @property
    def succeeded(self) -> bool:
        """Whether records go to another log now, which `successor` writes to."""
        ...

    def successor(self) -> "Producer":
        """A producer, to be started, of the log that takes records now."""
        ...

    async def start(self) -> None:
        """Connect to the log that takes records now, creating the first if it is missing. Raises LogUnavailable."""
        ...

    async def write(self, records: Sequence[tuple[int, bytes]]) -> Sequence["LogUnavailable | None"]:
        """Append records, (partition, value) each, together: for each of them None once it is durable, or why it is not
        known to be, within 2 s. Raises LogUnavailable when none is taken.
        """
        ...

    async def append(self, partition: int, value: bytes) -> None:
        """`write` of one. Raises LogUnavailable within 2 s; the record may be written all the same."""
        ...

    async def holds(self) -> bool:
        """Whether the log still has what this producer appended, or trimmed it as counted; False once it was put back
        to an earlier state. Raises LogUnavailable.
        """
        ...

    async def close(self) -> None:
        """Send what is in hand and disconnect."""
        ...


class Consumer(Protocol):
    """One member of the worker group; used by one thread. Every call may raise LogUnavailable."""

    def log_id(self) -> str:
        """Names this very log; a recreated log has another id."""
        ...

    @property
    def partitions(self) -> int:
        """How many partitions visitors are placed by."""
        ...

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        """Records of assigned, unpaused partitions, in offset order per partition; blocks ≤ `timeout` seconds.

        A newly assigned partition gives nothing until `seek`: the group's position is never where reading starts.
        Keeps the membership. Raises LogTruncated if the records at a position are gone, PartitionsChanged if visitors
        are placed by another number of partitions than there are.
        """
        ...

    def assigned(self) -> Mapping[int, int]:
        """partition → epoch as of the last poll. A higher epoch means: given away and got back in between."""
        ...

    def seek(self, partition: int, offset: int) -> None:
        """The next poll continues at the first record with an offset ≥ `offset`."""
        ...

    def pause(self, partitions: Sequence[int]) -> None:
        """Poll returns nothing of these until `resume`."""
        ...

    def resume(self, partitions: Sequence[int]) -> None: ...

    def bounds(self, partition: int) -> Bounds: ...

    def reach(self, partition: int) -> int:
        """The offset after the last record there is, by which a log that was put back is known; 0 where none can be."""
        ...

    def read(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """Exactly the records with begin ≤ offset < end, independent of the poll position (replay of a decided batch).

        `end` is the offset after a record. Raises LogTruncated if any of them may be missing: a log that was put back
        lost what came last, so the one before `end` is gone then too.
        """
        ...

    def left(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        """What there is of [begin, end), whatever is missing."""
        ...

    def raise_floor(self, partition: int, offset: int) -> Floor:
        """Call when a partition is taken at `offset`: from now on no new record gets an offset below it."""
        ...

    def commit(self, offsets: Mapping[int, int]) -> None:
        """The group's position, for information and retention only; a rebalance in progress is not an error."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...
