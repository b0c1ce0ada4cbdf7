"""Files as people have them: compressed, cut, with marks and NULs, many at once."""

import bz2
import gzip
import lzma
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from deploy.folder import StackError
from deploy.importing.line import Tally, events, recognise
from deploy.importing.merge import merged
from deploy.importing.source import UnknownFormat
from tests.deploy.test_importing import NOW, combined, found, rules, taken, written

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}
TEXT = "".join(combined(second, f"/{second}") for second in range(3_000)).encode()


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_what_compressed_it_is_seen_by_the_bytes(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    plain = taken(written(tmp_path / "a", TEXT))
    assert len(plain) == 3_000
    assert taken(written(tmp_path / "b", pack(TEXT))) == plain
    half = TEXT.index(b"\n", len(TEXT) // 2) + 1
    assert taken(written(tmp_path / "c", pack(TEXT[:half]) + pack(TEXT[half:]))) == plain  # one after the other


def test_zeros_after_the_end_are_padding(tmp_path: Path) -> None:
    assert len(taken(written(tmp_path / "a", gzip.compress(TEXT) + bytes(3_000)))) == 3_000


@pytest.mark.parametrize("lines", [3, 40, 3_000])
@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_of_a_broken_end_every_whole_line_counts(pack: Callable[[bytes], bytes], lines: int, tmp_path: Path) -> None:
    """Two members, the second without its end: all that is before it is there."""
    text = b"".join(TEXT.splitlines(keepends=True)[:lines])
    tally = Tally()
    with pytest.raises(StackError, match=rf"cannot be read beyond line {lines}: it ends too early"):
        taken(written(tmp_path / "a", pack(text) + pack(TEXT)[:10]), tally)
    assert tally.read == lines


def test_of_a_broken_gzip_everything_up_to_the_break_counts(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT[:2_000])
    tally = Tally()
    with pytest.raises(StackError, match="it ends too early"):
        taken(written(tmp_path / "a", packed[:-9]), tally)
    assert tally.read >= TEXT[:2_000].count(b"\n") - 1


def test_a_line_without_its_end_waits_for_the_next_run(tmp_path: Path) -> None:
    whole = combined(1) + combined(2)
    for cut in (len(whole) - 1, len(whole) - 30, len(combined(1)) + 1):
        tally = Tally()
        found_now = taken(written(tmp_path / "a", whole[:cut]), tally)
        assert [event.seq for event in found_now] == [1]
        assert (tally.read, tally.left_out, tally.unended) == (1, {}, [(str(tmp_path / "a"), 2)])
    assert [event.seq for event in taken(written(tmp_path / "a", whole))] == [1, 2]


@pytest.mark.parametrize("end", [b"\n\n", b"\n\0\0", b"\n  \r\n\t", b"\r\n"])
def test_nothing_at_the_end_is_no_line(end: bytes, tmp_path: Path) -> None:
    tally = Tally()
    assert len(taken(written(tmp_path / "a", combined(1).encode().rstrip(b"\n") + end), tally)) == 1
    assert (tally.read, tally.unended) == (1, [])


@pytest.mark.parametrize("mark", [b"\0" * 5_000, b"\xef\xbb\xbf", b"\xef\xbb\xbf\0", b"\n\n"])
def test_marks_and_nuls_are_no_part_of_a_line(mark: bytes, tmp_path: Path) -> None:
    text = (combined(1) + combined(2)).encode()
    plain = taken(written(tmp_path / "a", text))
    again = taken(written(tmp_path / "b", mark + text))
    assert [(event.id, event.visitor) for event in again] == [(event.id, event.visitor) for event in plain]
    event = b'{"type":"pageview","url":"https://shop.example/a","at":1,"ip":"8.8.8.8"}\n'
    plain = taken(written(tmp_path / "c", event), format="events")
    assert [one.id for one in taken(written(tmp_path / "d", mark + event), format="events")] == [plain[0].id]


def test_of_events_a_whole_one_without_a_line_end_counts(tmp_path: Path) -> None:
    event = b'{"type":"pageview","url":"https://shop.example/a","at":1,"visitor":"v"}'
    tally = Tally()
    assert len(taken(written(tmp_path / "a", event), tally, format="events")) == 1
    assert taken(written(tmp_path / "a", event[:-3]), tally, format="events") == []
    assert (tally.read, tally.unended) == (1, [(str(tmp_path / "a"), 1)])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (combined(1).encode("utf-16"), "is UTF-16: convert it"),
        (b"PK\x03\x04" + bytes(600), "is a zip archive: unpack it first"),
        (b"what is this\n" * 20, "is in no format of access logs that is known"),
        (gzip.compress(combined(1).encode("utf-16")), "is UTF-16: convert it"),
        (b'{"a":1}\n', "is in no format of access logs that is known"),
    ],
)
def test_what_nobody_can_read_is_one_sentence(data: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=f"^{tmp_path}/a {why}"):
        found(written(tmp_path / "a", data))


