"""History at any distance: files in any order, beside live traffic of the same visitors, with kills in between.

Holds of docs/reliability.md: R22 (states with room for next to nothing: most are read back), R23 (history).
"""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.compare import differences
from tests.faults.load import Load
from tests.faults.test_kills import settled
from tests.faults.world import site
from tests.oracle.fact import DAY, Fact
from tests.oracle.generate import Sent, Traffic
from tests.oracle.sessions import sites
from tests.oracle.span import Range

pytestmark = pytest.mark.services

SEED = 20_261_127
FILES = 4


def files(drawn: list[Sent], random: Random, folder: Path) -> list[Path]:
    """The events as rotated logs would hold them, but for some that lie in a file of another time."""
    parts: list[list[Sent]] = [[] for _ in range(FILES)]
    for at, sent in enumerate(drawn):
        number = random.randrange(FILES) if random.random() < 0.05 else at * FILES // len(drawn)
        parts[number].append(sent)
    made = []
    for number, part in enumerate(parts):
        made.append(folder / f"part{number}.jsonl")
        made[-1].write_text("".join(sent.line + "\n" for sent in part))
    return made


def seen(rows: list[tuple[Any, ...]], load: Load, imported: dict[str, Fact]) -> list[Fact]:
    """What is known of the raw events, in the order in which they arrived."""
    facts = []
    for event_id, visitor, reason, at, received in rows:
        assert reason in ("", "duplicate")
        if event_id in imported:
            facts.append(replace(imported[event_id], visitor=visitor, received=received))
        else:
            posted = load.posted[event_id]
            page, source = posted["url"].partition("/page-")[2].split("?utm_source=")
            facts.append(
                Fact(
                    load.site["id"],
                    visitor,
                    event_id,
                    posted["type"],
                    at,
                    received,
                    seq=load.places[event_id],
                    page=f"/page-{page}",
                    source=source,
                    channel="Referral",
                    hostname=load.site["domain"],
                )
            )
    return facts


@pytest.mark.parametrize("events", [600, pytest.param(20_000, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "state_bytes", [pytest.param("", marks=pytest.mark.nightly, id="states"), pytest.param("20000", id="no room")]
)
def test_files_in_any_order_beside_live_traffic_equal_one_ordered_import(
    tmp_path: Path, events: int, state_bytes: str
) -> None:
    random = Random(SEED)
    env = {"THROUGHLINE_ADDRESS_RATE": "0", "THROUGHLINE_STATE_BYTES": state_bytes}
    with Stack(prepared(tmp_path / "data"), "--workers", "2", env=env) as stack:
        made = site(stack)
        start = int(time.time() * 1000) - 16 * DAY
        drawn = Traffic(SEED, {made["id"]: made["tracking_id"]}).draw(events, start, 6)
        drawn = [sent for sent in drawn if sent.fact.time < start + 15 * DAY]
        order = files(drawn, random, tmp_path)
        random.shuffle(order)
        with Load(stack, made, SEED) as load:
            for number, file in enumerate(order):
                said = stack.command("import", str(file), "--format", "events", "--site", made["id"])
                assert "late" not in said
                if number % 2:
                    workers = [pid for name, pid in stack.parts().items() if name.startswith("worker")]
                    os.kill(random.choice(workers), signal.SIGKILL)
        rows = settled(load)
        imported = {sent.fact.id: sent.fact for sent in drawn}
        facts = seen(rows, load, imported)
        assert imported.keys() <= {fact.id for fact in facts}
        model = sites(facts)[made["id"]]
        assert not [reason for _, reason in model.filtered if reason != "duplicate"]
        settings = stack.get(f"/api/sites/{made['id']}")["settings"]
        spans = [Range(start, start + 18 * DAY), Range(start + 3 * DAY + 7, start + 9 * DAY + 1, "Asia/Kathmandu")]
        found = list(differences(stack.get, made["id"], model, settings, spans))
        assert not found, f"seed {SEED}:\n" + "\n".join(found[:40])
        assert stack.get(f"/api/sites/{made['id']}")["sessions_count"] == len(model.sessions)
        assert "no difference" in stack.command("verify")
