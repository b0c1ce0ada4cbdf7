"""Rebuilding from the raw events gives what the fold left, at any point of any stream, on the real engine."""

from collections.abc import Iterator

import pytest

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from ingest.log.partition import hash31
from rollups.client import Client, connect
from rollups.memory import memories
from rollups.migrate import migrate
from rollups.rows import EventRow
from rollups.write import Writer
from tests.workers.streams import stream
from workers.fold import SLACK, Entry, State, fold
from workers.memory import FORGET
from workers.rebuild import rebuilt
from workers.rows import event_row

pytestmark = pytest.mark.services


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


@pytest.fixture
def client(clickhouse_url: str) -> Iterator[Client]:
    migrate(clickhouse_url)
    made = connect(clickhouse_url)
    yield made
    made.close()


def row(event: Event, reason: str, log: str, partition: int, offset: int) -> EventRow:
    return event_row(event, reason, hash31(event.site, event.visitor), log, partition, offset, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_rebuild_equals_the_fold_at_every_batch(client: Client, seed: int) -> None:
    writer = Writer(client)
    events = stream(seed, 120, visitors=4)
    states: dict[str, State] = {}
    clock, log = 0, f"log{seed}"
    for begin in range(0, len(events), 40):
        entries = [Entry(n, 0, events[n]) for n in range(begin, begin + 40)]
        folded = fold(states, clock, entries, begin + 1, lookup)
        reasons = {each.offset: each.reason for each in folded.reasons}
        token = writer.token(log, 0, begin)
        writer.insert_events(token, [row(events[n], reasons.get(n, ""), log, 0, n) for n in range(begin, begin + 40)])
        writer.insert_sessions(token, folded.rows)
        states |= folded.states
        clock = folded.clock
        states = {name: state for name, state in states.items() if state.received >= clock - FORGET - SLACK}
        # One partition of one, then the same visitors by their hash on two.
        for partitions in (1, 2):
            found: dict[str, State] = {}
            for partition in range(partitions):
                _, chunks = memories(client, log if partitions == 1 else "next", partition, partitions, begin + 40, 2)
                found |= {state.key: state for chunk in chunks for state in map(rebuilt, chunk)}
            assert found == states


def test_what_lies_at_or_above_the_position_is_not_seen(client: Client) -> None:
    writer = Writer(client)
    events = stream(3, 10, visitors=1, silence=False)
    writer.insert_events("t", [row(event, "", "log", 0, n) for n, event in enumerate(events)])
    _, chunks = memories(client, "log", 0, 1, 4)
    [[remembered]] = chunks
    ids = {event.id for event in events[:4]}
    assert {event.id for event in remembered.events} <= ids
    assert memories(client, "log", 0, 1, 0)[0] == 0
    assert memories(client, "other", 0, 1, 0)[0] == events[-1].received
