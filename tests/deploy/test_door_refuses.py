"""Who is let through the ClickHouse door, and what no statement may do there (S21)."""

# ruff: noqa: S608 - statements of our own

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.deploy.test_clickhouse_door import PASSWORD, client, door, http

pytest.importorskip("chdb", reason="needs the extra `local`")
pytestmark = pytest.mark.services
SECRET = b"s3cret of the service user"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("refuses")
    (made / "secret.txt").write_bytes(SECRET)
    (made / "script.sh").write_text("#!/bin/sh\ntouch executed\n")
    return made


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port and who came to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        came: list[object] = []

        def accept() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                came.append(address)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with door(folder / "clickhouse") as (_, found):
        client(found).command("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
        yield found


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"X-Nothing": ""}, 401),
        ("", {"X-ClickHouse-Key": PASSWORD}, 200),
        ("", {"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD}, 200),
        ("", {"X-ClickHouse-User": "admin", "X-ClickHouse-Key": PASSWORD}, 401),
        ("", {"X-ClickHouse-Key": PASSWORD + "x"}, 401),
        ("", {"X-ClickHouse-Key": ""}, 401),
        ("", {"Authorization": basic("default", PASSWORD)}, 200),
        ("", {"Authorization": basic("", PASSWORD)}, 200),
        ("", {"Authorization": basic("default", "")}, 401),
        ("", {"Authorization": "Basic ÿ!"}, 401),
        ("", {"Authorization": f"Bearer {PASSWORD}"}, 401),
        (f"&user=default&password={quote(PASSWORD)}", {"X-Nothing": ""}, 200),
        (f"&password={quote(PASSWORD)}", {"X-Nothing": ""}, 200),
        ("&user=default&password=", {"X-Nothing": ""}, 401),
        (f"&password={quote(PASSWORD)}", {"X-ClickHouse-Key": "wrong"}, 401),
    ],
)
def test_only_who_has_the_password_is_answered(port: int, query: str, headers: dict[str, str], status: int) -> None:
    found, body, got = http(port, f"/?query=SELECT%2042{query}", None, **headers)
    assert found == status
    assert (b"42" in body) == (status == 200)
    if status == 401:
        assert got["X-ClickHouse-Exception-Code"] == "516" and got["WWW-Authenticate"].startswith("Basic")


def test_a_stranger_cannot_make_the_door_hold_a_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 200000000\r\n\r\n".encode())
        assert raw.recv(12) == b"HTTP/1.1 401"


