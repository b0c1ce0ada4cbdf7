"""What a backup's files are named for and checked by; nothing here needs a service."""

import tarfile
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.backup.manifest import NAME, Entry, Manifest, Position, check, decode, encode, load
from deploy.backup.sink import FolderSink, TarSink, piped
from deploy.folder import StackError
from rollups.snapshot import Part, alone, cut

FILE = f"events/202611/{'a' * 24}.parquet"
PARTS = st.lists(
    st.builds(Part, st.uuids().map(str), st.integers(1, 3_000), st.integers(1, 1 << 20), st.uuids().map(str)),
    max_size=30,
)


def manifest(*entries: Entry) -> Manifest:
    return Manifest(
        format=1,
        version="1",
        schema=27,
        made_at=5,
        positions=[Position("log", 0, 1 << 62, 7)],
        columns={"events": {"site": "String"}, "registry": {}},
        rollups={"series": "d"},
        entries=list(entries),
    )


@given(PARTS)
def test_pieces_hold_every_row_once_and_are_named_for_what_is_in_them(parts: list[Part]) -> None:
    pieces = cut("events", "202611", parts, 1_000, 1 << 19)
    assert sum(piece.rows for piece in pieces) == sum(part.rows for part in parts)
    assert all(piece.rows <= 1_000 for piece in pieces)
    for part in parts:
        own = [piece for piece in pieces if part.name in piece.parts]
        assert len(own) == 1 or [(piece.begin, piece.end) for piece in own] == sorted(
            (piece.begin, piece.end) for piece in own
        )
        assert len(own) == 1 or sum(piece.end - piece.begin for piece in own) == part.rows
    assert len({piece.name for piece in pieces}) == len(pieces)
    renamed = [part._replace(name=f"{part.name}_after_a_restart") for part in reversed(parts)]
    assert sorted(p.name for p in cut("events", "202611", renamed, 1_000, 1 << 19)) == sorted(p.name for p in pieces)


def test_one_part_more_leaves_large_ones_as_they_are() -> None:
    large = [Part("a", 900, 1, "h1"), Part("b", 950, 1, "h2")]
    before = cut("events", "all", [*large, Part("c", 5, 1, "h3")], 1_000, 1 << 20)
    after = cut("events", "all", [*large, Part("d", 5, 1, "h3"), Part("e", 7, 1, "h4")], 1_000, 1 << 20)
    assert len({piece.name for piece in before} & {piece.name for piece in after}) == len(before) - 1


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("MergeTree ORDER BY a SETTINGS x = 1, y = 2", "MergeTree ORDER BY a"),
        ("VersionedCollapsingMergeTree(sign, version) PARTITION BY m ORDER BY a SETTINGS x = 1",
         "VersionedCollapsingMergeTree(sign, version) PARTITION BY m ORDER BY a"),
        ("ReplicatedMergeTree('/ch/{uuid}', '{replica}') ORDER BY a SETTINGS x = 1", "MergeTree() ORDER BY a"),
        ("ReplicatedVersionedCollapsingMergeTree('/ch/{uuid}', '{replica}', sign, version) ORDER BY (a, b)",
         "VersionedCollapsingMergeTree(sign, version) ORDER BY (a, b)"),
    ],
)  # fmt: skip
def test_a_snapshot_is_of_this_server_alone(engine: str, expected: str) -> None:
    assert alone(engine) == expected


def test_a_manifest_comes_back_as_it_was() -> None:
    made = manifest(Entry(FILE, "events", 3, 4, "s"), Entry(FILE.replace("a", "b", 1), "events", 2, 4, "s"))
    assert decode(encode(made), Path(NAME)) == made
    assert made.rows == {"events": 5, "registry": 0}


@given(st.data())
def test_a_manifest_with_any_other_byte_is_corrupt(data: st.DataObject) -> None:
    text = encode(manifest(Entry(FILE, "events", 3, 4, "s")))
    at = data.draw(st.integers(0, len(text) - 1))
    spoilt = text[:at] + bytes([text[at] ^ data.draw(st.integers(1, 255))]) + text[at + 1 :]
    try:
        same = msgspec.json.decode(spoilt) == msgspec.json.decode(text)  # another white space
    except (msgspec.DecodeError, UnicodeDecodeError):
        same = False
    if not same:
        with pytest.raises(StackError, match=r"manifest\.json is (corrupt|of format)"):
            decode(spoilt, Path(NAME))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "events/202611/../x.parquet", "x.parquet"])
def test_a_manifest_names_no_file_elsewhere(name: str) -> None:
    with pytest.raises(StackError, match="no file of a backup"):
        decode(encode(manifest(Entry(name, "events", 1, 1, "s"))), Path(NAME))


def test_a_manifest_of_another_format_is_refused() -> None:
    with pytest.raises(StackError, match="is of format 2, this version reads 1"):
        decode(encode(msgspec.structs.replace(manifest(), format=2)), Path(NAME))


def test_a_folder_keeps_the_last_backup_until_the_next_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with pytest.raises(StackError, match="holds no finished backup"):
        load(folder)
    old, new = FILE, FILE.replace("a" * 24, "b" * 24)
    sink = FolderSink(folder)
    assert sink.held(old) is None
    sink.put(old, b"old")
    size_and_sum = FolderSink(folder).held(old)  # of one that was stopped
    assert size_and_sum is not None
    entry = Entry(old, "events", 1, *size_and_sum)
    sink.finish(encode(manifest(entry)), [old])
    check(folder, entry)

    sink = FolderSink(folder)
    assert sink.held(old) == size_and_sum
    sink.put(new, b"new")
    assert load(folder).entries == [entry]  # stopped here, the last one stands
    check(folder, entry)
    held = sink.held(new)
    assert held is not None
    sink.finish(encode(manifest(Entry(new, "events", 1, *held))), [new])
    assert not (folder / old).exists() and (folder / new).stat().st_mode & 0o777 == 0o600

    (folder / new).write_bytes(b"n")
    assert FolderSink(folder).held(new) is None  # it is written again
    with pytest.raises(StackError, match="parquet is corrupt"):
        check(folder, load(folder).entries[0])
    (folder / new).unlink()
    with pytest.raises(StackError, match="parquet is missing"):
        check(folder, load(folder).entries[0])


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StackError, match="holds something else than a backup"):
        FolderSink(tmp_path)


def test_a_stream_ends_with_its_manifest(tmp_path: Path) -> None:
    with piped(f"cat > {tmp_path}/made.tar") as sink:
        sink.put(FILE, b"rows")
        sink.finish(encode(manifest()), [FILE])
    with tarfile.open(tmp_path / "made.tar") as tar:
        assert tar.getnames() == [FILE, NAME]
    with (
        pytest.raises(StackError, match="exit code 3"),
        piped("exit 3") as sink,
    ):
        sink.put(FILE, bytes(1 << 20))
        sink.finish(b"", [])
    stopped = BytesIO()
    TarSink(stopped).put(FILE, b"rows")
    assert NAME.encode() not in stopped.getvalue()
