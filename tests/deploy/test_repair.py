"""Broken parts of ClickHouse's tables: it starts, they are told, and one command brings back what they held."""

import asyncio
import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from deploy import wiring
from deploy.cli import app
from deploy.folder import StackError, secret
from deploy.repair import repair, sealed
from deploy.settings import Settings
from ingest.contract.event import Event, Filtered, encode
from ingest.contract.site import Site, SiteSettings
from ingest.log.partition import partition as partition_of
from rollups import damage, rollup
from rollups.client import ClickHouseUnavailable, Client, connect
from rollups.engine import ONE_SERVER
from rollups.migrate import migrate
from rollups.registry import RegistryRow
from rollups.registry import append as register
from rollups.sql import statement
from rollups.verify import verify
from rollups.write import Writer
from tests.deploy.prepared import put_engine
from tests.services.clickhouse import ask
from tests.services.process import free_port, start, stop, wait_until
from tests.workers.streams import SITE, stream

pytest.importorskip("chdb", reason="needs the extra `local`")
pytestmark = pytest.mark.services

PARTITIONS = 2


class System:
    """An engine of its own in a folder, that can be stopped and started; a worker while one is asked for."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.data, self._log, self._port = folder / "clickhouse", folder / "log", free_port()
        put_engine(self.data, "repair")
        url = f"http://default:{secret(self.data / 'password')}@127.0.0.1:{self._port}"
        self.settings = Settings(
            event_log=redis_url, clickhouse=f"{url}/repair", redis=redis_url, partitions=PARTITIONS, disk_reserve=0
        )
        self.client: Client = connect(self.settings.clickhouse)
        self._door: Popen[bytes] | None = None
        self._url = url

    def start(self) -> None:
        command = [sys.executable, "-m", "deploy.local.clickhouse", "--data", str(self.data), "--port", str(self._port)]
        self._door = start(command, self._log)

        def answers() -> bool:
            with contextlib.suppress(OSError):
                return bool(ask(self._url))
            return False

        wait_until(answers, self._door, self._log, 120.0)

    def stop(self) -> None:
        if self._door is not None:
            stop(self._door)
            self._door = None

    def append(self, lines: list[Event | Filtered]) -> None:
        async def send() -> None:
            producer = wiring.producer(self.settings)
            await producer.start()
            for line in lines:
                visitor = line.visitor if isinstance(line, Event) else ""
                await producer.append(partition_of(SITE, visitor, PARTITIONS), encode([line]))
            await producer.close()

        asyncio.run(send())

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        with patch.object(wiring, "REGISTRY", CollectorRegistry()):
            made, end = wiring.worker(self.settings), threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                made.run(end)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()
        assert not failed, failed

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.client.rows(sql)

    def lines(self) -> int:
        return int(self.rows("SELECT count() AS n FROM events")[0]["n"])

    def count(self, lines: list[Event | Filtered]) -> None:
        """The lines, as a batch of their own."""
        before = self.lines()
        self.append(lines)
        with self.worker():
            until(lambda: self.lines() == before + len(lines))

    def finished(self) -> bool:
        """Whether no batch is half inserted."""
        return not self.rows(statement("control_unfinished"))

    def equals_the_events(self) -> None:
        """Compare everything with the events, once what is half inserted is there: comparing takes many statements."""
        until(self.finished)
        assert list(verify(self.client, wait_seconds=0)) == []

    def answers(self) -> dict[str, list[Any]]:
        """Everything that is counted, however it lies there."""
        held = {"events": self.rows("SELECT * FROM events ORDER BY ALL")}
        held["sessions"] = self.rows("SELECT * EXCEPT version FROM sessions FINAL WHERE sign = 1 ORDER BY ALL")
        for name, one in rollup.load().items():
            measures = ", ".join(f"{function}({each}) AS {each}" for each, function in one.measures.items())
            some = " OR ".join(f"{each} != 0" for each, function in one.measures.items() if function == "sum") or "1"
            dimensions = ", ".join(("site", *one.dimensions))
            held[name] = self.rows(
                f"SELECT {dimensions}, {measures} FROM {name} GROUP BY {dimensions} HAVING {some} ORDER BY ALL"  # noqa: S608
            )
        held["progress"] = self.rows("SELECT log, partition, sumMap(counts) FROM progress GROUP BY ALL ORDER BY ALL")
        return held

    def parts(self, table: str) -> list[Path]:
        sql = (
            "SELECT path FROM system.parts WHERE database = currentDatabase() AND table = {table:String} AND active "
            "ORDER BY name"
        )
        return [Path(row["path"]) for row in self.client.rows(sql, {"table": table})]

    def command(self, *arguments: str) -> tuple[int, str]:
        flags = ["--event-log", self.settings.event_log, "--clickhouse", self.settings.clickhouse]
        flags += ["--redis", self.settings.redis]
        done = CliRunner().invoke(app, [*arguments, *flags], catch_exceptions=False)
        return done.exit_code, done.output


def until(holds: Any) -> None:
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def spoil(part: Path, how: str) -> None:
    """What a full disk or a power cut leaves of a part."""
    if how == "nothing":
        shutil.rmtree(part)
        part.mkdir()
    elif how == "no checksums":
        os.truncate(part / "checksums.txt", 0)
    elif how == "no marks":
        for file in part.glob("*.cmrk*"):
            os.truncate(file, 0)
    elif how == "half":
        for file in part.glob("*.bin"):
            os.truncate(file, file.stat().st_size // 2)
    elif how == "a byte":
        file = max(part.glob("*.bin"), key=lambda each: each.stat().st_size)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)


@pytest.fixture
def system(tmp_path: Path, redis_url: str) -> Iterator[System]:
    made = System(tmp_path, redis_url)
    made.start()
    try:
        site = Site(id=SITE, account="a", name="n", domain="example.com", tracking_id="t", secret="s")
        for revision in (1, 2):
            body = site.model_copy(update={"revision": revision, "settings": SiteSettings()})
            register(made.client, RegistryRow("site", SITE, revision, body.model_dump_json()), 0)
        yield made
    finally:
        made.stop()
        made.client.close()


def filled(system: System, batches: int = 2) -> dict[str, list[Any]]:
    # Merges would make one part of all.
    for table in ("events", "sessions"):
        system.client.command(f"SYSTEM STOP MERGES {table}")
    now = wiring.now()
    events = [msgspec.structs.replace(each, received=now) for each in stream(7, 20 * batches, visitors=4)]
    for number in range(batches):
        system.count([*events[20 * number : 20 * number + 20], Filtered(SITE, "bot", now)])
    system.equals_the_events()
    return system.answers()


def test_everything_comes_back(system: System) -> None:
    before = filled(system)
    spoilt = [
        *((part, "half") for part in system.parts("events")[::2]),
        *((part, "no marks") for part in system.parts("sessions")[1::2]),
        *((part, "no checksums") for part in system.parts("series")),
        *((part, "nothing") for part in system.parts("progress")),
    ]
    quiet = system.parts("visitor")[0], *system.parts("events")[1:2]
    system.stop()
    for part, how in spoilt:
        spoil(part, how)
    for part in quiet:
        spoil(part, "a byte")
    system.start()
    code, text = system.command("status")
    assert code == 0
    assert "throughline repair" in text
    assert "progress" in text
    # What is lost is not counted again meanwhile.
    lines = system.lines()
    with system.worker():
        time.sleep(2)
        assert system.lines() == lines
        code, text = system.command("repair")
        assert code == 0, text
        until(system.finished)
        assert system.answers() == before, text
        assert damage.aside(system.client) == []
        code, again = system.command("repair")
        assert code == 0, again
        assert "no difference" in again
    assert "broken" not in system.command("status")[1]
    assert system.answers() == before


def test_a_table_with_any_number_of_broken_parts_is_there(system: System) -> None:
    system.client.command(
        ONE_SERVER.fill("CREATE TABLE many (n UInt32) ENGINE = MergeTree PARTITION BY n ORDER BY n SETTINGS {durable}")
    )
    every = {"max_partitions_per_insert_block": 0}
    system.client.command("INSERT INTO many SELECT number FROM numbers(130)", settings=every)
    parts = system.parts("many")
    system.stop()
    for part in parts[:120]:
        os.truncate(part / "checksums.txt", 0)
    system.start()
    assert system.rows("SELECT count() AS n FROM many") == [{"n": 10}]
    assert damage.told(damage.aside(system.client)) == "120 of many"


def test_a_merge_that_broke_is_no_damage_while_its_sources_are_there(system: System) -> None:
    system.client.command(
        ONE_SERVER.fill("CREATE TABLE many (n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS {durable}")
    )
    for number in range(3):
        system.client.insert("many", ("n",), ("UInt32",), [[number]], {})
    system.client.command("OPTIMIZE TABLE many FINAL")
    (merged,) = system.parts("many")
    system.stop()
    spoil(merged, "no checksums")
    system.start()
    assert system.rows("SELECT n FROM many ORDER BY n") == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert system.rows("SELECT reason FROM system.detached_parts WHERE table = 'many'") == [
        {"reason": "broken-on-start"}
    ]
    assert damage.aside(system.client) == []
    (first, *_) = system.parts("many")
    system.stop()
    spoil(first, "no checksums")
    system.start()
    assert damage.told(damage.aside(system.client)) == "2 of many", "the merge held what nobody has now"


def test_a_batch_whose_decision_is_lost_is_not_guessed(system: System) -> None:
    events = stream(8, 20, visitors=2)
    system.append([*events])
    with patch.object(Writer, "mark", side_effect=ClickHouseUnavailable("dies")), system.worker():
        until(lambda: system.lines() == 20)
        until(lambda: system.rows("SELECT 1 FROM sessions LIMIT 1"))
    broken = system.parts("decision")
    assert broken
    system.stop()
    for part in broken:
        spoil(part, "half")
    system.start()
    with pytest.raises(StackError, match="the decision of a batch is lost of which 20 lines lie in the raw events"):
        system.command("repair")
    assert system.lines() == 20


@pytest.mark.services
def test_sessions_whose_events_are_gone_are_not_given_up_by_the_way(redis_url: str, clickhouse_url: str) -> None:
    migrate(clickhouse_url)
    names = ("sessions", "broken-on-start_202501_1_7_1"), ("sessions", "202503_1_1_0"), ("events", "202501_1_1_0")
    parts = [damage.Part(*each, 1) for each in names]
    with contextlib.closing(connect(clickhouse_url)) as client:
        assert sealed(client, parts) == []
        client.command("INSERT INTO retained VALUES ('abcdef', 'p', '2025-03-01', '2024-01-01', 'done', now64(3))")
        assert sealed(client, parts) == [202501]
    settings = Settings(redis=redis_url, clickhouse=clickhouse_url)
    refused = pytest.raises(StackError, match="sessions of 202501 are broken")
    with patch.object(damage, "find"), patch.object(damage, "aside", return_value=parts), refused:
        repair(settings, print)
