"""One machine with more and fewer workers from start to start, and a log with as many partitions: all goes on."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.event_log import chain
from deploy.settings import load
from deploy.wiring import redis_client
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.faults.world import clickhouse

pytestmark = pytest.mark.services

VISITORS = 30


def visit(stack: Stack, site: dict[str, Any], turn: int) -> None:
    """A pageview of every visitor, once all is counted: each goes on with the session that it has."""
    body = [
        {
            "site": site["tracking_id"],
            "id": f"{visitor}-{turn}",
            "type": "pageview",
            "visitor": f"v{visitor}",
            "url": f"https://{site['domain']}/{turn}",
        }
        for visitor in range(VISITORS)
    ]
    assert stack.request("POST", "/e", body, key="").status == 202
    found = stack.wait_for(f"/api/sites/{site['id']}", lambda site: site["events_count"] == VISITORS * turn, 120)
    assert found["sessions_count"] == VISITORS


def started_again(stack: Stack, workers: int) -> str:
    """What it says at its start."""
    assert stack.stop() == 0
    stack.flags = ("--workers", str(workers))
    said = len(stack.lines)
    stack.start()
    assert sum(name.startswith("worker") for name in stack.parts()) == workers
    return "\n".join(stack.lines[said:])


def test_one_worker_three_and_one_again(tmp_path: Path) -> None:
    with Stack(prepared(tmp_path / "data"), "--workers", "1") as stack:
        site = stack.site("shop.example")
        visit(stack, site, 1)

        said = started_again(stack, 3)
        assert "2 of 3 workers have nothing to do, for the event log has 1 partition: throughline repartition 3" in said
        assert "1 partitions" in stack.command("status")
        visit(stack, site, 2)
        assert "all that came before is counted" in stack.command("repartition", "3")
        assert "events go to 3 partitions already" in stack.command("repartition", "3")
        visit(stack, site, 3)
        status = stack.command("status")
        assert "3 partitions" in status and "partition 2" in status and "counted first" not in status
        settings = load({}, data=stack.data)
        first, last = chain(settings)
        with redis_client(settings) as redis:
            assert redis.keys(f"*{{state:{last.log}:*") and not redis.keys(f"*{{state:{first.log}:*")

        # Workers take their partitions again, and ask of which of the two logs.
        stack.kill_part("clickhouse")
        end = time.monotonic() + 60
        while stack.request("GET", f"/api/sites/{site['id']}").status != 200:
            assert time.monotonic() < end, stack.lines[-20:]
            time.sleep(0.2)
        visit(stack, site, 4)

        assert "nothing to do" not in started_again(stack, 1)
        visit(stack, site, 5)
        assert "3 partitions" in stack.command("status")
        listed = stack.command("log", "list").splitlines()
        assert [line.rpartition("unfinished")[2] for line in listed] == ["  in use", "  before the one in use"]
        before = listed[1].split()[0]
        assert "is the log in use" in stack.command("log", "forget", before, code=1)
        assert json.loads(stack.request("GET", "/health").body)["status"] == "ok"

        # What was counted from the one log is judged anew, and erased, by way of the other.
        assert f"{VISITORS} visitors judged" in stack.command("rebuild", site["id"])
        rows = clickhouse(stack).query("SELECT DISTINCT visitor FROM events ORDER BY visitor LIMIT 1").result_rows
        stack.command("erase", f"{site['id']}-{rows[0][0]}", "--no-wait")
        left = VISITORS - 1
        found = stack.wait_for(f"/api/sites/{site['id']}", lambda site: site["events_count"] == left * 5, 120)
        assert found["sessions_count"] == left
        assert "no difference" in stack.command("verify")
