"""Generated events through two workers: every endpoint equals the batch model, in order and shuffled alike.

Holds of docs/reliability.md: R12 (the same ids again), R13 (order, gaps, zones, a month's edge), R15 (identical rows).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.compare import differences
from tests.faults.world import named, ranges, send, site
from tests.oracle.generate import Sent, Traffic
from tests.oracle.sessions import sites

pytestmark = pytest.mark.services

SEED = 20_261_123
START = 1_761_350_400_000  # 2025-10-25T00:00Z: the end of summer time in Europe and in New York, and a month's edge
DAYS = 20


def moved(sent: Sent, made: dict[str, Any]) -> Sent:
    """The same event on another site."""
    return Sent(sent.body | {"site": made["tracking_id"]}, replace(sent.fact, site=made["id"]))


@pytest.mark.parametrize("events", [1_500, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_in_order_and_shuffled_equal_the_model(tmp_path: Path, events: int) -> None:
    with Stack(prepared(tmp_path / "data"), "--workers", "2") as stack:
        ordered, shuffled = site(stack), site(stack, "shuffled.shop.example")
        stack.request("PATCH", f"/api/sites/{shuffled['id']}", {"settings": {"hosts": ["*"]}})
        traffic = Traffic(SEED, {ordered["id"]: ordered["tracking_id"]})
        drawn = traffic.draw(events, START, DAYS)
        send(stack, ordered["id"], drawn, tmp_path)
        again = traffic.shuffled(drawn)
        send(stack, shuffled["id"], [moved(sent, shuffled) for sent in again], tmp_path)

        facts = named(stack, [sent.fact for sent in drawn] + [moved(sent, shuffled).fact for sent in again])
        model = sites(facts)
        found: list[str] = []
        for made in (ordered, shuffled):
            settings = stack.get(f"/api/sites/{made['id']}")["settings"]
            found += differences(stack.get, made["id"], model[made["id"]], settings, ranges(START, DAYS + 12))
            totals = stack.get(f"/api/sites/{made['id']}")
            assert totals["events_count"] == sum(len(one.interactive) for one in model[made["id"]].sessions)
            assert totals["sessions_count"] == len(model[made["id"]].sessions)
        assert not found, f"seed {SEED}:\n" + "\n".join(found[:40])
        assert "no difference" in stack.command("verify")
