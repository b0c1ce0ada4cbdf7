"""A log in memory, without a producer (that one is `tests.ingest.fake`'s): held to what real logs are held to."""

from collections.abc import Callable, Mapping, Sequence

from ingest.log.dead import LIMIT, DeadLetter, TooManyDeadLetters
from ingest.log.protocol import Bounds, Floor, LogTruncated, Record, whole

Point = Callable[[str], None]  # called before every effect; may raise


def _quiet(_: str) -> None:
    """Nothing happens at any point."""


class FakeLog:
    """Records by partition, and who reads which: its members share evenly, unless the test gives partitions away."""

    def __init__(self, records: Mapping[int, list[Record]], log: str = "log") -> None:
        self.records, self.log = dict(records), log
        self.owners: dict[int, tuple[object, int]] = {}
        self.epoch = 0
        self._members: list[object] = []

    def give(self, partition: int, member: object) -> None:
        self.epoch += 1
        self.owners[partition] = member, self.epoch

    def append(self, partition: int, value: bytes) -> None:
        """Offsets are sparse, as they may be."""
        self.records[partition].append(Record(partition, self.end(partition) + 1, value))

    def end(self, partition: int) -> int:
        own = self.records[partition]
        return own[-1].offset + 1 if own else 0

    def join(self, member: object) -> None:
        self._members.append(member)
        self._share()

    def leave(self, member: object) -> None:
        if member in self._members:
            self._members.remove(member)
            self._share()

    def _share(self) -> None:
        """Nothing moves that need not."""
        held: dict[object, list[int]] = {member: [] for member in self._members}
        free = []
        for partition in self.records:
            owner = self.owners.get(partition, (None, 0))[0]
            most = -(-len(self.records) // max(1, len(held)))
            if owner in held and len(held[owner]) < most:
                held[owner].append(partition)
            else:
                self.owners.pop(partition, None)
                free.append(partition)
        for partition in free if held else ():
            least = min(held, key=lambda member: len(held[member]))
            held[least].append(partition)
            self.give(partition, least)

    def delete(self) -> None:
        """Throw it away; whoever comes next makes another."""
        self.records = {partition: [] for partition in self.records}
        self.log += "+"


class FakeConsumer:
    """One member; reads at most `most()` records of a partition a poll."""

    def __init__(self, log: FakeLog, point: Point = _quiet, most: Callable[[], int] = lambda: 1_000) -> None:
        self._log, self._point, self._most = log, point, most
        self._assigned: dict[int, int] = {}
        self._positions: dict[int, tuple[int, int]] = {}
        self._paused: set[int] = set()
        self.floors: dict[int, int] = {}
        self.committed: dict[int, int] = {}

    @property
    def partitions(self) -> int:
        return len(self._log.records)

    def log_id(self) -> str:
        return self._log.log

    def poll(self, timeout: float, max_records: int = 1000) -> Sequence[Record]:
        self._point("poll")
        self._assigned = {p: epoch for p, (owner, epoch) in self._log.owners.items() if owner is self}
        found: list[Record] = []
        for p, (epoch, offset) in list(self._positions.items()):
            if self._assigned.get(p) == epoch and p not in self._paused:
                most = min(self._most(), max_records - len(found))
                own = [record for record in self._log.records[p] if record.offset >= offset][:most]
                if own:
                    self._positions[p] = epoch, own[-1].offset + 1
                found += own
        return found

    def assigned(self) -> Mapping[int, int]:
        return dict(self._assigned)

    def seek(self, partition: int, offset: int) -> None:
        if partition in self._assigned:
            self._positions[partition] = self._assigned[partition], offset

    def pause(self, partitions: Sequence[int]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[int]) -> None:
        self._paused.difference_update(partitions)

    def bounds(self, partition: int) -> Bounds:
        return Bounds(0, self._log.end(partition))

    def reach(self, partition: int) -> int:
        return self._log.end(partition)

    def read(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        self._point("read")
        if begin < 0 or end > self._log.end(partition):
            raise LogTruncated(f"partition {partition}: [{begin}, {end}) is not there")
        return whole(partition, self.left(partition, begin, end), begin, end)

    def left(self, partition: int, begin: int, end: int) -> Sequence[Record]:
        return [record for record in self._log.records[partition] if begin <= record.offset < end]

    def raise_floor(self, partition: int, offset: int) -> Floor:
        self.floors[partition] = offset
        return Floor(False, offset)

    def commit(self, offsets: Mapping[int, int]) -> None:
        self._point("commit")
        self.committed.update(offsets)

    def close(self) -> None:
        self._log.leave(self)


class FakeDead:
    """Dead letters by origin."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.held: dict[str, DeadLetter] = {}
        self._limit = limit
        self._begun: set[str] = set()
        self._finished: set[str] = set()

    def limited(self, limit: int = LIMIT) -> "FakeDead":
        """The same letters with another limit."""
        self._limit = limit
        return self

    def append(self, letter: DeadLetter) -> bool:
        if letter.origin in self.held or letter.origin in self._finished:
            return False
        if len(self.held) >= self._limit:
            raise TooManyDeadLetters(f"{len(self.held)} dead letters wait; the last: {letter.reason}")
        self.held[letter.origin] = letter
        return True

    def count(self) -> int:
        return len(self.held)

    def letters(self) -> Sequence[DeadLetter]:
        return [self.held[origin] for origin in sorted(self.held)]

    def begin(self, origin: str) -> bool:
        first = origin not in self._begun
        self._begun.add(origin)
        return first

    def finish(self, origin: str) -> None:
        del self.held[origin]
        self._finished.add(origin)

    def close(self) -> None:
        pass
