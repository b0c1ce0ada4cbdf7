"""What the engine is told for one request at the door: settings are only set when they are others than before."""

from types import SimpleNamespace
from typing import Any

from deploy.local.engine import Session

CLIENTS = {"date_time_input_format": "best_effort"}  # on every request of a client


class Connection:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def query(self, text: str, *_: Any, **__: Any) -> Any:
        self.told.append(text)
        return SimpleNamespace(bytes=lambda: b"", rows_read=lambda: 0, rows_written=lambda: 0)


def told(session: Session, connection: Connection, query: str, settings: dict[str, str]) -> list[str]:
    connection.told.clear()
    session.run(query.encode(), "main", settings, {}, "TSV")
    return [text.split()[0] for text in connection.told]


def test_reads_and_inserts_of_one_client_in_turn_set_nothing() -> None:
    connection = Connection()
    session = Session(connection, lambda *_: None)
    insert = "INSERT INTO t (a) FORMAT Native\n"
    assert told(session, connection, "SELECT 1", CLIENTS) == ["USE", "SET", "SELECT"]
    for token in ("a", "b"):
        given = {**CLIENTS, "insert_deduplication_token": token}
        assert told(session, connection, insert, given) == ["INSERT", "SELECT"]  # and whether all was written
        assert told(session, connection, "SELECT 1", CLIENTS) == ["SELECT"]


def test_what_a_query_set_is_taken_back_before_an_insert_that_does_not_say_the_same() -> None:
    connection = Connection()
    session = Session(connection, lambda *_: None)
    told(session, connection, "SELECT 1", {"max_threads": "7"})
    for settings in ({}, {"max_threads": "8"}):
        session.settings = {"max_threads": "7"}
        assert told(session, connection, "INSERT INTO t (a) FORMAT Native\n", settings)[0] == "SET"
        assert connection.told[0] == "SET max_threads = DEFAULT"
