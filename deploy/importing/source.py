"""The lines of a file or of standard input, plain or compressed, without ever holding more than a block of it."""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import zstandard

from deploy.folder import StackError
from ingest.access_log.prefix import MAX_LINE
from ingest.access_log.reader import clean

STDIN = "-"
_BLOCK = 256 * 1024
_HEAD = 1_000  # lines by which a format is recognised
_HEAD_BYTES = 4 * 1024 * 1024

# What no reader of lines can use, by its first bytes.
_UNREADABLE = {
    b"\xff\xfe": "is UTF-16: convert it, for example with iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "is UTF-16: convert it, for example with iconv -f UTF-16 -t UTF-8",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"7z\xbc\xaf": "is a 7z archive: unpack it first",
    b"\x1f\x9d": "is compressed by compress, which is not read: unpack it first",
    b"\x04\x22\x4d\x18": "is compressed by lz4, which is not read: unpack it first",
}


class UnknownFormat(StackError):
    """A file that nobody can read lines of."""


class Line(NamedTuple):
    """One line of a file, `clean` and without its end; one longer than any may be is cut just past the limit."""

    number: int
    text: bytes


class _Machine(Protocol):
    """A decompressor of one member of a file, as the standard library has them."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


# First bytes → what unpacks it, and how many bytes it is given at once: what a few of them can become is bounded.
_COMPRESSED: dict[bytes, tuple[Callable[[], _Machine], int]] = {
    b"\x1f\x8b": (lambda: zlib.decompressobj(31), 32 * 1024),
    b"BZh": (bz2.BZ2Decompressor, 1024),
    b"\xfd7zXZ\0": (lzma.LZMADecompressor, 4 * 1024),
    b"\x28\xb5\x2f\xfd": (lambda: cast(_Machine, zstandard.ZstdDecompressor().decompressobj()), 1024),
}


class Source:
    """One file of an import. `size` and `position` are bytes of the file itself, 0 when nobody can know; `tail` is
    a last line without a line end, once all lines are read: somebody may be writing it.
    """

    def __init__(self, name: str) -> None:
        """Look whether the file can be opened. Raises StackError."""
        self.name = name
        self.size = 0
        self.position = 0
        self.tail: Line | None = None
        self._kept: list[Line] = []  # of standard input, which can be read once only
        self._rest: Iterator[Line] | None = None
        if name != STDIN:
            with self._opened() as raw:
                self.size = Path(raw.name).stat().st_size

    def head(self) -> list[bytes]:
        """The first lines, as far as they can be read. Raises UnknownFormat."""
        lines = self._lines()
        head: list[Line] = []
        size = 0
        try:
            for line in islice(lines, _HEAD):
                head.append(line)
                size += len(line.text)
                if size > _HEAD_BYTES:
                    break
        except UnknownFormat:
            raise
        except StackError as error:
            lines = _failing(error)
        if self.name == STDIN:
            self._kept, self._rest = head, lines
        else:
            self.position = 0
        return [line.text for line in head]

    def lines(self) -> Iterator[Line]:
        """All whole lines. Raises StackError after the last good one, when the file cannot be read on."""
        if self._rest is not None:
            return chain(self._kept, self._rest)
        return self._lines()

    def _lines(self) -> Iterator[Line]:
        number, rest = 0, b""
        with self._opened() as raw:
            try:
                for block in self._blocks(raw):
                    *texts, rest = (rest + block).split(b"\n")
                    for text in texts:
                        number += 1
                        yield Line(number, clean(text.rstrip(b"\r")[: MAX_LINE + 1]))
                    rest = rest[: MAX_LINE + 2]
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
                raise StackError(f"{self.name} cannot be read beyond line {number}: {error}") from None
        self.position = self.size
        rest = clean(rest)
        self.tail = Line(number + 1, rest) if rest.strip() else None

    def _opened(self) -> BufferedReader:
        if self.name == STDIN:
            return cast(BufferedReader, sys.stdin.buffer)
        try:
            return Path(self.name).open("rb")
        except OSError as error:
            raise StackError(f"cannot read {self.name}: {error.strerror}") from None

    def _blocks(self, raw: BufferedReader) -> Iterator[bytes]:
        blocks = self._raw(raw)
        first = next(blocks, b"")
        while len(first) < 512 and (more := next(blocks, b"")):
            first += more
        self._refuse(first)
        blocks = chain([first], blocks)
        for magic, (machine, most) in _COMPRESSED.items():
            if first.startswith(magic):
                blocks = _unpacked(blocks, machine, most)
                first = next(blocks, b"")
                self._refuse(first)
                return chain([first], blocks)
        return blocks

    def _refuse(self, first: bytes) -> None:
        for magic, why in _UNREADABLE.items():
            if first.startswith(magic):
                raise UnknownFormat(f"{self.name} {why}")

    def _raw(self, raw: BufferedReader) -> Iterator[bytes]:
        while block := raw.read1(_BLOCK):
            self.position += len(block) if self.size else 0
            yield block


def _failing(error: StackError) -> Iterator[Line]:
    raise error
    yield


def _unpacked(blocks: Iterator[bytes], new: Callable[[], _Machine], most: int) -> Iterator[bytes]:
    """What one member after another unpacks to; zeros after the last are padding."""
    machine: _Machine | None = None
    for block in blocks:
        pieces = [block[start : start + most] for start in range(0, len(block), most)]
        for piece in pieces:
            rest = piece
            while rest:
                if machine is None:
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    machine = new()
                if text := machine.decompress(rest):
                    yield text
                rest = machine.unused_data if machine.eof else b""
                if machine.eof:
                    machine = None
    if machine is not None:
        raise EOFError("it ends too early")
