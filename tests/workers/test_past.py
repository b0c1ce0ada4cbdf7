"""What is read back on the real engine is what was written: folding on from it comes to the same as remembering."""

from collections.abc import Iterator
from functools import partial

import pytest

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from rollups.client import Client, connect
from rollups.past import Asked, newest, past
from rollups.write import Writer
from tests.services.schema import migrated
from tests.workers import fakes
from tests.workers.partition import Partition
from tests.workers.streams import SITE, START, stream
from workers.back import fold_back
from workers.fold import Entry, visits
from workers.memory import DAY, MINUTE
from workers.raw import event_columns
from workers.visitor import BEGINNING, FOREVER

pytestmark = pytest.mark.services


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    migrated(clickhouse_url)
    made = connect(clickhouse_url)
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(3))
def test_every_batch_equals_the_one_of_a_worker_that_remembers(client: Client, seed: int) -> None:
    writer, remembering = Writer(client), Partition(lookup)
    events = stream(seed, 120, visitors=4)
    horizon = 0
    for begin in range(0, len(events), 20):
        entries = [Entry(n, 0, events[n]) for n in range(begin, begin + 20)]
        expected = remembering.count(entries, begin + 1)
        folded = fold_back({}, horizon, 0, visits(entries), begin + 1, lookup, partial(past, client))
        assert folded.reasons == expected.reasons
        assert sorted(folded.rows) == sorted(expected.rows)
        token = writer.token(f"log{seed}", 0, begin)
        reasons = {(each.offset, 0): each.reason for each in folded.reasons}
        writer.insert_columns(token, event_columns(entries, reasons, {}, f"log{seed}", 0))
        writer.insert_sessions(token, folded.rows)
        horizon = newest(client)
        assert horizon == max(event.time for event in events[: begin + 20])


def test_spans_are_as_wide_as_the_sessions_that_reach_over_their_ends(client: Client) -> None:
    made = Partition(lookup)
    events = stream(11, 200, visitors=2)
    for n, event in enumerate(events):
        made.count([Entry(n, 0, event)], n + 1)
    writer = Writer(client)
    writer.insert_events("all", made.tables.event_rows())
    writer.insert_sessions("all", made.tables.session_rows())
    middle = sorted(event.time for event in events)[100]
    asked = [
        Asked(SITE, f"{1:016x}", middle, middle),
        Asked(SITE, f"{1:016x}", START - DAY, START + DAY),
        Asked(SITE, f"{2:016x}", BEGINNING, FOREVER),
        Asked(SITE, f"{3:016x}", BEGINNING, FOREVER),
        Asked("nobody", f"{1:016x}", BEGINNING, FOREVER),
    ]
    found = {(each.site, each.visitor, each.begin, each.end): each for each in past(client, asked)}
    expected = {(each.site, each.visitor, each.begin, each.end): each for each in fakes.past(made.tables)(asked)}
    assert found.keys() == expected.keys()
    for name, each in found.items():
        assert sorted(each.events) == sorted(expected[name].events)
        assert sorted(each.sessions) == sorted(expected[name].sessions)


def test_a_session_that_reaches_over_a_span_is_read_whole(client: Client) -> None:
    made = Partition(lookup)
    minutes = [0, 20, 40, 60, 80, 200]
    for n, minute in enumerate(minutes):
        at = START + minute * MINUTE
        made.count([Entry(n, 0, Event(SITE, f"{1:016x}", f"e{n}", "pageview", at, at))], n + 1)
    writer = Writer(client)
    writer.insert_events("all", made.tables.event_rows())
    writer.insert_sessions("all", made.tables.session_rows())
    middle = START + 50 * MINUTE
    [found] = past(client, [Asked(SITE, f"{1:016x}", middle, middle)])
    assert (found.begin, found.end) == (START, START + 80 * MINUTE)
    assert sorted(event.id for event in found.events) == ["e0", "e1", "e2", "e3", "e4"]
    # Two spans that one session makes meet are one.
    twice = [Asked(SITE, f"{1:016x}", START + n * MINUTE, START + n * MINUTE) for n in (10, 70)]
    [found] = past(client, twice)
    assert (found.begin, found.end, len(found.events), len(found.sessions)) == (START, START + 80 * MINUTE, 5, 1)


def test_an_empty_database_has_no_newest_event(client: Client) -> None:
    assert newest(client) == 0
