"""Records that no worker can read become letters with a reason and an origin; their neighbours count."""

import pytest

from ingest.contract.event import Event, Filtered, encode
from ingest.log.dead import dead_letter
from ingest.log.protocol import Record
from workers.read import MAX_LINE, read

GOOD = Event("abcdef", "0" * 16, "e", "pageview", 1_772_000_000_000, 1_772_000_000_000)


LATEST = GOOD.received


def line(event: Event) -> bytes:
    return encode([event]).rstrip()


def changed(**fields: object) -> bytes:
    return line(Event(**{**{name: getattr(GOOD, name) for name in GOOD.__struct_fields__}, **fields}))


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[" * 30_000,
        b'{"kind":"event","data":' + b"[" * 30_000,
        line(GOOD).replace(b'"e"', b'"\xff"'),
        line(GOOD).replace(b"1772000000000", b"NaN"),
        line(GOOD).replace(b'"e"', b'"\\u0000"'),
        line(GOOD).replace(b'"e"', b'"\x00"'),
        line(GOOD).replace(b'"e"', b'"\\ud800"'),
        changed(v=2),
        changed(data="x" * 1_000_000),
        changed(data="x" * MAX_LINE),
        changed(time=2**62),
        changed(received=-(2**62)),
        changed(seq=2**63),
        changed(visitor="short"),
        changed(site=""),
        changed(id=""),
        changed(scroll=10_001),
        changed(engaged_ms=-1),
        changed(screen=(2**31, 0)),
        encode([Filtered("abcdef", "bot", 2**62)]).rstrip(),
        b'{"kind":"filtered","site":"abcdef","reason":"mood","received":1}',
        b"null",
    ],
)
def test_a_line_that_nobody_can_read(bad: bytes) -> None:
    entries, letters = read("log", [Record(3, 7, b"\n".join([line(GOOD), bad, line(GOOD)]) + b"\n")], LATEST)
    assert [entry[:2] for entry in entries] == [(7, 0), (7, 2)]
    [letter] = letters
    assert letter == dead_letter(letter.reason, "log", 3, 7, 1, bad)
    assert letter.reason


def test_an_escape_within_the_text_of_data_is_no_nul() -> None:
    entries, letters = read("log", [Record(0, 1, changed(data='{"a":"\\u0000"}'))], LATEST)
    assert (len(entries), letters) == (1, [])


def test_an_empty_record_is_nothing() -> None:
    assert read("log", [Record(0, 1, b""), Record(0, 2, b"\n \n")], LATEST) == ([], [])


def test_a_receipt_from_the_future_is_not_believed() -> None:
    bot = encode([Filtered("abcdef", "bot", LATEST + 1)]).rstrip()
    record = Record(0, 1, b"\n".join([changed(received=LATEST), changed(received=LATEST + 1), bot]))
    entries, letters = read("log", [record], LATEST)
    assert [entry[:2] for entry in entries] == [(1, 0)]
    assert [(letter.index, letter.reason.partition(":")[0]) for letter in letters] == [(1, "future"), (2, "future")]


def test_a_decided_batch_is_read_as_it_was_decided() -> None:
    """Whatever the clock says at the replay, the same lines are events and the same are letters."""
    record = Record(0, 1, b"\n".join([changed(received=LATEST), changed(received=LATEST + 1), changed(v=2)]))
    decided = {(1, 0): "future: then", (1, 2): "unreadable then"}
    entries, letters = read("log", [record], 0, decided)
    assert [entry[:2] for entry in entries] == [(1, 1)]
    assert [(letter.index, letter.reason) for letter in letters] == [(0, "future: then"), (2, "unreadable then")]
