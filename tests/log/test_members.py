"""Members of a group that share a log's partitions, leave, die and stand still."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.log.conftest import Log
from tests.log.test_contract import append, take, take_some, until
from tests.services.process import REPOSITORY

pytestmark = pytest.mark.services


def test_two_members_share_and_one_takes_over(log: Log) -> None:
    append(log, [(0, b"x")])
    with ExitStack() as members:
        first = members.enter_context(closing(log.consumer()))
        until(lambda: len(first.assigned()) == 4, first)
        before = first.assigned()
        second = log.consumer()
        until(lambda: len(first.assigned()) == len(second.assigned()) == 2, first, second)
        assert {*first.assigned(), *second.assigned()} == {0, 1, 2, 3}
        assert all(before[p] == epoch for p, epoch in first.assigned().items()), "what is kept is kept undisturbed"
        given = [p for p in before if p not in first.assigned()]
        second.close()
        until(lambda: len(first.assigned()) == 4, first)
        assert all(first.assigned()[p] > before[p] for p in given), "what comes back has a higher epoch"


def test_a_partition_that_came_back_is_silent_until_sought_again(log: Log) -> None:
    append(log, [(p, b"x") for p in range(4)])
    with closing(log.consumer()) as first:
        take(first, 4)
        second = log.consumer()
        until(lambda: len(first.assigned()) == len(second.assigned()) == 2, first, second)
        second.close()
        kept = set(first.assigned())
        until(lambda: len(first.assigned()) == 4, first)
        append(log, [(p, b"y") for p in range(4)])
        found = [*take_some(first, 2), *first.poll(0.5)]
        assert {record.partition for record in found} == kept


@contextmanager
def member(log: Log, lines: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A member in a process of its own that writes its assignments to a file."""
    command = [sys.executable, "-m", "tests.log.member", log.kind, log.address, log.topic]
    with lines.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, cwd=REPOSITORY)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def assignments(lines: Path) -> list[Mapping[str, int]]:
    return [json.loads(line) for line in lines.read_text().splitlines()]


def test_a_killed_member_is_replaced(served: Log, tmp_path: Path) -> None:
    append(served, [(0, b"x")])
    lines = tmp_path / "assignments"
    with member(served, lines) as process, closing(served.consumer()) as survivor:
        until(lambda: len(survivor.assigned()) == 2 and len((assignments(lines) or [{}])[-1]) == 2, survivor)
        process.kill()
        until(lambda: len(survivor.assigned()) == 4, survivor)


def test_a_stopped_member_is_fenced_and_returns_with_higher_epochs(served: Log, tmp_path: Path) -> None:
    append(served, [(0, b"x")])
    lines = tmp_path / "assignments"
    with member(served, lines) as process:
        until(lambda: len((assignments(lines) or [{}])[-1]) == 4)
        before = assignments(lines)[-1]
        os.kill(process.pid, signal.SIGSTOP)
        other = served.consumer()
        until(lambda: len(other.assigned()) == 4, other)
        seen = len(assignments(lines))
        os.kill(process.pid, signal.SIGCONT)
        until(lambda: len(other.assigned()) == 2, other)
        other.close()
        until(lambda: len(assignments(lines)) > seen and len(assignments(lines)[-1]) == 4)
        after = assignments(lines)[-1]
        assert all(after[p] > before[p] for p in before)
