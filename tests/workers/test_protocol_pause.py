"""A migrator closes at any moment of a batch: nothing of it is inserted until he has cleared, then all of it."""

import pytest

from rollups import control
from tests.workers.fake_store import FakeStore
from tests.workers.streams import live
from tests.workers.test_protocol import Simulation, expected, records, same_lines
from workers import take


class Closing(Simulation):
    """A migrator that closes once, at a named point, and looks then for what is decided and unfinished, as
    `control.hold_still` does: it waits for these batches, and works once they are finished.
    """

    def __init__(self, seed: int, at: str, phase: str) -> None:
        self.closing, self.phase = at, phase
        self.held: set[tuple[str, int, int]] | None = None  # what was finished or under way when it closed
        super().__init__(seed, records(seed, 40), 0.0)

    def point(self, name: str) -> None:
        if name == self.closing and self.held is None and len(self.tables.batches) >= 2:
            self.tables.phase = self.phase
            self.held = set(self.tables.decided)
        super().point(name)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "Store", FakeStore)


def held_still(closing: Closing) -> None:
    """Let the workers go on for a while; what they did not decide before the migrator closed stays untouched."""
    FakeStore.point = staticmethod(closing.point)
    for partition in range(2):
        closing.log.give(partition, closing.workers[0][1])
    while closing.held is None:
        closing.step()
    for _ in range(40):
        closing.step()
    begun = {tuple(part.token.rsplit("/", 1)[0].split("/")) for part in closing.tables.parts if part.table == "events"}
    allowed = {(log, str(partition), str(a)) for log, partition, a in closing.held}
    assert begun <= allowed
    assert set(closing.tables.batches) <= closing.held
    closing.tables.phase = control.CLEARED
    for _ in range(400):
        closing.step()
    lines, sessions = expected(closing.log.records)
    same_lines(closing.tables, lines)
    assert live(closing.tables.session_rows()) == sessions


@pytest.mark.parametrize("at", ["redis load", "look", "before decide", "after decide", "before insert events"])
def test_what_is_decided_after_a_migrator_closed_waits_with_its_inserts(at: str) -> None:
    for seed in range(10):
        held_still(Closing(seed, at, control.CLOSED))


@pytest.mark.parametrize("at", ["redis load", "look"])
def test_nothing_is_decided_while_a_migrator_drains(at: str) -> None:
    for seed in range(10):
        closing = Closing(seed, at, control.DRAINING)
        held_still(closing)
