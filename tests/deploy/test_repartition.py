"""`repartition` where somebody else is at it too."""

from collections.abc import Sequence

import pytest

from deploy import event_log
from deploy.folder import StackError
from deploy.repartition import repartition
from deploy.settings import load
from ingest.log.succession import Link


class Logs:
    """Somebody else made the next log, after this one had looked."""

    def __init__(self) -> None:
        self.links = [Link("events", "a", 1)]
        self.sealed: list[Link] = []

    def chain(self) -> Sequence[Link]:
        return [*self.links]

    def extend(self, last: Link, partitions: int) -> None:
        self.links.append(Link("events.log-2", "b", 3))

    def seal(self, link: Link) -> None:
        self.sealed.append(link)

    def close(self) -> None:
        pass


def test_of_two_numbers_at_once_the_second_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, said = Logs(), list[str]()
    monkeypatch.setattr(event_log, "succession", lambda _: logs)
    with pytest.raises(StackError, match="3 partitions at the same moment"):
        repartition(load({}), 2, said.append, move_seconds=0, stall_seconds=0)
    assert (said, logs.sealed) == ([], [])
