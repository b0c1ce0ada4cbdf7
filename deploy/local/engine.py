"""The chDB engine of one data folder: a pool of sessions that run a statement each, with settings and parameters."""

import contextlib
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

SESSIONS = 8

# Small pools and caches: the stack must idle on a small machine. What is not named keeps the engine's default.
CONFIG = """<clickhouse>
<max_server_memory_usage>{memory}</max_server_memory_usage>
<background_pool_size>2</background_pool_size>
<background_move_pool_size>1</background_move_pool_size>
<background_fetches_pool_size>1</background_fetches_pool_size>
<background_common_pool_size>2</background_common_pool_size>
<background_schedule_pool_size>4</background_schedule_pool_size>
<background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
<background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
<background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
<mark_cache_size>67108864</mark_cache_size>
<index_mark_cache_size>16777216</index_mark_cache_size>
<primary_index_cache_size>67108864</primary_index_cache_size>
<compiled_expression_cache_size>16777216</compiled_expression_cache_size>
<merge_tree>
<merge_max_block_size_bytes>4194304</merge_max_block_size_bytes>
</merge_tree>
</clickhouse>
"""

INSERT = re.compile(
    rb"\s*(?P<target>INSERT\s+INTO\s+(?:TABLE\s+)?(?:`[^`]*`|[\w.\"])+(?:\s*\([^()]*\))?)"
    rb"(?P<settings>\s+SETTINGS\s[^\n]*?)?\s+FORMAT\s+(?P<format>\w+)[ \t]*\r?\n?",
    re.IGNORECASE,
)
FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(SETTINGS\b[^()]*)?;?\s*$", re.IGNORECASE)
ERROR = re.compile(r"Code: (\d+)\.")


class QueryError(Exception):
    """The engine refused or failed the statement; `code` is ClickHouse's."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        found = ERROR.search(message)
        self.code = int(found[1]) if found else 1002  # UNKNOWN_EXCEPTION


class Answer(NamedTuple):
    body: bytes
    format: str
    read: int
    written: int


def quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Session:
    """One engine connection, its database and the settings left by its last query; for one thread at a time."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.database = ""
        self.settings: dict[str, str] = {}

    def run(
        self, query: bytes, database: str, settings: dict[str, str], params: dict[str, str], format_: str
    ) -> Answer:
        """Execute one statement. Raises QueryError. Blocks."""
        if database != self.database:
            self.database = "?"  # unknown until the next line succeeds
            self._query(f"USE {quoted_name(database)}")
            self.database = database
        insert = INSERT.match(query)
        if insert:
            return self._insert(insert, query, settings)
        self._apply(settings)
        text = query.decode()
        result = self._query(text, format_, params)
        found = FORMAT.search(text)
        return Answer(result.bytes(), found[1] if found else format_, result.rows_read(), result.rows_written())

    def _insert(self, head: re.Match[bytes], body: bytes, settings: dict[str, str]) -> Answer:
        self._apply({})  # what earlier queries set must not leak in; tokens change with every insert, so they go inline
        clause = (head["settings"] or b"").decode().strip()
        inline = ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
        if inline:
            clause = f"{clause}, {inline}" if clause else f"SETTINGS {inline}"
        # As a file in memory, for the engine's streaming insert reports success when a view behind the table fails.
        descriptor = os.memfd_create("insert")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(memoryview(body)[head.end() :])
            result = self._query(
                f"{head['target'].decode()} FROM INFILE '/proc/self/fd/{descriptor}' {clause} "
                f"FORMAT {head['format'].decode()}"
            )
        finally:
            os.close(descriptor)
        return Answer(b"", "", 0, result.rows_written())

    def _apply(self, settings: dict[str, str]) -> None:
        if settings == self.settings:
            return
        gone = [f"{name} = DEFAULT" for name in self.settings if name not in settings]
        changed = [f"{name} = {quoted(value)}" for name, value in settings.items() if self.settings.get(name) != value]
        held = self.settings
        # Whatever happens below, the next query must reset all of these.
        self.settings = {**held, **dict.fromkeys(settings, "?")}
        self._query("SET " + ", ".join(gone + changed))
        self.settings = settings

    def _query(self, text: str, format_: str = "TabSeparated", params: dict[str, str] | None = None) -> Any:
        try:
            return self.connection.query(text, format_, params=params or {})
        except RuntimeError as error:
            raise QueryError(str(error)) from error


def quoted_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Engine:
    """The one chDB engine of the folder and its pool of sessions."""

    def __init__(self, data: Path, memory: int) -> None:
        chdb: Any = import_module("chdb._chdb")  # 200 MB, half a second: only for whoever serves

        chdb.set_signal_handlers_enabled(0)  # SIGTERM is ours: a clean stop
        config = data / "engine.xml"
        config.write_text(CONFIG.format(memory=memory))
        address = f"{data / 'engine'}?config-file={config}"
        self._connect: Callable[[], Session] = lambda: Session(chdb.connect(address))
        self._sessions: queue.LifoQueue[Session] = queue.LifoQueue()
        self._opened = 0
        self._lock = threading.Lock()
        self._sessions.put(self._open())

    def _open(self) -> Session:
        self._opened += 1
        return self._connect()

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session for one statement; waits while all are busy."""
        try:
            session = self._sessions.get_nowait()
        except queue.Empty:
            with self._lock:
                fresh = self._open() if self._opened < SESSIONS else None
            session = fresh or self._sessions.get()
        try:
            yield session
        finally:
            self._sessions.put(session)

    def close(self) -> None:
        """Close the idle sessions; with the last one the engine stops its background work."""
        while True:
            try:
                session = self._sessions.get_nowait()
            except queue.Empty:
                return
            session.connection.close()


def default_memory() -> int:
    """Half of the machine's memory, at least 1 GiB: what queries and merges may use together."""
    return max(1 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
