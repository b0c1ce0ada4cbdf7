"""What is known of records before their visitors' states are; made ahead, while ClickHouse has the records before.

Nothing of it depends on what is counted meanwhile, so it does not matter when it is made, or how often.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from ingest.contract.event import Event, Filtered, Reason
from ingest.log.dead import DeadLetter
from ingest.log.protocol import Record
from rollups.native import NOTHING, Packed, packed
from rollups.rows import EVENT, Columns
from workers.fold import Entry, Visits, visits
from workers.raw import DECIDED, bare, counted_columns
from workers.read import FUTURE_MS, read


class Prepared(NamedTuple):
    """`entries`: the lines that can be read, `letters`: those that cannot; `stored`: the entries that are rows of
    `events`, with their `columns` if all of them count, and those of them `packed` of which that does not matter.
    """

    entries: list[Entry]
    letters: list[DeadLetter]
    visited: Visits
    stored: list[Entry]
    columns: Columns
    packed: Packed


def prepared(log: str, records: Sequence[Record], latest: int) -> Prepared:
    """A receipt after `latest` (ms) is not believed. Pure."""
    entries, letters = read(log, records, latest)
    stored = [entry for entry in entries if isinstance(entry.line, Event | Filtered)]
    columns = counted_columns(stored, log, records[0].partition)
    return Prepared(entries, letters, visits(entries), stored, columns, packed(EVENT, columns, DECIDED))


def without(batch: Prepared, log: str, letters: Sequence[DeadLetter]) -> Prepared:
    """The batch with so many more lines that are only letters."""
    lost = {(letter.offset, letter.index) for letter in letters}
    stored = [entry for entry in batch.stored if entry[:2] not in lost]
    columns = counted_columns(stored, log, letters[0].partition)
    return batch._replace(letters=[*batch.letters, *letters], stored=stored, columns=columns, packed=NOTHING)


def without_names(batch: Prepared, log: str, partition: int, nameless: Mapping[tuple[int, int], Reason]) -> Prepared:
    """The batch with some of its lines as only the ledger knows them."""
    stored = bare(batch.stored, nameless)
    return batch._replace(stored=stored, columns=counted_columns(stored, log, partition), packed=NOTHING)


class Ahead:
    """Prepares one batch at a time in a thread of its own. For one thread."""

    def __init__(self, now: Callable[[], int]) -> None:
        """`now`: the wall clock, ms."""
        self._now = now
        self._expected: tuple[str, Sequence[Record]] = "", ()
        self._begun: tuple[str, Sequence[Record]] = "", ()
        self._threads: ThreadPoolExecutor | None = None
        self._made: Future[Prepared] | None = None

    def expect(self, log: str, records: Sequence[Record]) -> None:
        """What will be counted next, perhaps; () if that is not known."""
        self._expected = log, records

    def begin(self) -> None:
        """This thread is going to wait: prepare what is expected. Does not block."""
        (log, records), self._expected = self._expected, ("", ())
        if records:
            self._threads = self._threads or ThreadPoolExecutor(1, "ahead")
            self._made = self._threads.submit(self._prepared, log, records)
            self._begun = log, records

    def take(self, log: str, records: Sequence[Record]) -> Prepared:
        """The records prepared, now if not before. Blocks."""
        made, begun = self._made, self._begun
        self._made, self._begun = None, ("", ())
        return made.result() if made and begun == (log, records) else self._prepared(log, records)

    def close(self) -> None:
        """Forget what is under way."""
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _prepared(self, log: str, records: Sequence[Record]) -> Prepared:
        return prepared(log, records, self._now() + FUTURE_MS)