def test_a_format_that_is_given_and_wrong_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"is not read as json: every line is malformed$"):
        taken(written(tmp_path / "a", combined(1) * 3), format="json")


EVENT = '{"type":"pageview","url":"https://shop.example/a"%s}'


@pytest.mark.parametrize(
    "text",
    [
        *("no JSON", "[]", '{"type":"pageview"}', combined(1).strip()),
        EVENT % ',"at":1,"visitor":"v","site":"another"',
        EVENT % ',"at":1',
        EVENT % ',"at":1,"ip":"~"',
        EVENT % ',"visitor":"v"',
    ],
)
def test_a_file_without_any_event_is_one_sentence_too(text: str, tmp_path: Path) -> None:
    tally = Tally()
    with pytest.raises(UnknownFormat, match=r"is not read as events: every line is malformed$"):
        taken(written(tmp_path / "a", f"{text}\n" * 3), tally, format="events")
    assert len(tally.bad) == 3  # and each is listed
    good = EVENT % ',"at":1,"visitor":"v"'
    assert len(taken(written(tmp_path / "b", f"{text}\n{good}\n"), format="events")) == 1


def test_a_file_of_the_future_is_no_unknown_format(tmp_path: Path) -> None:
    tally = Tally()
    assert taken(written(tmp_path / "a", combined(1).replace("2015", "2095")), tally) == []
    assert tally.left_out == {"malformed": 1}
    event = EVENT % ',"at":4000000000000,"visitor":"v"'
    assert taken(written(tmp_path / "b", f"{event}\n"), tally, format="events") == []
    assert tally.left_out == {"malformed": 2}


@pytest.mark.parametrize("data", [b"", b"\n\n", b"cut", b"\0\0\n"])
def test_a_file_without_lines_is_no_unknown_format(data: bytes, tmp_path: Path) -> None:
    assert taken(written(tmp_path / "a", data)) == []


def test_lines_written_while_the_import_runs_are_not_of_the_future(tmp_path: Path) -> None:
    event = '{"type":"pageview","url":"https://shop.example/a","at":%d,"visitor":"v"}\n'
    assert len(taken(written(tmp_path / "a", event % (NOW + 300_000)), format="events")) == 1
    assert taken(written(tmp_path / "a", event % (NOW + 300_001)), format="events") == []


def test_events_of_one_person_however_the_address_is_written(tmp_path: Path) -> None:
    addresses = ["8.8.8.8", "8.8.8.8:50001", "::ffff:8.8.8.8", "8.8.8.8, 10.0.0.1", "8.8.8.8\\u0000"]
    lines = [
        f'{{"type":"pageview","url":"https://shop.example/a","at":{at},"ip":"{ip}"}}\n'
        for at, ip in enumerate(addresses)
    ]
    people = [event.visitor for event in taken(written(tmp_path / "a", "".join(lines)), format="events")]
    assert len(people) == 5 and len(set(people)) == 1
    wrong = '{"type":"pageview","url":"https://shop.example/a","at":1,"ip":"?"%s}\n'
    assert len(taken(written(tmp_path / "a", wrong % "" + wrong % ',"visitor":"v"'), format="events")) == 1


def test_more_files_than_may_be_open_are_merged_all_the_same(tmp_path: Path) -> None:
    sources = [written(tmp_path / str(n), combined(n, f"/{n}") + combined(n + 400, f"/{n}")) for n in range(400)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        by, tally = rules(), Tally()
        files = [recognise(source, by) for source in sources]
        streams = [(file.begins, events(number, file, by, tally)) for number, file in enumerate(files)]
        assert len(list(merged(streams, lambda one: one.event.time))) == 800
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_few_files_are_open_at_a_time_and_those_that_are_due() -> None:
    live = most = 0

    def lines(first: int) -> "list[int]":
        return [first, first + 5, first + 9]

    def opened(first: int):  # type: ignore[no-untyped-def]
        nonlocal live, most
        live += 1
        most = max(most, live)
        yield from lines(first)
        live -= 1

    one_after_another = [(first, opened(first)) for first in range(0, 1_000, 10)]
    assert list(merged(one_after_another, int)) == sorted(n for first in range(0, 1_000, 10) for n in lines(first))
    assert most <= 2
    all_at_once = [(0, opened(0)) for _ in range(500)]
    assert len(list(merged(all_at_once, int, most=7))) == 1_500
    assert most == 7
