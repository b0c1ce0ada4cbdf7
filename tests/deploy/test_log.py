"""`throughline log`, `batch` and `migrate --drop-view`, as an operator meets them."""

from functools import partial
from pathlib import Path

import pytest

from ingest.log import stream
from rollups import control
from rollups.client import connect
from rollups.decided import Decided
from rollups.write import Writer
from tests.deploy.test_cli import run
from tests.services.schema import migrated
from workers import blob as blobs

pytestmark = pytest.mark.services


@pytest.fixture
def addresses(redis_url: str, clickhouse_url: str, tmp_path: Path) -> tuple[str, ...]:
    return ("--event-log", redis_url, "--clickhouse", clickhouse_url, "--data", str(tmp_path))


def test_a_log_that_is_gone_can_be_forgotten_and_the_one_in_use_cannot(
    redis_url: str, clickhouse_url: str, addresses: tuple[str, ...]
) -> None:
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    here, _ = stream.create(stream.connect(redis_url), stream.Keys("events"), 1)
    writer = Writer(client)
    writer.decide(Decided(here, 0, 0, 5, "n", b""))
    writer.decide(Decided("gone", 3, 0, 5, "n", b""))
    client.command("INSERT INTO decision (log, partition, a, b, nonce, blob) VALUES ('gone', 3, 0, 5, 'other', '')")

    listed = run("log", "list", *addresses).stdout
    lines = {line.split()[0]: line for line in listed.splitlines()}
    assert set(lines) == {"gone", here}
    assert lines[here].endswith("1 unfinished  in use") and lines["gone"].endswith("2 unfinished")
    assert "worker finishes its batches" in run("log", "forget", here, *addresses).stderr
    assert "known are: " in run("log", "forget", "never", *addresses).stderr
    assert "2 unfinished batches of gone given up" in run("log", "forget", "gone", *addresses).stdout
    assert run("log", "forget", "gone", *addresses).stdout == "nothing is unfinished\n"
    assert control.unfinished(client) == [(here, 0, 0, 5)]
    client.close()


def test_batches_that_nobody_can_finish_are_set_aside(
    redis_url: str, clickhouse_url: str, addresses: tuple[str, ...]
) -> None:
    migrated(clickhouse_url)
    client, redis = connect(clickhouse_url), stream.connect(redis_url)
    here, _ = stream.create(redis, stream.Keys("events"), 3)
    nothing = blobs.encode(blobs.blob([], [], [], 0))
    for partition in (0, 2):
        redis.xadd(stream.Keys("events").stream(partition), {stream.VALUE: stream.compress(b"one\n\ntwo\n")})
        end = stream.bounds(redis, stream.Keys("events"), partition).end
        Writer(client).decide(Decided(here, partition, 0, end, "n", nothing))
    Writer(client).decide(Decided(here, 1, 0, 9, "n", nothing))

    set_aside = partial(run, "batch", "set-aside", *addresses)
    assert "there are partitions 0 to 2, no 3" in set_aside("0", "3").stderr
    asked = set_aside("0")
    assert asked.returncode == 1 and "Set aside as dead letters? [y/N]" in asked.stdout
    assert f"log {here}, partition 0, records 0 to " in asked.stdout and ", 2 lines\n" in asked.stdout
    assert "say --lost" in set_aside("1", "--yes").stderr
    assert len(control.unfinished(client)) == 3

    done = set_aside("0", "1", "2", "--yes", "--lost", "--reason", "so it is")
    assert done.returncode == 0, done.stderr
    assert "4 lines are dead letters" in done.stdout
    assert control.unfinished(client) == []
    assert run("dead-letters", "list", *addresses[:2]).stdout.count("set aside: so it is") == 4
    assert "no batch is unfinished there" in set_aside("0", "--yes").stderr
    client.close()


def test_a_view_is_taken_off_and_built_again(clickhouse_url: str, tmp_path: Path) -> None:
    migrated(clickhouse_url)
    addresses = ("--clickhouse", clickhouse_url, "--data", str(tmp_path))
    done = run("migrate", "--drop-view", "trait", *addresses)
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("until it is built again from its source: throughline migrate")
    refused = run("migrate", "--drop-view", "trait", *addresses)
    assert refused.returncode == 1
    assert refused.stderr.startswith("throughline: no rollup trait has a view; those that have one: data_key, ")
    assert run("migrate", *addresses).stdout == "rollup trait\n"
    assert run("migrate", *addresses).stdout == "nothing to do\n"
