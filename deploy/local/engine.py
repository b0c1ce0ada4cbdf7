"""The chDB engine of one data folder: a pool of sessions that run a statement each, with settings and parameters."""

import contextlib
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from deploy.folder import replace_private
from deploy.local import guard, writes
from deploy.room import floor

SESSIONS = 8
LIBRARY = "_chdb.abi3.so"  # the engine's file
DATABASE = "main"  # of who names none: the engine's own `default` reads files as if they were tables

# Small pools and caches: the stack must idle on a small machine. What is not named keeps the engine's default.
CONFIG = """<clickhouse>
<users_config>{users}</users_config>
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
<storage_configuration><disks><default>
<keep_free_space_bytes>{kept}</keep_free_space_bytes>
</default></disks></storage_configuration>
<merge_tree>
<merge_max_block_size_bytes>4194304</merge_max_block_size_bytes>
</merge_tree>
</clickhouse>
"""

# The one user of every statement. No SOURCES (files, URLs, other servers), no access management, dictionaries, named
# collections, functions and backups, and of SYSTEM only merges. Fixed are settings that name files, that hold SQL in a
# string, that change the language, or that no later statement of the session could take back.
USERS = """<clickhouse>
<profiles><default><constraints>{constraints}</constraints></default></profiles>
<quotas><default/></quotas>
<users><default>
<password/>
<networks><ip>::/0</ip></networks>
<profile>default</profile>
<quota>default</quota>
<grants><query>GRANT {grants} ON *.*</query></grants>
</default></users>
</clickhouse>
"""
GRANTS = (
    "SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE, DROP, UNDROP TABLE, "
    "TRUNCATE, OPTIMIZE, CHECK, SHOW, KILL QUERY, SYSTEM MERGES"
)
FIXED_SETTINGS = (
    *("format_schema", "format_schema_source", "output_format_schema", "format_template_row"),
    *("format_template_resultset", "input_format_record_errors_file_path", "format_avro_schema_registry_url"),
    *("additional_table_filters", "additional_result_filter", "schema_inference_hints", "parallel_replicas_custom_key"),
    *("allow_experimental_eval_table_function", "allow_python_table_function", "allow_introspection_functions"),
    *("dialect", "readonly", "allow_ddl", "merge_tree_disk", "merge_tree_storage_policy"),
)

INSERT = re.compile(
    rb"\s*(?P<target>INSERT\s+INTO\s+(?:TABLE\s+)?(?:`[^`]*`|[\w.\"])+(?:\s*\([^()]*\))?)"
    rb"(?P<settings>\s+SETTINGS\s[^\n]*?)?\s+FORMAT\s+(?P<format>\w+)[ \t]*\r?\n?",
    re.IGNORECASE,
)
FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(SETTINGS\b[^()]*)?;?\s*$", re.IGNORECASE)
_HEAD = 4096  # bytes of a statement that say what it does
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

    def __init__(
        self,
        connection: Any,
        check: Callable[[str, Mapping[str, str]], None],
        no_room: Callable[[bytes], str] = lambda head: "",
    ) -> None:
        self.connection = connection
        self._check = check
        self._no_room = no_room
        self.database = ""
        self.settings: dict[str, str] = {}

    def run(
        self, query: bytes, database: str, settings: dict[str, str], params: dict[str, str], format_: str
    ) -> Answer:
        """Execute one statement. Raises QueryError, guard.Refused, writes.WriteFailed. Blocks."""
        head = query[:_HEAD]
        if said := self._no_room(head):
            raise QueryError(said)
        try:
            answer = self._run(query, database, settings, params, format_)
        except QueryError:
            with contextlib.suppress(QueryError):
                self._query("SELECT 1")  # chDB gives what a failed statement had answered so far to the next one
            self.all_written()  # it may have failed on what another statement wrote
            raise
        if writes.may_write(head):
            self.all_written()
        return answer

    def all_written(self) -> None:
        """Raises writes.WriteFailed if the engine has failed to write any file since it was opened."""
        with contextlib.suppress(QueryError):  # whoever asks next finds out
            if self._query(writes.FAILED, "TSV").bytes().strip() not in (b"", b"0"):
                raise writes.WriteFailed

    def _run(
        self, query: bytes, database: str, settings: dict[str, str], params: dict[str, str], format_: str
    ) -> Answer:
        insert = INSERT.match(query)
        self._check(_text(insert[0] if insert else query), params)
        if insert and insert["format"].lower() == b"values":  # its data are expressions
            self._check(_text(query[insert.end() :]), params)
        if database != self.database:
            self.database = "?"  # unknown until the next line succeeds
            self._query(f"USE {quoted_name(database)}")
            self.database = database
        if insert:
            return self._insert(insert, query, settings)
        self._apply(settings)
        text = _text(query)
        result = self._query(text, format_, params)
        found = FORMAT.search(text)
        return Answer(result.bytes(), found[1] if found else format_, result.rows_read(), result.rows_written())

    def _insert(self, head: re.Match[bytes], body: bytes, settings: dict[str, str]) -> Answer:
        # Tokens change with every insert, so settings go inline; what earlier queries set beside them must not leak in.
        if not self.settings.items() <= settings.items():
            self._apply({})
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


def _text(query: bytes) -> str:
    try:
        return query.decode()
    except UnicodeDecodeError:
        raise QueryError("Code: 62. DB::Exception: The statement is not UTF-8. (SYNTAX_ERROR)") from None


def _guard(session: Session) -> guard.Guard:
    """A guard that knows what this engine has."""

    def names(source: str) -> set[str]:
        sql = f"SELECT lower(name) FROM {source}"  # noqa: S608 - our own
        return set(session.run(sql.encode(), "default", {}, {}, "TSV").body.decode().split())

    return guard.Guard(
        functions=names("system.functions WHERE name = 'file' OR match(name, '^(ai|AI)[A-Z]')"),
        calls=(names("system.table_functions") - guard.TABLE_FUNCTIONS) | {"disk"},
        engines=(names("system.table_engines") | names("system.database_engines")) - guard.ENGINES,
    )


def quoted_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Engine:
    """The one chDB engine of the folder and its pool of sessions."""

    def __init__(self, data: Path, memory: int, reserve: int = 0) -> None:
        chdb: Any = import_module("chdb._chdb")  # 200 MB, half a second: only for whoever serves

        chdb.set_signal_handlers_enabled(0)  # SIGTERM is ours: a clean stop
        config, users = data / "engine.xml", data / "users.xml"
        constraints = "".join(f"<{name}><readonly/></{name}>" for name in FIXED_SETTINGS)
        replace_private(users, USERS.format(grants=GRANTS, constraints=constraints))
        kept = floor(data, reserve)
        replace_private(config, CONFIG.format(memory=memory, users=escape(str(users)), kept=kept))
        address = f"{data / 'engine'}?config-file={config}"
        self._guard = guard.Guard()
        self._connect: Callable[[], Session] = lambda: Session(
            chdb.connect(address), self._check, lambda head: writes.no_room(head, data, reserve)
        )
        self._sessions: queue.LifoQueue[Session] = queue.LifoQueue()
        self._opened = 0
        self._lock = threading.Lock()
        first = self._open()
        first.run(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic".encode(), "default", {}, {}, "TSV")
        self._guard = _guard(first)
        self._sessions.put(first)

    def _check(self, sql: str, params: Mapping[str, str]) -> None:
        self._guard.check(sql, params)

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
