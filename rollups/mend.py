"""Rollups that may be off are made equal to their sources again, by inserting the difference.

Every rollup is a sum over its source, so what is short can be added and what is too much taken away, whatever made it
so. That is exact only while nobody else writes: workers hold still meanwhile. May be stopped anywhere and run again.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rollups import control, kept, retain, rollup
from rollups.client import Client
from rollups.compared import difference
from rollups.decided import Running, Span
from rollups.ends import GRAINS, REACH_MS
from rollups.rollup import Rollup
from rollups.sql import statement, utc

SECONDS = 3_600.0  # that one statement may take
TOKEN = "mend"  # begins the name of every statement while it runs  # noqa: S105
_WINDOW_MS = 31 * GRAINS["day"]
_KEYS_A_PART = 2_000_000
_SETTINGS = {
    "insert_deduplicate": 0,
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    "max_memory_usage": 3_000_000_000,
    "max_bytes_before_external_group_by": 500_000_000,
    "max_bytes_before_external_sort": 500_000_000,
}


def doubts(client: Client) -> list[Span]:
    """Where rollups may be off. Blocks; raises ClickHouseUnavailable."""
    return [Span(**row) for row in client.rows(statement("doubts"))]


def settle(client: Client, wait_seconds: float = 30, claim_seconds: float = 2 * control.LEASE_SECONDS) -> list[Span]:
    """Make right whatever is doubted; returns what was. Blocks, while workers hold still.

    Raises ClickHouseUnavailable, control.ClaimLost, Running; control.Unfinished while a batch stays half inserted.
    """
    if not doubts(client):
        return []
    retain.wait(client, 0)  # it takes as long as it takes: meanwhile workers count
    with control.claim(client, claim_seconds) as held:
        control.hold_still(client, held, wait_seconds)
        return settle_still(client, held)


def settle_still(client: Client, held: control.Claim) -> list[Span]:
    """The same, for who holds the workers still already."""
    retain.finish(client)
    found = doubts(client)
    for span in found:
        mend(client, held, span)
    held.check()
    client.command("TRUNCATE TABLE doubt")
    return found


def mend(client: Client, held: control.Claim, span: Span, rollups: Mapping[str, Rollup] | None = None) -> None:
    """Make every rollup of a site right in a span of time. Raises what `settle` does."""
    for one in (rollup.load() if rollups is None else rollups).values():
        for window in _windows(client, one, span):
            held.check()
            _refuse_running(client)
            sql = difference(one, kept.types(client, one))
            client.patient(SECONDS).command(sql, window, {**_SETTINGS, **_named()})


def _refuse_running(client: Client) -> None:
    """One that its client gave up goes on, and would add what the next one adds too."""
    for _ in range(20):  # one that has answered shows for a moment
        if not client.rows(statement("running"), {"token": TOKEN}):
            return
        time.sleep(0.1)
    raise Running("an earlier correction of the rollups still runs")


def _named() -> dict[str, str]:
    """Another one each time: what has one name is inserted once, whatever the settings say."""
    return {"insert_deduplication_token": f"{TOKEN}/{secrets.token_hex(8)}"}


def _windows(client: Client, one: Rollup, span: Span) -> Iterator[dict[str, Any]]:
    """Parameters of `Rollup.difference`, in parts of bounded size."""
    if one.grain_ms:
        first = span.first - span.first % GRAINS["day"]
        last = span.last + (REACH_MS if one.element else 0)
        for begin in range(first, last + 1, _WINDOW_MS):
            end = min(begin + _WINDOW_MS, last - last % GRAINS["day"] + GRAINS["day"])
            yield {"site": span.site, "from": utc(begin), "to": utc(end)}
        return
    count = f"SELECT count() AS n FROM {one.name} WHERE site = {{site:String}}"  # noqa: S608 - our own name
    chunks = 1 + client.rows(count, {"site": span.site})[0]["n"] // _KEYS_A_PART
    for chunk in range(chunks):
        yield {"site": span.site, "chunks": chunks, "chunk": chunk}
