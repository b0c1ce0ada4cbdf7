"""What workers write, each insert under its batch's token: the same token again changes nothing anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rollups import control, damage, deadline, retain
from rollups.client import TIMEOUT_SECONDS, TOKEN_SETTINGS, Client
from rollups.decided import Damaged, Decided, Lines, Look, Marked, Outlived, Running, Span, Standing, TwoDecided
from rollups.engine import WINDOW
from rollups.erase import Eraser
from rollups.life import life
from rollups.native import NOTHING, Packed
from rollups.rows import EVENT, SESSION, Columns, EventRow, SessionRow, transposed
from rollups.sql import statement

_TIME = "DateTime64(3, 'UTC')"

PATIENCE_SECONDS = 20.0  # of a worker's first attempt: its other partitions wait meanwhile

# Half a window of batches cannot be decided in this time. Half, for a batch over a month's edge is two blocks.
_YOUNG_SECONDS = 600

_ROWS_A_QUESTION = 1_000

_DECIDED = ("log", "partition", "a", "b", "nonce", "blob", "life")
_DECIDED_COLUMNS = (*_DECIDED[:-1], "lived")
_MARKER = ("log", "partition", "b", "received_to", "counts", "reach")


class Writer(Eraser):
    """Inserts under tokens; each may be repeated as it was. Every method blocks and raises ClickHouseUnavailable.

    `patience`: seconds that an insert may take before its client gives up. The server goes on with it.
    """

    def __init__(self, client: Client, patience: float = TIMEOUT_SECONDS) -> None:
        self._client = client
        self._life = ""
        self.patience = patience

    @contextmanager
    def one_life(self) -> Iterator[Look]:
        """Everything inserted within it reaches the life of the server that it names, or fails.

        Each life has tokens of its own (`rollups.life`). Not for two threads at once.
        """
        said = self._said("worker_state", {})
        look = Look(min(said["life"], default=""), next(iter(said["phase"]), control.CLEARED))
        if not look.life:
            look = look._replace(life=life(self._own))
        self._life = f"/{look.life}"
        try:
            with deadline.connected():
                yield look
        finally:
            self._life = ""

    @property
    def _own(self) -> Client:
        return self._client.patient(self.patience)

    def positions(self) -> dict[tuple[str, int], int]:
        """Up to where every partition of every log is counted, asked as `cuts`. Blocks; raises the same."""
        return control.positions(self._own)

    def cuts(self, sites: Sequence[str]) -> dict[str, retain.Cut]:
        """What is gone of the sites, asked where `one_life` has a connection. Blocks; raises ClickHouseUnavailable."""
        return retain.cuts(self._own, sites)

    def refuse_running(self, log: str, partition: int, a: int) -> None:
        """Raises Running while an insert of the batch at `a` is still at work: it is not to be started twice."""
        rows = self._own.rows(statement("running"), {"token": self.token(log, partition, a)})
        if rows:
            raise Running(f"an insert of {self.token(log, partition, a)} runs for {rows[0]['elapsed']:.0f} s")

    def refuse_damaged(self) -> None:
        """Raises Damaged while it is not known how far is counted, or what was decided."""
        tables = {part.table for part in damage.aside(self._own)} & {"progress", "decision"}
        if tables:
            raise Damaged(f"parts of {' and '.join(sorted(tables))} are broken; throughline repair")

    @staticmethod
    def token(log: str, partition: int, a: int) -> str:
        """Names the batch that begins at `a`, in every table."""
        return f"{log}/{partition}/{a}"

    def partitions(self, log: str, found: int) -> int:
        """How many partitions the log was first counted with; `found`, for ever, if this is the first time."""
        rows = self._own.rows(statement("log_partitions"), {"log": log})
        if not rows:
            self._insert("logs", f"{log}/partitions", ("log", "partitions"), ("String", "UInt32"), [[log], [found]])
            rows = self._own.rows(statement("log_partitions"), {"log": log})
        return int(rows[0]["partitions"])

    def decided(self, log: str, partition: int, a: int, life: str | None = None) -> Decided | None:
        """The batch decided at `a`, if any. Raises TwoDecided; Outlived for one that is unfinished for too long, unless
        it was decided in another life of the server than the given one, so that its token is not asked for.
        """
        found, age = self.standing(log, partition, a)
        if found and age > _YOUNG_SECONDS and life in (None, found.life):
            self._refuse_outlived({"log": log, "partition": partition, "a": a})
        return found

    def standing(self, log: str, partition: int, a: int) -> tuple[Decided | None, int]:
        """The batch decided at `a`, if any, and its age in seconds, however old it is. Raises TwoDecided."""
        rows = self._own.rows(statement("decided_at"), {"log": log, "partition": partition, "a": a})
        found = {
            Decided(log, partition, a, row["b"], row["nonce"], bytes.fromhex(row["blob"]), row["life"]) for row in rows
        }
        if len(found) > 1:
            raise self._two(len(found), log, partition, a)
        return next(iter(found), None), rows[0]["age"] if rows else 0

    def _refuse_outlived(self, where: Mapping[str, Any]) -> None:
        since = self._own.rows(statement("decided_since"), where)[0]
        if not since["finished"] and since["batches"] > WINDOW // 2:
            raise Outlived(
                f"the batch {self.token(**where)} was left half inserted and {since['batches']} others were decided "
                f"since, so ClickHouse may have forgotten its tokens; see the operators' notes on the window"
            )

    def decide(self, decided: Decided) -> None:
        """Propose the batch; the first proposal at its `a` stands, so ask what `stands`."""
        types = ("String", "UInt32", "UInt64", "UInt64", "String", "String", "String")
        columns = [[getattr(decided, name)] for name in _DECIDED]
        self._insert(
            "decision", self.token(decided.log, decided.partition, decided.a), _DECIDED_COLUMNS, types, columns
        )

    def stands(self, mine: Decided) -> Standing:
        """What stands where the batch was proposed. Raises TwoDecided.

        Whether it is `closed` is found after the proposal was stored, so that a migrator who closed before that is
        seen here, and one who closes later sees the decision and waits for its marker.
        """
        said = self._said("worker_stands", {"log": mine.log, "partition": mine.partition, "a": mine.a})
        if len(said["nonce"]) > 1:
            raise self._two(len(said["nonce"]), mine.log, mine.partition, mine.a)
        return Standing(next(iter(said["nonce"]), None), control.CLOSED in said["phase"])

    def _said(self, question: str, where: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
        """What the rows say, by what it is."""
        said: dict[str, list[str]] = {"life": [], "nonce": [], "phase": []}
        for row in self._own.rows(statement(question), {**where, "lease": control.LEASE_SECONDS}):
            said[row["what"]].append(row["said"])
        return said

    def _two(self, found: int, log: str, partition: int, a: int) -> TwoDecided:
        return TwoDecided(f"{found} batches were decided at {self.token(log, partition, a)}")

    def insert_events(self, token: str, rows: Sequence[EventRow]) -> None:
        """Insert the lines of a batch."""
        self.insert_columns(token, transposed(EventRow, rows))

    def insert_columns(self, token: str, events: Columns, packed: Packed = NOTHING) -> None:
        """The same, of columns, of which some are packed already."""
        if events[0]:
            self._insert("events", token, tuple(EVENT), tuple(EVENT.values()), events, packed)

    def insert_sessions(self, token: str, rows: Sequence[SessionRow]) -> None:
        """Insert the signed session rows of a batch."""
        if rows:
            columns = transposed(SessionRow, rows)
            self._insert("sessions", token, tuple(SESSION), tuple(SESSION.values()), columns)

    def mark(
        self, log: str, partition: int, a: int, b: int, received_to: int, counts: Mapping[str, int], reach: int = 0
    ) -> None:
        """Say that everything of the batch is inserted. `received_to`: ms; `counts`: reason → lines."""
        types = ("String", "UInt32", "UInt64", _TIME, "Map(String, UInt64)", "UInt64")
        columns: list[list[Any]] = [[log], [partition], [b], [received_to], [dict(counts)], [reach]]
        self._insert("progress", self.token(log, partition, a), _MARKER, types, columns)

    def stored(self, decided: Decided) -> list[EventRow]:
        """The rows of the batch that lie in the raw events, as they were inserted."""
        where = {"log": decided.log, "partition": decided.partition, "a": decided.a, "b": decided.b}
        rows = self._own.rows(statement("stored_rows"), where, {"max_execution_time": 600})
        return [EventRow._make(row.values())._replace(keys=tuple(row["keys"])) for row in rows]

    def lines(self, log: str, partition: int, a: int, b: int, since: int, until: int) -> Lines:
        """The raw events of [a, b) received from `since` to `until` (ms): (offset, index) → id.

        "" if filtered, None if its visitor was erased.
        """
        where = {"log": log, "partition": partition, "a": a, "b": b, "since": since, "until": until}
        rows = self._own.rows(statement("stored_lines"), where, {"max_execution_time": 600})
        return {(row["offset"], row["index"]): row["id"] for row in rows}

    def put_back(self, log: str, partition: int, kept: int, counted: int) -> None:
        """Record that the log was found put back: it remembers `kept`, the partition is counted up to `counted`."""
        columns: list[list[Any]] = [[log], [partition], [kept], [counted]]
        token = f"{self.token(log, partition, counted)}/put back to {kept}"
        types = ("String", "UInt32", "UInt64", "UInt64")
        self._insert("put_back", token, ("log", "partition", "kept", "counted"), types, columns)

    def effective(self, rows: Sequence[SessionRow]) -> list[SessionRow]:
        """The session rows of a batch that had their effect: rows that stand, retractions of what no longer does."""
        effective: list[SessionRow] = []
        for first in range(0, len(rows), _ROWS_A_QUESTION):
            some = rows[first : first + _ROWS_A_QUESTION]
            params = {
                "sites": sorted({row.site for row in some}),
                "visitors": sorted({row.visitor for row in some}),
                "versions": sorted({row.version for row in some}),
            }
            standing = {
                (row["site"], row["visitor"], row["session"], row["start_ms"], row["version"])
                for row in self._own.rows(statement("stored_sessions"), params)
                if row["standing"] > 0
            }
            effective += [
                row
                for row in some
                if ((row.site, row.visitor, row.session, row.start, row.version) in standing) == (row.sign > 0)
            ]
        return effective

    def doubt(self, token: str, spans: Sequence[Span]) -> None:
        """Record where rollups may be off; `rollups.mend` makes them right."""
        if spans:
            columns: list[Sequence[Any]] = list(zip(*spans, strict=True))
            self._insert("doubt", token, Span._fields, ("String", _TIME, _TIME), columns)

    def age(self, log: str, partition: int, a: int) -> int:
        """Seconds since the batch at `a` was decided; 0 if it was not."""
        rows = self._own.rows(statement("decided_at"), {"log": log, "partition": partition, "a": a})
        return int(max((row["age"] for row in rows), default=0))

    def closed(self) -> bool:
        """Whether a batch that was decided before must wait with its inserts."""
        return control.phase(self._own) == control.CLOSED

    def position(self, log: str, partition: int) -> int | None:
        """Where the partition's next batch begins: the end of the last finished one; None before the first."""
        marked = self.marked(log, partition)
        return None if marked is None else marked.end

    def marked(self, log: str, partition: int) -> Marked | None:
        """The partition's last finished batch; None before the first."""
        rows = self._own.rows(statement("position"), {"log": log, "partition": partition})
        return Marked(rows[0]["b"], rows[0]["clock"], rows[0]["reach"]) if rows else None

    def _insert(
        self,
        table: str,
        token: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        packed: Packed = NOTHING,
    ) -> None:
        settings = {**TOKEN_SETTINGS, "insert_deduplication_token": token + self._life}
        self._own.insert(table, names, types, columns, settings, packed)
