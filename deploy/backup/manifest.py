"""What a backup holds, file by file, with a sum over each and one over all."""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from deploy.folder import StackError

NAME = "manifest.json"
FORMAT = 1
_FILE = re.compile(r"\w+/\w+/[0-9a-f]{24}\.parquet")
_CHUNK = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """One file, by its path in the folder."""

    file: str
    table: str
    rows: int
    bytes: int
    sha256: str


class Position(msgspec.Struct, frozen=True):
    """Up to where a partition of a log is in the backup: all before `position`, nothing after. `received_to`: ms."""

    log: str
    partition: int
    position: int
    received_to: int


class Manifest(msgspec.Struct, frozen=True):
    """`made_at`: ms; `schema`: of the database; `rollups`: by name, the definition that each was built from."""

    format: int
    version: str
    schema: int
    made_at: int
    positions: list[Position]
    columns: dict[str, dict[str, str]]
    rollups: dict[str, str]
    entries: list[Entry]

    @property
    def rows(self) -> dict[str, int]:
        """How many each table has."""
        rows = dict.fromkeys(self.columns, 0)
        for entry in self.entries:
            rows[entry.table] += entry.rows
        return rows


def encode(manifest: Manifest) -> bytes:
    """JSON, whose last field is a sum over the others."""
    content: dict[str, Any] = msgspec.to_builtins(manifest)
    return msgspec.json.format(msgspec.json.encode({**content, "sha256": _sum(content)}), indent=1) + b"\n"


def decode(text: bytes, where: Path) -> Manifest:
    """Raises StackError, naming the file, unless it is one, whole, and of a format that this version reads."""
    try:
        content = msgspec.json.decode(text, type=dict[str, Any])
        stated = content.pop("sha256", None)
        if content.get("format") != FORMAT:
            raise StackError(f"{where} is of format {content.get('format')}, this version reads {FORMAT}")
        if stated != _sum(content):
            raise StackError(f"{where} is corrupt: its checksum is another")
        made = msgspec.convert(content, Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise StackError(f"{where} is corrupt: {error}") from None
    if wrong := next((entry.file for entry in made.entries if not _FILE.fullmatch(entry.file)), None):
        raise StackError(f"{where} names {wrong!r}, which is no file of a backup")
    return made


def load(folder: Path) -> Manifest:
    """The manifest of a backup. Raises StackError."""
    path = folder / NAME
    try:
        return decode(path.read_bytes(), path)
    except FileNotFoundError:
        raise StackError(f"{folder} holds no finished backup: there is no {NAME}") from None


def check(folder: Path, entry: Entry) -> None:
    """Raises StackError, naming the file, unless it is what was written."""
    path = folder / entry.file
    try:
        size, found = path.stat().st_size, sha256_of(path)
    except FileNotFoundError:
        raise StackError(f"{path} is missing") from None
    if (size, found) != (entry.bytes, entry.sha256):
        raise StackError(f"{path} is corrupt: its checksum is another")


def sha256_of(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return made.hexdigest()


def _sum(content: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
