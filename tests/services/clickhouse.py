"""A ClickHouse for tests: CLICKHOUSE_URL, a container, or the one-machine stack's own door to chDB."""

import os
import sys
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from deploy.folder import private_folder, secret
from tests.services import container
from tests.services.process import PATIENCE_SECONDS, ServiceUnavailable, free_port, start, stop, wait_until
from tests.services.redis import Service


def ask(url: str, query: str = "SELECT version()", timeout: float = 5.0) -> str:
    """The text that the server answers to `query`. Raises OSError."""
    parts = urlsplit(url)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(f"{place}/?query={quote(query)}")  # noqa: S310 - our own address
    request.add_header("X-ClickHouse-User", unquote(parts.username or "default"))
    request.add_header("X-ClickHouse-Key", unquote(parts.password or ""))
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        return str(answer.read().decode().strip())


def open_clickhouse(folder: Path) -> Service:
    """The session's ClickHouse; `url` has no path. Raises ServiceUnavailable."""
    given = os.environ.get("CLICKHOUSE_URL")
    if given:
        url = given.rstrip("/")
        return Service(url, f"ClickHouse {_version(url)} at CLICKHOUSE_URL", lambda: None)
    if container.engine_runs():
        from testcontainers.clickhouse import ClickHouseContainer

        box = ClickHouseContainer("clickhouse/clickhouse-server:25.8").start()
        url = f"http://{box.username}:{box.password}@{box.get_container_host_ip()}:{box.get_exposed_port(8123)}"
        return Service(url, "ClickHouse 25.8 in a container", box.stop)
    if find_spec("chdb") is None:
        raise ServiceUnavailable("ClickHouse: no CLICKHOUSE_URL, no Docker engine, no chdb installed")
    folder.mkdir(parents=True, exist_ok=True)
    port, log, data = free_port(), folder / "clickhouse.log", folder / "clickhouse"
    private_folder(data)
    url = f"http://default:{secret(data / 'password')}@127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "deploy.local.clickhouse",
        "--port",
        str(port),
        "--data",
        str(data),
    ]
    door = start(command, log)

    def answers() -> bool:
        try:
            return bool(ask(url))
        except (OSError, urllib.error.URLError):
            return False

    wait_until(answers, door, log, PATIENCE_SECONDS)
    return Service(url, f"chDB {_version(url)} behind the local door", lambda: stop(door))


def _version(url: str) -> str:
    try:
        return ask(url)
    except OSError as error:
        raise ServiceUnavailable(f"ClickHouse at {url.rpartition('@')[2]}: {error}") from error
