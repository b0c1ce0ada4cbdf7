"""`rebuild` on a log that is put back meanwhile: its lines go on it again."""

from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from deploy import rebuild as rebuilding
from deploy import wiring
from deploy.folder import StackError
from deploy.settings import Settings
from ingest.contract.event import Rebuild, decode
from ingest.log.protocol import LogUnavailable
from tests.ingest.fake import FakeProducer

VISITORS = [f"{number:016x}" for number in range(3)]


class Producer(FakeProducer):
    """A log that is put back while it is not looked at, as often as it says."""

    def __init__(self, answers: Iterator[bool | Exception]) -> None:
        super().__init__()
        self.answers = answers

    async def holds(self) -> bool:
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


class ClickHouse:
    def rows(self, *_: object) -> list[dict[str, object]]:
        return [{"visitor": visitor, "hash": 0, "counted": 1} for visitor in VISITORS]


def rebuilt(monkeypatch: pytest.MonkeyPatch, answers: Iterator[bool | Exception]) -> list[Rebuild]:
    producer = Producer(answers)
    monkeypatch.setattr(wiring, "clickhouse", lambda _: ClickHouse())
    monkeypatch.setattr(wiring, "producer", lambda _: producer)
    monkeypatch.setattr(rebuilding, "wait_until_counted", lambda *_: True)
    try:
        rebuilding.rebuild(Settings(), "abcdef", 1, lambda _: None)
    finally:
        lines = [decode(line) for _, value in producer.records for line in value.splitlines()]
    return [line for line in lines if isinstance(line, Rebuild)]


@pytest.mark.parametrize(("answers", "times"), [([True], 1), ([False, LogUnavailable("away"), True], 2)])
def test_lines_that_went_are_sent_again(
    monkeypatch: pytest.MonkeyPatch, answers: list[bool | Exception], times: int
) -> None:
    lines = rebuilt(monkeypatch, iter(answers))
    assert [line.visitors for line in lines] == [VISITORS] * times


def test_what_never_holds_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StackError, match="run the same command again"):
        rebuilt(monkeypatch, chain(repeat(False)))
