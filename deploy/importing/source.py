"""The lines of a file or of standard input, plain or gzipped, without ever holding more than a line of it."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple, cast

from deploy.folder import StackError
from ingest.access_log import MAX_LINE

STDIN = "-"
_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """One line of a file, without its end; one that is longer than any line may be is cut just past the limit."""

    number: int
    text: bytes


class Source:
    """One file of an import. `size` and `position` are bytes of the file itself, 0 when nobody can know."""

    def __init__(self, name: str) -> None:
        """Open the file. Raises StackError."""
        self.name = name
        try:
            self._raw = cast(BufferedReader, sys.stdin.buffer) if name == STDIN else Path(name).open("rb")  # noqa: SIM115 - closed by `close`
            self.size = 0 if name == STDIN else Path(name).stat().st_size
            head = self._raw.peek(2)[:2]
        except OSError as error:
            raise StackError(f"cannot read {name}: {error.strerror}") from None
        self._file = cast(IO[bytes], gzip.GzipFile(fileobj=self._raw)) if head == _GZIP else self._raw

    @property
    def position(self) -> int:
        return self.size if self._raw.closed else self._raw.tell() if self.size else 0

    def lines(self) -> Iterator[Line]:
        """All lines, then the file is closed. Raises StackError, after the last good one, when it cannot be read on."""
        number = 0
        try:
            while text := self._file.readline(MAX_LINE + 2):
                number += 1
                if not text.endswith(b"\n"):
                    self._skip_rest(text)
                yield Line(number, text.rstrip(b"\r\n"))
        except (OSError, EOFError, zlib.error) as error:
            raise StackError(f"{self.name} cannot be read beyond line {number}: {error}") from None
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; twice is harmless."""
        self._file.close()
        self._raw.close()

    def _skip_rest(self, text: bytes) -> None:
        while len(text) > MAX_LINE and text and not text.endswith(b"\n"):
            text = self._file.readline(1 << 20)
            if len(text) < 1 << 20:
                return
