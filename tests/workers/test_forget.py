"""Batches of a log that is gone: given up once, and what is stored of them stays whole."""

from collections.abc import Iterator

import pytest

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from rollups import control
from rollups.client import Client, connect
from rollups.decided import Decided
from rollups.verify import verify
from rollups.write import Writer
from tests.services.schema import migrated
from workers import blob as blobs
from workers.fold import Entry, Known, fold, visits
from workers.forget import Forgotten, forget
from workers.raw import event_columns
from workers.rows import version

pytestmark = pytest.mark.services

T0 = 1_764_000_000_000


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    migrated(clickhouse_url)
    connected = connect(clickhouse_url)
    yield connected
    connected.close()


def decide(writer: Writer, partition: int, a: int, b: int, *, stored: bool) -> None:
    """A batch of a visitor of its own that views a page an offset; its worker died before or after the raw events."""
    token = writer.token("gone", partition, a)
    visitor = f"{partition:016x}"
    events = [
        Event(
            site="site01", visitor=visitor, id=f"{token}/{n}", type="pageview", time=T0 + n, received=T0 + n, page="/x"
        )
        for n in range(a, b)
    ]
    folded = fold(
        Known({}, {}, 0),
        0,
        visits([Entry(a + n, 0, event) for n, event in enumerate(events)]),
        version(token),
        lambda site, revision: SiteSettings(),
    )
    body = blobs.encode(blobs.blob(folded.reasons, [], folded.rows, folded.clock))
    writer.decide(Decided("gone", partition, a, b, "n", body))
    if stored:
        entries = [Entry(a + n, 0, event) for n, event in enumerate(events)]
        writer.insert_columns(token, event_columns(entries, {}, {}, "gone", partition))


def test_unfinished_batches_are_finished_as_far_as_they_are_stored(client: Client) -> None:
    writer = Writer(client)
    decide(writer, 0, 0, 3, stored=True)
    decide(writer, 1, 0, 2, stored=False)
    writer.decide(Decided("here", 0, 0, 2, "n", blobs.encode(blobs.blob([], [], [], 0))))
    assert {found.table for found in verify(client, wait_seconds=0)} == {"sessions"}

    assert forget(client, "gone") == [Forgotten(0, 0, 3, 3, 0), Forgotten(1, 0, 2, 0, 2)]
    assert control.unfinished(client) == [("here", 0, 0, 2)]
    assert list(verify(client, wait_seconds=0)) == []
    assert client.rows("SELECT sum(sign) AS sessions FROM sessions") == [{"sessions": 1}]
    assert client.rows("SELECT sum(times) AS views FROM element WHERE kind = 'page'") == [{"views": 3}]
    assert forget(client, "gone") == []
    assert [(known.log, known.unfinished) for known in control.logs(client)] == [("gone", 0), ("here", 1)]


def test_a_batch_whose_tokens_are_forgotten_or_that_is_there_twice_is_given_up_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(client)
    decide(writer, 0, 0, 3, stored=True)
    client.command(
        "INSERT INTO decision (log, partition, a, b, nonce, blob) "
        "VALUES ('gone', 0, 0, 4, 'other', ''), ('gone', 1, 5, 6, 'n', '')"
    )
    monkeypatch.setattr("rollups.write.WINDOW", 0)
    monkeypatch.setattr("rollups.write._YOUNG_SECONDS", -1)
    assert [batch[:3] for batch in forget(client, "gone")] == [(0, 0, 3), (0, 0, 4), (1, 5, 6)]
    assert control.unfinished(client) == []
    assert client.rows("SELECT count() AS n FROM sessions") == [{"n": 0}]
