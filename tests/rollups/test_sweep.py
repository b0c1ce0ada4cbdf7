"""What may be dropped of `decision`, when a batch is too old to be finished, and what outlasts sweeps and merges."""

from time import monotonic, sleep

import pytest

from api.answer.revision import revision
from rollups import control
from rollups.client import Client
from rollups.decided import Decided, Outlived
from rollups.read import Reader
from rollups.sweep import drop_decided
from rollups.write import Writer
from tests.rollups.make import T0

pytestmark = pytest.mark.services


def decide(client: Client, a: int, days_ago: float, partition: int = 0) -> None:
    client.command(
        "INSERT INTO decision (log, partition, a, b, nonce, blob, at) "
        f"SELECT 'log', {partition}, {a}, {a + 5}, 'n', 'x', now() - toIntervalMinute({round(days_ago * 1440)})"
    )


def swept(client: Client) -> list[str]:
    """A sweep whose deletions are through."""
    found = drop_decided(client)
    deadline = monotonic() + 60
    while client.rows("SELECT 1 FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"):
        assert monotonic() < deadline
        sleep(0.02)
    return found


def test_a_finished_batch_goes_after_a_week_and_an_unfinished_one_stays(writer: Writer, client: Client) -> None:
    for a, days in ((0, 30), (5, 20), (10, 3), (15, 0)):
        decide(client, a, days)
    decide(client, 0, 25, partition=1)
    writer.mark("log", 0, 0, 5, T0, {})
    writer.mark("log", 1, 0, 5, T0, {})
    assert swept(client) == ["log/0", "log/1"]
    assert writer.decided("log", 0, 0) is None
    assert writer.decided("log", 1, 0) is None
    assert control.unfinished(client) == [("log", 0, 5, 10), ("log", 0, 10, 15), ("log", 0, 15, 20)]
    assert swept(client) == []
    for a in (5, 10, 15):
        writer.mark("log", 0, a, a + 5, T0, {})
    assert swept(client) == ["log/0"]
    assert swept(client) == []
    assert writer.decided("log", 0, 5) is None
    assert writer.decided("log", 0, 10) is not None


def test_what_was_decided_since_an_unfinished_batch_stays(writer: Writer, client: Client) -> None:
    """However old: by these the age of the tokens is told."""
    decide(client, 0, 20, partition=7)
    for a in range(0, 50, 5):
        decide(client, a, 15)
        writer.mark("log", 0, a, a + 5, T0, {})
    assert swept(client) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rollups.write.WINDOW", 12)
        with pytest.raises(Outlived):
            writer.decided("log", 7, 0)


def test_a_deletion_waits_for_a_days_worth(writer: Writer, client: Client) -> None:
    for a, days in ((0, 7.5), (5, 7.5)):
        decide(client, a, days)
        writer.mark("log", 0, a, a + 5, T0, {})
    assert swept(client) == []
    decide(client, 10, 9)
    writer.mark("log", 0, 10, 15, T0, {})
    assert swept(client) == ["log/0"]
    assert client.rows("SELECT count() AS n FROM decision")[0]["n"] == 0


def test_an_unfinished_batch_that_the_window_outlived_is_refused(
    writer: Writer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollups.write.WINDOW", 8)
    decide(client, 0, 1)
    for a in range(3):
        writer.decide(Decided("log", 1, a, a + 1, "n", b"x"))
    assert writer.decided("log", 0, 0) is not None
    writer.decide(Decided("log", 1, 3, 4, "n", b"x"))
    with pytest.raises(Outlived, match="log/0/0"):
        writer.decided("log", 0, 0)
    writer.mark("log", 0, 0, 5, T0, {})
    assert writer.decided("log", 0, 0) is not None


def test_a_finished_batch_is_never_outlived_for_its_marker_is_never_swept(
    writer: Writer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis behind by more than a week catches up by batches that are long finished."""
    monkeypatch.setattr("rollups.write.WINDOW", 0)
    for a in (0, 5, 10):
        decide(client, a, 7)
        writer.mark("log", 0, a, a + 5, T0, {})
    client.command("OPTIMIZE TABLE progress FINAL")
    assert writer.decided("log", 0, 0) is not None


def test_a_young_batch_is_not_counted_against_the_window(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollups.write.WINDOW", 0)
    writer.decide(Decided("log", 0, 0, 5, "n", b"x"))
    writer.decide(Decided("log", 1, 0, 1, "n", b"x"))
    assert writer.decided("log", 0, 0) is not None


def test_markers_melt_into_one_row_a_partition_and_nothing_tells_the_difference(writer: Writer, client: Client) -> None:
    reader = Reader(client)
    seen = [revision(reader)]
    for a in range(0, 50, 5):
        for partition in (0, 1):
            writer.mark("log", partition, a, a + 5, T0 + a, {"counted": 2, "late": a})
            writer.mark("log", partition, a, a + 5, T0 + a, {"counted": 2, "late": a})  # a retry
            seen.append(revision(reader))
    assert len(set(seen)) == 21
    writer.decide(Decided("log", 1, 50, 55, "n", b"x"))
    before = (writer.position("log", 0), control.unfinished(client), revision(reader))
    client.command("OPTIMIZE TABLE progress FINAL")
    assert (writer.position("log", 0), control.unfinished(client), revision(reader)) == before
    rows = client.rows("SELECT partition, b, counts, batches FROM progress ORDER BY partition")
    assert rows == [
        {"partition": number, "b": 50, "counts": {"counted": 20, "late": 225}, "batches": 10} for number in (0, 1)
    ]
    writer.mark("log", 0, 45, 50, T0, {})  # its token outlives the merge
    assert revision(reader) == before[2]
    writer.mark("log", 0, 50, 55, T0, {})
    assert revision(reader) not in seen
