"""What may be dropped of `decided`, and when a batch is too old to be finished."""

import pytest

from rollups import control
from rollups.client import Client
from rollups.sweep import drop_decided
from rollups.write import Decided, Outlived, Writer
from tests.rollups.make import T0

pytestmark = pytest.mark.services


def decide(client: Client, a: int, days_ago: int) -> None:
    client.command(
        "INSERT INTO decided (log, partition, a, b, nonce, blob, at) "
        f"SELECT 'log', 0, {a}, {a + 5}, 'n', 'x', now() - toIntervalDay({days_ago})"
    )


def test_a_finished_day_goes_after_a_week_and_an_unfinished_batch_stays(writer: Writer, client: Client) -> None:
    for a, days in ((0, 30), (5, 20), (10, 3), (15, 0)):
        decide(client, a, days)
    writer.mark("log", 0, 0, 5, T0, {})
    assert len(drop_decided(client)) == 1
    assert writer.decided("log", 0, 0) is None
    assert control.unfinished(client) == [("log", 0, 5), ("log", 0, 10), ("log", 0, 15)]
    for a in (5, 10, 15):
        writer.mark("log", 0, a, a + 5, T0, {})
    assert len(drop_decided(client)) == 1
    assert drop_decided(client) == []
    assert writer.decided("log", 0, 10) is not None


def test_an_unfinished_batch_that_the_window_outlived_is_refused(
    writer: Writer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollups.write.WINDOW", 6)
    decide(client, 0, 1)
    for a in range(3):
        writer.mark("log", 1, a, a + 1, T0, {})
    assert writer.decided("log", 0, 0) is not None
    writer.mark("log", 1, 3, 4, T0, {})
    with pytest.raises(Outlived, match="log/0/0"):
        writer.decided("log", 0, 0)
    writer.mark("log", 0, 0, 5, T0, {})
    assert writer.decided("log", 0, 0) is not None


def test_a_young_batch_is_not_counted_against_the_window(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollups.write.WINDOW", 0)
    writer.decide(Decided("log", 0, 0, 5, "n", b"x"))
    writer.mark("log", 1, 0, 1, T0, {})
    assert writer.decided("log", 0, 0) is not None
