"""Whatever was done to the rollups, they come out equal to their sources, and a second time nothing changes."""

import random
from types import SimpleNamespace
from typing import cast

import pytest

from rollups import control, mend, rollup
from rollups.client import Client
from rollups.decided import Span
from rollups.registry import RegistryRow, append
from rollups.verify import verify
from rollups.write import Writer
from tests.rollups.make import DAY, T0, event, session
from tests.rollups.test_verify import live, store, traffic
from workers.whole import spans

pytestmark = pytest.mark.services
__all__ = ["live"]


def written(client: Client) -> int:
    """Rows that were ever inserted into a rollup."""
    return int(client.rows("SELECT value FROM system.events WHERE event = 'InsertedRows'")[0]["value"])


def damage(client: Client, seed: int) -> None:
    """Every rollup loses, doubles or halves something: what a power cut under a batch does, and more."""
    draw = random.Random(seed)
    for name, one in rollup.load().items():
        sums = [column for column, function in one.measures.items() if function == "sum"]
        zero = ", ".join(f"0 AS {column}" for column in sums[1:])
        for what in draw.sample(("lost", "doubled", "half"), 2):
            part = f"cityHash64(site, {', '.join(one.dimensions)}) % 3 = {draw.randrange(3)}"
            if what == "lost":
                client.command(f"ALTER TABLE {name} DELETE WHERE {part}", settings={"mutations_sync": 2})
            else:
                but = f" REPLACE({zero})" if what == "half" and zero else ""
                client.command(f"INSERT INTO {name} SELECT *{but} FROM {name} WHERE {part}")  # noqa: S608


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_was_done_to_the_rollups_they_equal_their_sources_again(live: Client, seed: int) -> None:
    events = traffic(seed, 200)
    wide = Span("site01", min(event.time for event in events), max(event.received for event in events))
    store(live, events, 50)
    damage(live, seed)
    assert list(verify(live, wait_seconds=0))
    held = cast(control.Claim, SimpleNamespace(check=lambda: None))  # writes nothing meanwhile
    mend.mend(live, held, wide)
    before = written(live)
    mend.mend(live, held, wide)
    assert written(live) == before
    assert list(verify(live, wait_seconds=0)) == []


def test_what_is_doubted_is_made_right_where_and_when_its_rows_lie(live: Client) -> None:
    writer, events = Writer(live), traffic(3, 200)
    store(live, events, 40)
    damage(live, 3)
    first, last = min(event.time for event in events), max(event.received for event in events)
    writer.doubt("t", [Span("site01", first + 1, last), Span("site01", first, first), Span("nobody", 0, 1)])
    assert mend.settle(live, wait_seconds=1) == [Span("nobody", 0, 1), Span("site01", first, last)]
    assert mend.doubts(live) == [] == mend.settle(live)
    assert list(verify(live, wait_seconds=0)) == []


def test_while_rows_are_being_deleted_nobody_is_held_still(live: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    events = traffic(3, 60)
    store(live, events, 40)
    Writer(live).doubt("t", [Span("site01", min(one.time for one in events), max(one.received for one in events))])
    live.command("TRUNCATE TABLE series")
    phases: list[str] = []

    def mutating(client: Client) -> list[str]:
        phases.append(control.phase(client))
        return ["events"] if len(phases) < 5 else []

    monkeypatch.setattr(control, "mutating", mutating)
    with pytest.raises(control.Unfinished):
        mend.settle(live)
    assert list(verify(live, wait_seconds=1))
    assert phases[:5] == [control.CLEARED] * 5
    assert mend.settle(live, wait_seconds=1)
    assert list(verify(live, wait_seconds=1)) == []


def test_a_span_holds_all_times_that_a_rollup_may_file_a_row_at() -> None:
    late = event(time=T0, received=T0 + 30 * DAY)
    early = session(start=T0 - DAY)._replace(end=T0 - 1)
    other = event(site="site02", time=5, received=7)
    assert spans([late, other], [early]) == [Span("site01", T0 - DAY, T0 + 30 * DAY), Span("site02", 5, 7)]
    assert spans([], []) == []


def test_a_revision_of_the_registry_is_one_row_in_every_life_of_the_server(live: Client) -> None:
    taken, other = RegistryRow("site", "site01", 2, "{}"), RegistryRow("site", "site02", 9, "{}")
    assert append(live, other, T0)
    live.command("TRUNCATE TABLE life")
    assert not append(live, taken, T0)
    assert not append(live, other._replace(body='{"another":1}'), T0)
    assert append(live, other, T0)  # a repetition whose answer was lost
    rows = live.rows("SELECT revision, count() AS n FROM registry GROUP BY revision ORDER BY revision")
    assert [(row["revision"], row["n"]) for row in rows] == [(1, 1), (2, 1), (9, 1)]
