"""ClickHouse as the stages see it: statements, rows and column inserts, and one exception for a broken world."""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import clickhouse_connect
from clickhouse_connect import common
from clickhouse_connect.driver import Client as Driver
from clickhouse_connect.driver import options
from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import HTTPError

from rollups import deadline, native

TIMEOUT_SECONDS = 60
DEFAULT_DATABASE = "throughline"
NOT_MADE = (60, 81)  # ClickHouse's codes: no such table, no such database

# A token names one block, so an insert must stay one block, here and behind every view; and what a failed attempt left
# out must be recognised by its token in each target, which is what the dependent setting is for.
TOKEN_SETTINGS: Mapping[str, Any] = {
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
    "max_insert_threads": 1,
    "max_block_size": 100_000_000,
    "max_insert_block_size": 100_000_000,
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 0,
    "group_by_two_level_threshold": 0,
    "group_by_two_level_threshold_bytes": 0,
    "max_bytes_before_external_group_by": 0,
    "max_bytes_ratio_before_external_group_by": 0,
    "materialized_views_ignore_errors": 0,
}

# Sessions would forbid a client two queries at once; nothing here needs one.
common.set_setting("autogenerate_session_id", False)
# Nor would it do to have connections closed for their age between two steps of a batch.
common.set_setting("max_connection_age", 1 << 31)
# To ask whether data are a DataFrame the driver imports pandas where it is, as beside chDB: 80 MB and 0.3 s a process.
for _absent in ("np", "pd", "pd_time_test", "arrow", "pl"):
    setattr(options, _absent, None)


class ClickHouseUnavailable(Exception):
    """Not reachable, too slow, or it failed the statement: whether it had an effect is unknown; try the same again."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code  # ClickHouse's own, None if the server never answered


class Client:
    """Connects with its first use, so a stage can start while ClickHouse is away. Safe to share between threads."""

    def __init__(self, url: str, database: str, timeout: float) -> None:
        self.url = url
        self.database = database
        self._timeout = timeout
        self._lock = threading.Lock()
        self._driver: Driver | None = None
        self._pool = deadline.pool_manager(maxsize=32, num_pools=2, **_tls(url))
        self._patient: dict[float, Client] = {}

    def patient(self, seconds: float) -> "Client":
        """The same, but waiting so long for each answer; made once for each number of seconds. Does no I/O."""
        if seconds == self._timeout:
            return self
        with self._lock:
            if seconds not in self._patient:
                self._patient[seconds] = Client(self.url, self.database, seconds)
            return self._patient[seconds]

    def command(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Run one statement for its effect. Blocks; raises ClickHouseUnavailable."""
        try:
            self._connected().command(sql, parameters=dict(params or {}), settings=dict(settings or {}))
        except (Error, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of one query, by column name. Blocks; raises ClickHouseUnavailable."""
        try:
            limits = dict(settings or {})
            if (seconds := deadline.left()) is not None:  # nor shall the server go on for a client that has gone
                limits["max_execution_time"] = min(seconds, limits.get("max_execution_time", seconds))
            result = self._connected().query(sql, parameters=dict(params or {}), settings=limits)
            return list(result.named_results())
        except (Error, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def check(self, table: str) -> list[str]:
        """The parts of a table that ClickHouse finds broken, all of which it reads. Blocks; raises the same."""
        try:
            sql, settings = f"CHECK TABLE `{table}`", {"check_query_single_value_result": 0}
            found = self._connected().raw_query(sql, settings=settings, fmt="JSONEachRow").decode()
            rows = [json.loads(line) for line in found.splitlines() if line]
            return [row["part_path"] for row in rows if not row["is_passed"]]
        except (Error, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def insert(
        self,
        table: str,
        names: Sequence[str],
        types: Sequence[str],
        columns: Sequence[Sequence[Any]],
        settings: Mapping[str, Any],
        packed: native.Packed = native.NOTHING,
    ) -> None:
        """Insert whole columns, as one block; `packed`: those that are packed already. For what ints are see
        `native.column`. Blocks; raises ClickHouseUnavailable.
        """
        try:
            typed = zip(names, types, columns, strict=True)
            made = [packed.get(name) or native.column(name, type_, values) for name, type_, values in typed]
            self._connected().raw_insert(
                table, names, native.block(made, len(columns[0])), settings=dict(settings), fmt="Native"
            )
        except (Error, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def export(self, sql: str, params: Mapping[str, Any], settings: Mapping[str, Any]) -> bytes:
        """The rows of one query as a Parquet file. Blocks; raises ClickHouseUnavailable."""
        try:
            return self._connected().raw_query(sql, parameters=dict(params), settings=dict(settings), fmt="Parquet")
        except (Error, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def load(self, table: str, file: bytes, settings: Mapping[str, Any]) -> None:
        """Insert a Parquet file: its columns by their names, others get their defaults. Blocks; raises the same."""
        try:
            self._connected().raw_insert(table, insert_block=file, settings=dict(settings), fmt="Parquet")
        except (Error, HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        with self._lock:
            if self._driver is not None:
                self._driver.close()
                self._driver = None
            self._pool.clear()
            for other in self._patient.values():
                other.close()

    def _connected(self) -> Driver:
        seconds = deadline.left()
        if deadline.over() or not self._lock.acquire(timeout=-1 if seconds is None else seconds):
            raise ClickHouseUnavailable("timed out")  # others may have been waiting to connect all the time
        try:
            if self._driver is None:
                self._driver = self._connect()
            return self._driver
        finally:
            self._lock.release()

    def _connect(self) -> Driver:
        parts = urlsplit(self.url)
        return clickhouse_connect.get_client(
            interface=parts.scheme,
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or ""),
            database=self.database,
            compress=False,  # local or rack-local; packing costs more than the wire
            connect_timeout=5,
            send_receive_timeout=self._timeout,
            query_retries=0,  # who calls knows whether trying again is right
            pool_mgr=self._pool,
        )


def connect(url: str, *, database: str | None = None, timeout: float = TIMEOUT_SECONDS) -> Client:
    """A client for `http[s]://user:password@host:port/database[?ca=FILE]`; `database` overrides the path. No I/O."""
    name = urlsplit(url).path.strip("/") if database is None else database
    return Client(url, name or DEFAULT_DATABASE, timeout)


def _tls(url: str) -> dict[str, str]:
    """The files that an https:// address names: `ca`, and the client's own `cert` and `key`."""
    asked = parse_qs(urlsplit(url).query)
    names = {"ca": "ca_cert", "cert": "client_cert", "key": "client_cert_key"}
    return {names[name]: values[-1] for name, values in asked.items() if name in names}


def _unavailable(error: Exception) -> ClickHouseUnavailable:
    code = getattr(error, "code", None)
    first = str(error).strip().splitlines() or [type(error).__name__]
    return ClickHouseUnavailable(first[0][:500], code if isinstance(code, int) else None)
