"""Changing the schema of a live system: one migrator at a time, and workers that hold still while it changes rollups.

A rollup's view must not appear under an unfinished batch: its replay is dropped by the source table but not by the new
rollup, which already holds those rows from the backfill. So the migrator first *drains* (no worker decides a new
batch; every decided one gets its marker), then *closes* (a worker whose decision lands only now holds before it
inserts), looks once more, works, and clears. A claim lives by its heartbeat, on the server's clock: a migrator that
dies frees the system after LEASE_SECONDS, and one that was only stopped finds its claim lost.
"""

import threading
import time
import uuid
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rollups.client import TOKEN_SETTINGS, ClickHouseUnavailable, Client
from rollups.sql import statement

LEASE_SECONDS = 60
BEAT_SECONDS = 10
GRACE_SECONDS = 2.0

DRAINING, CLOSED, CLEARED = "draining", "closed", "cleared"


class Unfinished(Exception):
    """Batches stayed without their marker: start a worker, which finishes them even while it may not decide."""


class ClaimLost(Exception):
    """Another migrator has taken over, or this one stood still longer than its lease."""


def phase(client: Client) -> str:
    """draining, closed, or cleared; what a worker asks before and after it decides. Blocks."""
    rows = client.rows(statement("control_state"), {"lease": LEASE_SECONDS})
    return str(rows[0]["phase"]) if rows and rows[0]["alive"] else CLEARED


class Open(NamedTuple):
    """A decided batch [a, b) without its marker."""

    log: str
    partition: int
    a: int
    b: int


def unfinished(client: Client) -> list[Open]:
    """Every decided batch without a marker, in order."""
    return [Open(**row) for row in client.rows(statement("control_unfinished"))]


class KnownLog(NamedTuple):
    """A log that was ever counted; `heard`: seconds since the epoch of its last decision or marker."""

    log: str
    partitions: int
    heard: int
    unfinished: int


def logs(client: Client) -> list[KnownLog]:
    """Every log that the database knows, the one last heard of first."""
    return [KnownLog(**row) for row in client.rows(statement("control_logs"))]


def positions(client: Client) -> dict[tuple[str, int], int]:
    """(log, partition) → up to where it is counted."""
    return {(row["log"], row["partition"]): row["position"] for row in client.rows(statement("positions"))}


class Claim:
    """The right to change the schema, kept alive by a thread until released."""

    def __init__(self, client: Client, epoch: int, nonce: str) -> None:
        self._client = client
        self._epoch = epoch
        self._nonce = nonce
        self._phase = DRAINING
        self._lock = threading.Lock()
        self._count = 0
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._keep, daemon=True)
        self._beat.start()

    def enter(self, phase_: str) -> None:
        """Tell the workers. Raises ClaimLost."""
        self.check()
        with self._lock:
            self._phase = phase_
            self._write()

    def check(self) -> None:
        """Raises ClaimLost unless this claim is the newest and its heart beats."""
        rows = self._client.rows(statement("control_state"), {"lease": LEASE_SECONDS})
        if not rows or rows[0]["nonce"] != self._nonce or not rows[0]["alive"] or rows[0]["phase"] == CLEARED:
            raise ClaimLost("another migration has taken over, or this one stood still for too long; run it again")

    def release(self) -> None:
        self._stop.set()
        self._beat.join()
        self._phase = CLEARED
        self._write()

    def _write(self) -> None:
        self._count += 1
        _insert(self._client, f"control/{self._nonce}/{self._count}", self._epoch, self._nonce, self._phase)

    def _keep(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with self._lock:
                try:
                    self.check()
                    self._write()
                except (ClaimLost, ClickHouseUnavailable):
                    continue  # a missed beat shows in check()


@contextmanager
def claim(client: Client, wait_seconds: float = 2 * LEASE_SECONDS) -> Iterator[Claim]:
    """Hold the claim; waits for another migrator to end. Raises ClaimLost when that takes too long."""
    deadline, epoch = time.monotonic() + wait_seconds, 0
    while True:
        rows = client.rows(statement("control_state"), {"lease": LEASE_SECONDS})
        taken = bool(rows) and rows[0]["alive"] and rows[0]["phase"] != CLEARED
        if not taken:
            # Not one that was tried before: a power cut may have left the token of a claim, and not the claim.
            epoch = max(epoch, rows[0]["epoch"] if rows else 0) + 1
            nonce = uuid.uuid4().hex
            # Of two that claim one epoch the first stands: the token drops the other.
            _insert(client, f"control/{epoch}", epoch, nonce, DRAINING)
            rows = client.rows(statement("control_state"), {"lease": LEASE_SECONDS})
            if rows and rows[0]["nonce"] == nonce:
                break
        if time.monotonic() > deadline:
            raise ClaimLost("another migration is running")
        time.sleep(0.2)
    held = Claim(client, epoch, nonce)
    try:
        yield held
    finally:
        held.release()


def hold_still(
    client: Client, held: Claim, wait_seconds: float, grace_seconds: float = GRACE_SECONDS, but: Container[Open] = ()
) -> None:
    """Return once no batch is half inserted, save `but`, and none can begin; nor are rows being removed.

    Raises Unfinished after `wait_seconds`, ClaimLost.
    """

    def others() -> list[Open]:
        return [batch for batch in unfinished(client) if batch not in but]

    deadline = time.monotonic() + wait_seconds
    while True:
        at_work: list[str] = []
        held.enter(DRAINING)
        time.sleep(grace_seconds if others() or _busy(client) else 0)
        while ((left := others()) or mutating(client)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not left and not (at_work := mutating(client)):
            held.enter(CLOSED)
            # Whoever asked before CLOSED was there may have gone on: then its decision shows now, or within the grace.
            time.sleep(grace_seconds if _busy(client) else 0)
            if not others():
                return
        if time.monotonic() > deadline:
            if at_work:
                raise Unfinished(f"rows are still being removed, in {', '.join(at_work)}: try again later")
            left = left or others()
            names = ", ".join(f"{log}/{partition}/{a}" for log, partition, a, _ in left[:5])
            logs = ", ".join(f"throughline log forget {log}" for log in dict.fromkeys(batch.log for batch in left))
            raise Unfinished(
                f"batches without their marker after {wait_seconds:.0f} s: {names}; is a worker running? "
                f"If ClickHouse refuses one for ever: throughline batch set-aside. "
                f"If their log is gone for good: {logs}"
            )


def mutating(client: Client) -> list[str]:
    """Tables out of which rows are being removed: meanwhile what follows from one part of them is not what follows from
    all. Blocks."""
    return [str(row["table"]) for row in client.rows(statement("control_mutations"))]


def _busy(client: Client) -> bool:
    """Whether any batch was ever decided: on a new database nobody has to be waited for."""
    return bool(client.rows("SELECT 1 FROM decision LIMIT 1"))


def _insert(client: Client, token: str, epoch: int, nonce: str, phase_: str) -> None:
    settings = {**TOKEN_SETTINGS, "insert_deduplication_token": token}
    # After all that was said before, also when the clock was put back a little meanwhile.
    at = client.rows(statement("control_next"), {"epoch": epoch})[0]["at"]
    columns: list[list[Any]] = [[epoch], [nonce], [phase_], [at]]
    types = ("UInt64", "String", "String", "DateTime64(3, 'UTC')")
    client.insert("control", ("epoch", "nonce", "phase", "at"), types, columns, settings)
