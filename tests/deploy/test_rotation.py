"""A real log, rotated in every way people do and imported in any order, gives one answer."""

import bz2
import gzip
import lzma
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from pathlib import Path

import pytest
import zstandard

from deploy.importing.identity import Identity
from deploy.importing.line import Tally, events, recognise
from deploy.importing.merge import merged
from deploy.importing.source import Source
from ingest.contract.event import Event
from tests.deploy.stack import ROOT
from tests.deploy.test_importing import combined, rules

LOG = ROOT.parent / "shared" / "data" / "apache_access.log.gz"
PACK: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]


def a_log() -> list[bytes]:
    """The real one; where it is not beside the checkout, a made one with identical lines of one second."""
    if LOG.exists():
        return gzip.decompress(LOG.read_bytes()).splitlines(keepends=True)
    chance = random.Random(1)
    made = [combined(second // 3, f"/{chance.randint(1, 3)}", ip=f"192.0.2.{second % 7}") for second in range(9_000)]
    return [line.encode() for line in made]


class Store:
    """What was sent: the places of the ids, and the lines without what differs by place."""

    def __init__(self) -> None:
        self.seq: dict[str, int] = {}
        self.views: Counter[tuple[str, int, str, str]] = Counter()

    def run(self, files: Sequence[Path], chunk: int = 1_000) -> int:
        """One import of the files."""
        by, tally = rules(), Tally()
        opened = [recognise(Source(str(file)), by) for file in files]
        streams = [(file.begins, events(number, file, by, tally)) for number, file in enumerate(opened)]
        stream = merged(streams, lambda one: one.event.time)
        identity = Identity(
            lambda ids, first, last: {id_: self.seq[id_] for id_ in ids if id_ in self.seq}, lambda *_: set()
        )
        sent: list[Event] = []
        while found := list(islice(stream, chunk)):
            sent += identity.fresh(found, last=False)
        sent += identity.fresh([], last=True)
        for event in sent:
            assert self.seq.setdefault(event.id, event.seq) == event.seq
            self.views[event.visitor, event.time, event.page, event.referrer] += 1
        return len(sent)


@pytest.mark.parametrize("seed", range(6))
def test_a_rotated_log_is_the_log(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    lines = a_log()
    whole = tmp_path / "whole.log"
    whole.write_bytes(b"".join(lines))
    expected = Store()
    assert expected.run([whole]) > 1_500

    ends = [0, *sorted(chance.sample(range(100, len(lines) - 100), 6)), len(lines)]
    files: list[Path] = []
    for number, (start, end) in enumerate(pairwise(ends)):
        text = b"".join(lines[start:end])
        file = tmp_path / f"access.log.{number}"
        file.write_bytes(chance.choice(PACK)(text))
        files.append(file)
        if chance.random() < 0.5:  # what stood there when somebody looked, cut anywhere
            early = tmp_path / f"early.{number}"
            early.write_bytes(chance.choice([b"", b"\0" * 4096]) + text[: chance.randint(1, len(text))])
            files.append(early)
        if chance.random() < 0.3:  # copied, then copied again
            again = tmp_path / f"again.{number}.gz"
            again.write_bytes(gzip.compress(text))
            files.append(again)
    chance.shuffle(files)
    store = Store()
    while files:
        count = chance.randint(1, 4)
        store.run(files[:count])
        assert store.run(files[:count]) == 0
        files = files[count:]
    assert store.views == expected.views
    assert store.run([whole]) == 0  # and all of it in one piece

    pieces = Store()
    pieces.run([whole])
    for number, (start, end) in enumerate(pairwise(ends)):
        piece = tmp_path / f"piece.{number}"
        piece.write_bytes(b"".join(lines[start:end]))
        assert pieces.run([piece]) == 0
