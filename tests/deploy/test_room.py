"""The last of a disk is nobody's: what the reserve is, and who is told when."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local import writes
from deploy.room import Room, Space, floor, hinders, spaces


def disk(monkeypatch: pytest.MonkeyPatch, free: int, total: int) -> None:
    state = os.statvfs_result((4096, 1000, total // 1000, 0, free // 1000, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: state)


@pytest.mark.parametrize(
    ("total", "given", "reserve"),
    [
        (200_000_000, 0, 10_000_000),
        (5_000_000_000, 0, 250_000_000),
        (2_000_000_000_000, 0, 256_000_000),  # not 100 GB
        (200_000_000, 30_000_000, 30_000_000),
    ],
)
def test_the_reserve_is_5_percent_and_at_most_256_mb_or_what_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, total: int, given: int, reserve: int
) -> None:
    disk(monkeypatch, total, total)
    assert [space.reserve for space in spaces([tmp_path], given)] == [reserve]
    assert floor(tmp_path, given) == reserve // 2


def test_a_store_is_not_started_below_half_of_the_reserve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk(monkeypatch, 5_000_000, 200_000_000)
    assert hinders(tmp_path) == ""
    disk(monkeypatch, 4_999_000, 200_000_000)
    assert hinders(tmp_path) == (f"2.5 % of the disk of {tmp_path.name} is free (5 of 200 MB), the reserve is 10 MB")


def test_folders_of_one_disk_are_one_and_those_that_are_not_there_none(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "clickhouse").mkdir()
    found = spaces([tmp_path / "redis", tmp_path / "none", tmp_path / "clickhouse"])
    assert [space.names for space in found] == ["redis and clickhouse"]


def test_who_was_refused_goes_on_only_when_there_is_a_little_more(caplog: pytest.LogCaptureFixture) -> None:
    now, left = 0.0, 0
    looks: list[Sequence[Path]] = []

    def look(folders: Sequence[Path], reserve: int) -> list[Space]:
        looks.append(folders)
        return [Space("a", 10**9, 10**9, 100), Space("b", left, 1000, 100)]

    asked = Room([Path("a")], 0, lambda: now, look)
    lacking: list[bool] = []
    for free in (100, 99, 100, 119, 120, 100, 99):
        left = free
        now += 1.0
        lacking.append(bool(asked.lacking()))
        for _ in range(100):
            asked.lacking()
    assert lacking == [False, True, True, True, False, False, True]
    assert len(looks) == 7
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "nothing is taken in or counted until there is room again",
        "there is room on the disk again",
        "nothing is taken in or counted until there is room again",
    ]


@pytest.mark.parametrize(
    ("statement", "may_write", "grows"),
    [
        (b"SELECT 1", False, False),
        (b"  select insert FROM t", False, False),
        (b"WITH 1 AS a SELECT a", False, False),
        (b"WITH 1 AS a INSERT INTO t SELECT a", True, False),
        (b"INSERT INTO t FORMAT Native", True, True),
        (b"\ninsert into t values (1)", True, True),
        (b"CREATE TABLE t", True, True),
        (b"ALTER TABLE t MODIFY SETTING a = 1", True, True),
        (b"ALTER TABLE t\nDROP PARTITION ID '1'", True, False),
        (b"DROP TABLE t", True, False),
        (b"TRUNCATE TABLE t", True, False),
        (b"/* SELECT */ INSERT INTO t", True, False),
        (b"-- Not one\n-- INSERT\nSELECT 1", False, False),
        (b"-- SELECT\n\nWITH a AS (SELECT 1) SELECT a", False, False),
        (b"-- SELECT\nTRUNCATE TABLE t", True, False),
        (b"-- SELECT", True, False),
    ],
)
def test_what_a_statement_does_to_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, statement: bytes, may_write: bool, grows: bool
) -> None:
    disk(monkeypatch, 1000, 200_000_000)
    assert writes.may_write(statement) == may_write
    said = writes.no_room(statement, tmp_path, 0)
    assert said.startswith("Code: 243. DB::Exception: Not enough room to write: 0.0 %") == grows
    disk(monkeypatch, 200_000_000, 200_000_000)
    assert writes.no_room(statement, tmp_path, 0) == ""
