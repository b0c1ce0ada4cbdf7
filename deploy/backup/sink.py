"""Where the files of a backup go: a folder that may hold an earlier one, or a command's standard input, as a tar."""

import os
import subprocess
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol, cast

from deploy.backup.manifest import NAME, Entry, decode, sha256_of
from deploy.folder import StackError, private_folder


class Sink(Protocol):
    def held(self, name: str) -> tuple[int, str] | None:
        """Size and SHA-256 of a file that is there already."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Write a file, for good."""
        ...

    def finish(self, manifest: bytes, names: Iterable[str]) -> None:
        """Put the manifest in place, which names all files."""
        ...


class FolderSink:
    """Files of an earlier backup stay until the next one is finished. Raises StackError, OSError."""

    def __init__(self, folder: Path) -> None:
        private_folder(folder)
        self._folder = folder
        self._known: dict[str, Entry] = {}
        path = folder / NAME
        if path.exists():
            self._known = {entry.file: entry for entry in decode(path.read_bytes(), path).entries}
        elif any(folder.iterdir()) and not any(folder.glob("*/*/*.parquet*")):
            raise StackError(f"{folder} holds something else than a backup: name a folder of its own")

    def held(self, name: str) -> tuple[int, str] | None:
        path = self._folder / name
        if not path.exists():
            return None
        size = path.stat().st_size
        if (known := self._known.get(name)) is not None:
            return (size, known.sha256) if size == known.bytes else None
        return size, sha256_of(path)  # of a backup that was stopped

    def put(self, name: str, body: bytes) -> None:
        path = self._folder / name
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        write(path, body)

    def finish(self, manifest: bytes, names: Iterable[str]) -> None:
        write(self._folder / NAME, manifest)
        wanted = set(names)
        for path in self._folder.glob("*/*/*.parquet*"):
            if str(path.relative_to(self._folder)) not in wanted:
                path.unlink()
        for path in sorted(self._folder.glob("*/*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


class TarSink:
    """A tar that holds everything, the manifest last; one that was stopped has no manifest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def held(self, name: str) -> tuple[int, str] | None:
        return None

    def put(self, name: str, body: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = len(body), 0o600, int(time.time())
        for part in (info.tobuf(tarfile.USTAR_FORMAT), body, bytes(-len(body) % tarfile.BLOCKSIZE)):
            self._file.write(part)

    def finish(self, manifest: bytes, names: Iterable[str]) -> None:
        self.put(NAME, manifest)
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))
        self._file.flush()


@contextmanager
def piped(command: str) -> Iterator[TarSink]:
    """A command of the shell that takes the tar. Raises StackError if it fails."""
    process = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE)  # noqa: S602 - the operator's own
    stdin = cast("IO[bytes]", process.stdin)
    try:
        yield TarSink(stdin)
        stdin.close()
    except BrokenPipeError:
        with suppress(BrokenPipeError):
            stdin.close()
        raise StackError(f"{command!r} stopped reading, with exit code {process.wait()}") from None
    except BaseException:
        process.kill()  # so that what it has is not taken for a backup
        process.wait()
        with suppress(BrokenPipeError):
            stdin.close()
        raise
    if code := process.wait():
        raise StackError(f"{command!r} failed with exit code {code}")


def write(path: Path, body: bytes) -> None:
    """Put a file in place atomically and for good, for its owner only. Raises OSError."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    for folder in (path.parent, path.parent.parent):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(held)
        os.close(held)
