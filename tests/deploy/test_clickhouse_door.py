"""ClickHouse's HTTP interface over chDB: what clients rely on, and what a crash may not break."""

import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

pytest.importorskip("chdb", reason="needs the extra `local`")
pytestmark = pytest.mark.services


PASSWORD = "of the test's own"


@contextmanager
def door(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    data.mkdir(exist_ok=True)
    (data / "password").write_text(PASSWORD)
    command = [sys.executable, "-m", "deploy.local.clickhouse", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield process, int(line.rsplit(":", 1)[1])
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with door(tmp_path_factory.mktemp("door")) as (_, found):
        yield found


def client(port: int, compress: bool | str = False) -> Client:
    return clickhouse_connect.get_client(
        host="127.0.0.1",
        port=port,
        password=PASSWORD,
        compress=compress,
        autogenerate_session_id=False,
        send_receive_timeout=30,
    )


def http(port: int, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
    if not headers:
        request.add_header("X-ClickHouse-Key", PASSWORD)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_rows_go_in_and_come_out_in_every_encoding(port: int, compress: bool | str) -> None:
    one = client(port, compress)
    one.command("CREATE OR REPLACE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    rows = [[number, f"é'{number}\t\n\\"] for number in range(10_000)]
    one.insert("t", rows, column_names=["a", "b"])
    assert [list(row) for row in one.query("SELECT a, b FROM t ORDER BY a").result_rows] == rows


def test_a_query_that_fails_half_way_leaves_nothing_to_the_next(port: int) -> None:
    """chDB would give what it had answered so far to whoever asks next."""
    half = b"SELECT sleepEachRow(0.3) FROM numbers(20) SETTINGS max_block_size = 1 FORMAT Native"
    for _ in range(3):
        assert http(port, "/?max_execution_time=0.5", half)[0] == 408
        assert http(port, "/?max_execution_time=0.5", b"SELECT 1")[:2] == (200, b"1\n")


def test_a_query_is_the_body_or_the_parameter(port: int) -> None:
    assert http(port, "/?query=SELECT%201")[1] == b"1\n"
    assert http(port, "/", b"SELECT 2 FORMAT JSONCompactEachRow")[1] == b"[2]\n"
    assert http(port, "/?query=CREATE%20TABLE%20v%20(a%20String)%20ENGINE=Memory", b"")[0] == 200
    assert http(port, "/?query=INSERT%20INTO%20v%20FORMAT%20TSV", b"x\ny\n")[0] == 200
    assert http(port, "/", b"INSERT INTO v VALUES ('z')")[0] == 200
    assert http(port, "/", b"SELECT a FROM v ORDER BY a")[1] == b"x\ny\nz\n"
    assert http(port, "/ping")[1] == b"Ok.\n"


def test_settings_and_databases_do_not_leak_into_the_next_query(port: int) -> None:
    one = client(port)
    one.command("CREATE DATABASE IF NOT EXISTS other")
    default = one.command("SELECT getSetting('max_threads')")
    assert one.command("SELECT getSetting('max_threads')", settings={"max_threads": 7}) == 7
    assert one.command("SELECT getSetting('max_threads')") == default
    assert http(port, "/?database=other", b"SELECT currentDatabase()")[1] == b"other\n"
    assert http(port, "/", b"SELECT currentDatabase()")[1] == b"main\n"
    with pytest.raises(DatabaseError):
        one.command("SELECT 1", settings={"max_threads": "many"})
    assert one.command("SELECT getSetting('max_threads')") == default


@pytest.mark.parametrize("text", ["'; DROP TABLE t; --", "a\tb\nc\\n\\", "{x:String}", "", "é\U0001f600", "\x01"])
def test_a_parameter_means_itself(port: int, text: str) -> None:
    found = client(port).query("SELECT {x:String}, {y:Array(String)}", parameters={"x": text, "y": [text]})
    assert found.result_rows == [(text, [text])]


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        (b"SELECT nothing_here", 404, "47"),
        (b"SELECT * FROM nowhere", 404, "60"),
        (b"SELEC 1", 400, "62"),
        (b"SELECT throwIf(1)", 500, "395"),
        (b"SELECT sleep(3) SETTINGS max_execution_time = 0.1", 408, "159"),
    ],
)
def test_errors_carry_their_code_and_status(port: int, sql: bytes, status: int, code: str) -> None:
    found, body, headers = http(port, "/", sql)
    assert (found, headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert body.startswith(b"Code: ")
    assert client(port).command("SELECT 1") == 1


def test_a_failing_view_fails_the_insert(port: int) -> None:
    one = client(port)
    one.command("CREATE TABLE source (a UInt64) ENGINE = MergeTree ORDER BY a")
    one.command("CREATE TABLE target (a UInt64) ENGINE = MergeTree ORDER BY a")
    one.command("CREATE MATERIALIZED VIEW broken TO target AS SELECT a FROM source WHERE NOT throwIf(a = 2)")
    with pytest.raises(DatabaseError, match="395"):
        one.insert("source", [[1], [2]], column_names=["a"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(10**12)}, 413),
        ({"Transfer-Encoding": "chunked", "_body": "ffffffffff\r\n"}, 413),
        ({"Transfer-Encoding": "chunked", "_body": "zz\r\n"}, 400),
        ({"Content-Length": "4", "Content-Encoding": "zstd", "_body": "nope"}, 400),
        ({"Content-Length": "8", "Origin": "https://evil.example", "_body": "SELECT 1"}, 403),
    ],
)
def test_bodies_that_are_refused(port: int, headers: dict[str, str], status: int) -> None:
    body = headers.pop("_body", "")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        lines = f"Host: localhost:{port}\r\nX-ClickHouse-Key: {PASSWORD}\r\n{lines}"
        raw.sendall(f"POST / HTTP/1.1\r\n{lines}\r\n{body}".encode())
        assert raw.recv(12).decode() == f"HTTP/1.1 {status}"


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    import zstandard

    from deploy.local.body import BodyTooLarge, decompress

    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    with pytest.raises(BodyTooLarge):
        decompress(bomb, "zstd", 1_000_000)


def test_many_idle_connections_do_not_keep_others_out(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    try:
        assert client(port).command("SELECT 1") == 1
    finally:
        for each in idle:
            each.close()


def test_a_second_one_on_the_folder_says_so_and_ends(tmp_path: Path) -> None:
    with door(tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "deploy.local.clickhouse", "--data", str(tmp_path), "--port", "0"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert second.returncode != 0
    assert "in use by another process" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_stop_finishes_what_runs(tmp_path: Path) -> None:
    answers: list[bytes] = []
    with door(tmp_path) as (process, port):
        slow = threading.Thread(target=lambda: answers.append(http(port, "/", b"SELECT sleep(2)")[1]))
        slow.start()
        time.sleep(0.7)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        slow.join()
    assert answers == [b"0\n"]


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    settings = {"deduplicate_blocks_in_dependent_materialized_views": 1, "async_insert": 0}

    def insert(one: Client, number: int) -> None:
        one.insert(
            "t", [[number]] * 3, column_names=["a"], settings={**settings, "insert_deduplication_token": f"t{number}"}
        )

    with door(tmp_path) as (process, port):
        one = client(port)
        window = "SETTINGS non_replicated_deduplication_window = 1000"
        one.command(f"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a {window}")
        one.command(f"CREATE TABLE n (a UInt64, n UInt64) ENGINE = SummingMergeTree ORDER BY a {window}")
        one.command("CREATE MATERIALIZED VIEW v TO n AS SELECT a, count() AS n FROM t GROUP BY a")
        threading.Timer(1.0, process.kill).start()
        with pytest.raises(OperationalError):
            for number in range(100_000):
                insert(one, number)
                acknowledged.append(number)
    with door(tmp_path) as (_, port):
        one = client(port)
        assert {row[0] for row in one.query("SELECT a FROM t").result_rows} >= set(acknowledged)
        for number in [*acknowledged, len(acknowledged)]:
            insert(one, number)
        total = 3 * (len(acknowledged) + 1)
        assert one.query("SELECT (SELECT count() FROM t), (SELECT sum(n) FROM n)").result_rows == [(total, total)]
