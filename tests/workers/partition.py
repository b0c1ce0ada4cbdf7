"""What a worker does with one partition, without its stores: batches, states that go, and what is read back."""

import random
from collections.abc import Sequence

from ingest.contract.event import Event
from rollups.past import Asked, Found
from rollups.rows import SessionRow, event_rows
from tests.workers.fake_tables import Block, Tables
from tests.workers.fakes import past
from workers.back import fold_back
from workers.fold import Entry, Folded, Misjudged, Settings, visits
from workers.names import NO_LIMIT, Names
from workers.raw import event_columns
from workers.visitor import State


class Partition:
    """`forget`: the chance of each visitor's state to go after a batch; 0: all stay, 1: everything is read back."""

    def __init__(self, lookup: Settings, forget: float = 0.0, seed: int = 0, names: Names = NO_LIMIT) -> None:
        self._lookup, self._names = lookup, names
        self._forget, self._draw = forget, random.Random(seed)
        self.tables = Tables()
        self.states: dict[str, State] = {}
        self.horizon = 0
        self.clock = 0
        self.asked = 0  # spans that were read back
        self.reasons: list[Misjudged] = []
        self.rows: list[SessionRow] = []

    def count(self, entries: Sequence[Entry], version: int) -> Folded:
        folded = fold_back(
            self.states, self.horizon, self.clock, visits(entries), version, self._lookup, self._read_back, self._names
        )
        reasons = {(each.offset, each.place): each.reason for each in folded.reasons}
        events = [entry for entry in entries if isinstance(entry.line, Event)]
        rows = event_rows(event_columns(events, reasons, {}, "log", 0))
        self.tables.parts.append(Block("events", str(version), 0, tuple(rows)))
        self.tables.parts.append(Block("sessions", str(version), 0, tuple(folded.rows)))
        self.reasons += folded.reasons
        self.rows += folded.rows
        self.states |= folded.states
        self.clock = folded.clock
        for name in [name for name in self.states if self._draw.random() < self._forget]:
            self.horizon = max(self.horizon, self.states.pop(name).heard)
        return folded

    def _read_back(self, asked: Sequence[Asked]) -> list[Found]:
        self.asked += len(asked)
        return past(self.tables)(asked)
