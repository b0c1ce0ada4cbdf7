"""A wall clock that was set is told once, by how much and which way."""

import pytest

from ingest.contract.clock import Watch

HOUR = 3_600_000


def test_a_step_is_told_and_a_correction_is_not(caplog: pytest.LogCaptureFixture) -> None:
    wall, steady = 1_800_000_000_000, 50.0
    watch = Watch(lambda: wall, lambda: steady)
    told = []
    for ahead in (0, 59_000, 25 * HOUR, 0, -25 * HOUR, 0):
        steady += 1.0
        wall += 1_000 + ahead
        told.append(watch())
    assert told == [False, False, True, False, True, False]
    assert [message.partition(", to ")[0] for message in caplog.messages] == [
        "the wall clock was set ahead by 1 day, 1:00:00",
        "the wall clock was set back by 1 day, 1:00:00",
    ]