@pytest.mark.parametrize("path", ["/ping", "/?query=SELECT%201"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:{port}"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "LOCALHOST:{port}"}, 200),
        ({"Host": "[::1]:{port}"}, 200),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "localhost.evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1.evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "203.0.113.9:{port}"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "x:y"}, 403),
        ({"Host": "localhost:{port}", "Origin": "http://localhost:{port}"}, 403),
        ({"Host": "localhost:{port}", "Origin": "null"}, 403),
        ({"Host": "localhost:{port}", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Host": "localhost:{port}", "Sec-Fetch-Mode": "no-cors"}, 403),
    ],
)
def test_no_web_page_gets_through(port: int, path: str, headers: dict[str, str], status: int) -> None:
    sent = {name: value.format(port=port) for name, value in headers.items()}
    assert http(port, path, None, **sent, **{"X-ClickHouse-Key": PASSWORD})[0] == status


REFUSED = [
    # the function, however it is written
    "SELECT file('{folder}/secret.txt')",
    "SELECT `file`('{folder}/secret.txt')",
    "SELECT \"file\" /* a */ ('{folder}/secret.txt')",
    "SELECT `f\\x69le`('{folder}/secret.txt')",
    "SELECT arrayMap(file, ['{folder}/secret.txt'])",
    "SELECT /* ' */ file('{folder}/secret.txt') -- '",
    "SELECT /* /* */ ' */ , file('{folder}/secret.txt') /* ' */ */",
    "SELECT $x$ ' $x$, file('{folder}/secret.txt') -- '",
    "SELECT \u2018 ' \u2019, file('{folder}/secret.txt') -- '",
    "SELECT 1 # '\n, file('{folder}/secret.txt') -- '",
    "SELECT 1; SELECT file('{folder}/secret.txt')",
    "INSERT INTO t VALUES (1, file('{folder}/secret.txt'))",
    "INSERT INTO t FORMAT Values (1, file('{folder}/secret.txt'))",
    "INSERT INTO t SETTINGS async_insert = 0 FORMAT Values (1, file('{folder}/secret.txt'))",
    "CREATE TABLE refused (a UInt8, b String DEFAULT file('{folder}/secret.txt')) ENGINE = Memory",
    "ALTER TABLE t ADD COLUMN c String DEFAULT file('{folder}/secret.txt')",
    "CREATE VIEW refused AS SELECT file('{folder}/secret.txt')",
    # SQL in a string
    "SELECT * FROM format(JSONEachRow, 'a UInt8, b String DEFAULT file(\\'{folder}/secret.txt\\')', '{{\"a\":1}}')",
    "CREATE TABLE refused AS values('a UInt8, b String DEFAULT file(\\'{folder}/secret.txt\\')', (1, 'x'))",
    "SELECT * FROM values('a UInt8, b String DEFAULT file(\\'{folder}/secret.txt\\')', (1, 'x'))",
    "INSERT INTO t SELECT * FROM values('a UInt8, b String', (1, 'x'))",
    "CREATE TABLE refused AS null('a UInt8, b String DEFAULT file(\\'{folder}/secret.txt\\')')",
    "SELECT * FROM eval('SELECT file(\\'{folder}/secret.txt\\')') SETTINGS allow_experimental_eval_table_function = 1",
    "SELECT * FROM t SETTINGS additional_table_filters = {{'t': 'file(\\'{folder}/secret.txt\\') = \\'\\''}}",
    "INSERT INTO t SELECT * FROM input('a UInt64, b String DEFAULT file(\\'{folder}/secret.txt\\')') FORMAT TSV",
    # files
    "SELECT * FROM file('{folder}/secret.txt', 'LineAsString')",
    "SELECT * FROM FiLe('{folder}/secret.txt', 'LineAsString')",
    "DESCRIBE file('{folder}/secret.txt', 'LineAsString')",
    "SELECT * FROM (SELECT * FROM file('{folder}/secret.txt', 'LineAsString'))",
    "SELECT * FROM fileCluster('default', '{folder}/secret.txt', 'LineAsString')",
    "SELECT * FROM filesystem('{folder}')",
    "SELECT * FROM `{folder}/secret.txt`",
    "SELECT * FROM default.`{folder}/secret.txt`",
    "SELECT 1 INTO OUTFILE '{folder}/written'",
    "SELECT 1 into/**/outfile '{folder}/written'",
    "SELECT 1 INTO\u00a0OUTFILE '{folder}/written'",
    "INSERT INTO t FROM INFILE '{folder}/secret.txt' FORMAT TSV",
    "INSERT INTO FUNCTION file('{folder}/written', 'TSV', 'a UInt64') VALUES (1)",
    "INSERT INTO TABLE FUNCTION file('{folder}/written', 'TSV', 'a UInt64') SELECT 1",
    "CREATE TABLE refused (a String) ENGINE = File(TSV, '{folder}/secret.txt')",
    "CREATE TABLE refused (a String) ENGINE = `File`(TSV, '{folder}/secret.txt')",
    "CREATE TABLE refused (a String) ENGINE FileLog('{folder}', 'LineAsString')",
    "CREATE TABLE refused (a UInt8) ENGINE = EmbeddedRocksDB(0, '{folder}/written') PRIMARY KEY a",
    "CREATE TABLE refused (a UInt8) ENGINE = Executable('{folder}/script.sh', TSV)",
    "CREATE TABLE refused (a UInt8) ENGINE = ExecutablePool('{folder}/script.sh', TSV)",
    "SELECT * FROM executable('{folder}/script.sh', TSV, 'a UInt8')",
    "CREATE DATABASE refused ENGINE = Filesystem('{folder}')",
    "CREATE DATABASE refused ENGINE = SQLite('{folder}/written')",
    "CREATE DATABASE refused ENGINE = Backup('main', File('{folder}/written'))",
    "SELECT * FROM sqlite('{folder}/written', 't')",
    "ATTACH TABLE refused FROM '{folder}/written' (a UInt8) ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE refused (a UInt8) ENGINE = Memory "
    "PARALLEL WITH ATTACH TABLE x FROM '{folder}/written' (a UInt8) ENGINE = MergeTree ORDER BY a",
    "BACKUP TABLE t TO File('{folder}/written')",
    "BACKUP TABLE t TO Disk('default', 'written')",
    "RESTORE TABLE t AS u FROM File('{folder}/written')",
    "CREATE TABLE refused (a UInt8) ENGINE = MergeTree ORDER BY a "
    "SETTINGS disk = disk(type = 'local', path = '{folder}/written/')",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{folder}/secret.txt'",
    "SELECT 1 SETTINGS format_schema = '{folder}/secret.txt:x' FORMAT Protobuf",
    "INSERT INTO t SETTINGS input_format_record_errors_file_path = '{folder}/written', "
    "input_format_allow_errors_num = 5 FORMAT TSV\n1\tx\nz\ty\n",
    "CREATE DICTIONARY refused (a UInt64) PRIMARY KEY a "
    "SOURCE(FILE(path '{folder}/secret.txt' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY refused (a UInt64) PRIMARY KEY a "
    "SOURCE(EXECUTABLE(command '{folder}/script.sh' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE DICTIONARY refused (a UInt64) PRIMARY KEY a "
    "SOURCE(HTTP(url 'http://127.0.0.1:{listener}/' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
    # other machines
    "SELECT * FROM url('http://127.0.0.1:{listener}/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:{listener}', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1:{listener}', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM clusterAllReplicas('default', system.one)",
    "SELECT * FROM s3('http://127.0.0.1:{listener}/b/k', 'TSV')",
    "SELECT * FROM gcs('http://127.0.0.1:{listener}/b/k', 'TSV')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:{listener}/k', 'TSV', 'a String')",
    "SELECT * FROM azureBlobStorage('http://127.0.0.1:{listener}/', 'c', 'b')",
    "SELECT * FROM deltaLake('http://127.0.0.1:{listener}/b/k')",
    "SELECT * FROM iceberg('http://127.0.0.1:{listener}/b/k')",
    "SELECT * FROM icebergLocal('{folder}')",
    "SELECT * FROM mysql('127.0.0.1:{listener}', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:{listener}', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('127.0.0.1:{listener}', 'd', 't', 'u', 'p', 'a String')",
    "SELECT * FROM redis('127.0.0.1:{listener}', 'k', 'k String')",
    "SELECT * FROM odbc('DSN=x', 'd', 't')",
    "SELECT * FROM jdbc('jdbc:x', 'd', 't')",
    "CREATE TABLE refused (a String) ENGINE = URL('http://127.0.0.1:{listener}/', TSV)",
    "CREATE TABLE refused (a UInt8) ENGINE = MergeTree ORDER BY a "
    "SETTINGS disk = disk(type = 'web', endpoint = 'http://127.0.0.1:{listener}/x/')",
    # the process itself
    "SELECT * FROM python(sys)",
    "SELECT * FROM `python`(sys)",
    "CREATE TABLE refused (a UInt8) ENGINE = Python(sys)",
    "CREATE FUNCTION refused AS x -> x",
    "CREATE USER refused",
    "GRANT ALL ON *.* TO default",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "SYSTEM DROP MARK CACHE",
    "SYSTEM FLUSH LOGS",
    "SET max_threads = 1",
    "SET param_f = 'file'",
    "USE system",
    "SELECT 1 SETTINGS readonly = 1",
    "SELECT 1 SETTINGS dialect = 'kusto'",
    "SELECT demangle('x') SETTINGS allow_introspection_functions = 1",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_no_statement_leaves_the_folder(port: int, folder: Path, listener: tuple[int, list[object]], sql: str) -> None:
    status, body, _ = http(port, "/", sql.format(folder=folder, listener=listener[0]).encode())
    assert status in (403, 404), body
    assert status == 403 or "FROM `" in sql, body
    assert SECRET not in body
    assert not (folder / "written").exists() and not list(folder.rglob("executed"))
    assert listener[1] == []
    one = client(port)
    assert one.command("SELECT count() FROM t") == 0
    assert one.command("EXISTS TABLE refused") == 0 and one.command("EXISTS DATABASE refused") == 0


@pytest.mark.parametrize(
    "setting",
    [
        "format_template_row=x",
        "format_schema=x",
        "dialect=kusto",
        "readonly=1",
        "allow_ddl=0",
        "additional_table_filters={'t':'0'}",
    ],
)
def test_no_setting_of_the_url_lifts_it(port: int, setting: str) -> None:
    assert http(port, f"/?{quote(setting, safe='=')}", b"SELECT 1")[0] == 403
    assert http(port, "/", b"SELECT 1")[1] == b"1\n"


def test_a_name_in_a_parameter_is_looked_at_where_it_becomes_one(port: int, folder: Path) -> None:
    sql = f"SELECT arrayMap({{f:Identifier}}, ['{folder}/secret.txt'])".encode()
    status, body, _ = http(port, "/?param_f=file", sql)
    assert (status, SECRET in body) == (403, False)
    assert http(port, "/?param_t=t", b"SELECT count() FROM {t:Identifier}")[1] == b"0\n"


def test_every_table_function_and_engine_of_this_chdb_is_known(port: int) -> None:
    """What a new version brings is refused, unless it is listed as harmless."""
    from deploy.local.guard import ENGINES, TABLE_FUNCTIONS

    one = client(port)
    functions = [row[0] for row in one.query("SELECT name FROM system.table_functions").result_rows]
    engines = [row[0] for row in one.query("SELECT name FROM system.table_engines").result_rows]
    assert {"python", "file", "url"} < set(functions) and "File" in engines
    for name in functions:
        if name.lower() not in TABLE_FUNCTIONS:
            assert http(port, "/", f"SELECT * FROM {name}('x')".encode())[0] == 403, name
    for name in engines:
        if name.lower() not in ENGINES:
            sql = f"CREATE TABLE refused (a UInt8) ENGINE = {name}('x')"
            assert http(port, "/", sql.encode())[0] == 403, name


TEXTS = ["/file(x)", "file('/etc/passwd')", "SELECT 1 INTO OUTFILE 'x'; ATTACH", "$x$ ' # /* `", "it''s \\' values("]


@pytest.mark.parametrize("text", TEXTS)
def test_data_may_say_anything(port: int, text: str) -> None:
    one = client(port)
    one.command("CREATE OR REPLACE TABLE said (n UInt8, b String, engine String) ENGINE = Memory")
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    one.insert("said", [[1, text, "File"]], column_names=["n", "b", "engine"])
    assert http(port, "/", f"INSERT INTO said VALUES (2, {literal}, 'URL')".encode())[0] == 200
    assert http(port, "/", f"INSERT INTO said (n, b) VALUES (3, {literal})".encode())[0] == 200
    assert http(port, "/", f"INSERT INTO said FORMAT Values (4, {literal}, '')".encode())[0] == 200
    escaped = text.replace("\\", "\\\\")
    assert http(port, "/", f"INSERT INTO said FORMAT TSV\n5\t{escaped}\t\n".encode())[0] == 200
    found = one.query("SELECT n, engine FROM said WHERE b = {text:String} ORDER BY n", parameters={"text": text})
    assert [row[0] for row in found.result_rows] == [1, 2, 3, 4, 5]
    assert one.query(f"SELECT {literal} -- file(").result_rows == [(text,)]
