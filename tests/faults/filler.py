"""Another program that eats a disk."""

import os
from contextlib import suppress
from pathlib import Path

from deploy.room import spaces

MB = 1_000_000


class Filler:
    """Another program's file on a disk, as large as is asked for."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._file = disk / "filler"
        self._size = 0

    @property
    def free(self) -> int:
        return spaces([self._disk])[0].free

    @property
    def reserve(self) -> int:
        return spaces([self._disk])[0].reserve

    def leave(self, free: int) -> None:
        """Grow until only so many bytes are free; 0: until nothing more goes in."""
        with self._file.open("ab") as file:
            for step in (1 << 20, 1 << 16, 1 << 12):
                with suppress(OSError):
                    while self.free - step >= free:
                        os.posix_fallocate(file.fileno(), self._size, step)
                        self._size += step

    def give(self, size: int) -> None:
        self._size = max(0, self._size - size)
        os.truncate(self._file, self._size)

    def give_all(self) -> None:
        self.give(self._size)
