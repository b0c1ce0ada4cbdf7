"""Months of events and sessions go, and no number changes."""

from collections.abc import Mapping
from typing import Any

import pytest

from rollups import retain, rollup
from rollups.client import Client
from rollups.retain import Cut, cut_at
from rollups.verify import verify
from rollups.write import Writer
from tests.rollups.make import DAY, T0
from tests.rollups.test_verify import live, store, traffic

pytestmark = pytest.mark.services
__all__ = ["live"]
NOW = T0 + 400 * DAY


def totals(client: Client) -> dict[str, list[Any]]:
    """Every rollup's rows, as answers read them."""
    found = {}
    for name, one in rollup.load().items():
        measures = ", ".join(f"{function}({measure}) AS {measure}" for measure, function in one.measures.items())
        sums = " OR ".join(f"{measure} != 0" for measure, function in one.measures.items() if function == "sum")
        by = ", ".join(("site", *one.dimensions))
        sql = f"SELECT {by}, {measures} FROM {name} GROUP BY {by} HAVING {sums} ORDER BY ALL"  # noqa: S608
        found[name] = [tuple(map(str, row.values())) for row in client.rows(sql)]
    return found


def done(client: Client, wanted: Mapping[str, Cut]) -> None:
    for _ in range(100):
        made = retain.advance(client, wanted, NOW, wait_seconds=5)
        while not retain.settle(client, NOW):
            client.rows("SELECT sleep(0.05)")
        if not made and not retain.due(client, wanted):
            return
    raise AssertionError("it never ends")


def test_numbers_stay(live: Client) -> None:
    events = traffic(1, 400)
    store(live, events, 60)
    before = totals(live)
    first = min(event.time for event in events)
    Writer(live).mark("log", 0, 0, len(events), max(event.received for event in events), {"counted": len(events)})
    cut = cut_at(first, -1)
    assert first < cut < max(event.time for event in events)
    done(live, {"site01": Cut(cut, cut)})
    assert retain.cuts(live, ["site01"]) == {"site01": Cut(cut, cut)}
    assert totals(live) == before
    assert list(verify(live, wait_seconds=1)) == []
