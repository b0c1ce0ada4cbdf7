"""One store on a full disk: no failed write of the engine is believed, and Redis neither fills it nor leaves anything.

Holds of docs/reliability.md: R29, that a full disk damages nothing that was acknowledged.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest
import redis

from deploy.folder import private_folder, secret
from deploy.local import redis as local_redis
from deploy.local.redis import LocalRedis
from deploy.local.writes import NOT_WRITTEN
from deploy.room import floor
from tests.faults import ground
from tests.faults.filler import MB, Filler
from tests.services.clickhouse import ask
from tests.services.process import free_port, start, stop

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("shaking")]

SEED = 7
DEATHS = 2
TABLE = (
    "CREATE TABLE IF NOT EXISTS t (n UInt64, k UInt64, a String, b String) ENGINE = MergeTree ORDER BY k "
    "PARTITION BY k % 3 SETTINGS fsync_after_insert = 1, old_parts_lifetime = 60"
)


class Door:
    """The local ClickHouse, started again whenever it has ended."""

    def __init__(self, data: Path, log: Path) -> None:
        private_folder(data)
        self._log, self._port = log, free_port()
        self.url = f"http://default:{secret(data / 'password')}@127.0.0.1:{self._port}"
        self._command = [
            sys.executable,
            "-m",
            "deploy.local.clickhouse",
            "--port",
            str(self._port),
            "--data",
            str(data),
        ]
        self.codes: list[int] = []
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return start(self._command, self._log)

    def ask(self, query: str) -> str:
        """Raises OSError, also while it is away."""
        return ask(self.url, query, 30)

    def surely(self, query: str) -> str:
        """The same, of the next one if need be: what a merge could not write may end it a while later."""
        while True:
            with suppress(OSError):
                return self.ask(query)
            self.revive()

    def revive(self, seconds: float = 180.0) -> None:
        """Return when it answers."""
        end = time.monotonic() + seconds
        while True:
            if self._process.poll() is not None:
                self.codes.append(self._process.returncode)
                self._process = self._start()
            with suppress(OSError):
                return void(self.ask("SELECT 1"))
            assert time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        stop(self._process)


def void(_: object) -> None:
    """What was answered does not matter."""


@contextmanager
def eaten(filler: Filler, random: Random) -> Iterator[None]:
    """While another program takes all there is, and gives a little back, many times a second."""
    over = Event()

    def eat() -> None:
        while not over.wait(random.uniform(0.0, 0.05)):
            filler.leave(0)
            time.sleep(random.uniform(0.0, 0.05))
            filler.give(random.choice((3, 4, 8)) * MB)

    thread = Thread(target=eat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        filler.give_all()


def test_what_the_engine_could_not_write_is_not_acknowledged_and_what_is_stays_whole(tmp_path: Path) -> None:
    random = Random(SEED)
    acknowledged: dict[int, int] = {}
    with ground.small("150m") as disk:
        door, filler = Door(disk / "clickhouse", tmp_path / "log"), Filler(disk)
        try:
            door.revive()
            assert int(door.ask("SELECT keep_free_space FROM system.disks")) == floor(disk)  # of merges
            door.ask(TABLE)
            end = time.monotonic() + 60
            with eaten(filler, random):
                for n in count():
                    if door.codes.count(NOT_WRITTEN) >= DEATHS or time.monotonic() > end:
                        break
                    rows = random.choice((1, 10, 300, 3000))
                    columns = f"{n}, number * 7, hex(cityHash64(number)), hex(cityHash64({n}))"
                    try:
                        door.ask(f"INSERT INTO t SELECT {columns} FROM numbers({rows})")  # noqa: S608 - our own
                        acknowledged[n] = rows
                    except OSError:
                        door.revive()
            found = [line.split() for line in door.surely("SELECT n, count() FROM t GROUP BY n").splitlines()]
            stored = {int(n): int(rows) for n, rows in found}
            assert {n: stored.get(n) for n in acknowledged} == acknowledged, f"seed {SEED}, {door.codes}"
            door.surely("SELECT sum(length(a)), sum(length(b)) FROM t")
            assert NOT_WRITTEN in door.codes, "the disk was never full at a bad moment"
        finally:
            door.stop()


@contextmanager
def serving(server: LocalRedis) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(server.command)
    try:
        end = time.monotonic() + 30
        while not server.answers():
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def test_redis_rewrites_its_file_only_where_a_second_one_fits() -> None:
    with ground.small("200m") as disk:
        server, filler = local_redis.prepare(disk / "redis", free_port(), "100mb"), Filler(disk)
        with serving(server), redis.Redis.from_url(server.url) as client:
            client.set("large", Random(SEED).randbytes(40 * MB))

            def becomes(percent: int) -> bool:
                for _ in range(100):  # Redis frees in the background, and tells its memory a moment later
                    server.fit_rewrites()
                    if int(client.config_get("auto-aof-rewrite-percentage")["auto-aof-rewrite-percentage"]) == percent:
                        return True
                    time.sleep(0.1)
                return False

            assert becomes(100)
            filler.leave(40 * MB)  # of which 5 are the floor
            assert becomes(0)
            filler.leave(10 * MB)
            assert becomes(0)
            client.delete("large")  # a large file of little data: a second one fits
            assert becomes(100)


def test_what_a_rewrite_left_is_swept_before_the_next_start() -> None:
    with ground.small("200m") as disk:
        server = local_redis.prepare(disk / "redis", free_port(), "100mb")
        with serving(server), redis.Redis.from_url(server.url) as client:
            client.set("kept", "x")
        left = server.folder / "temp-rewriteaof-bg-123.aof"
        left.write_bytes(b"x")
        server.sweep()
        assert not left.exists()
        with serving(server), redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"x"
