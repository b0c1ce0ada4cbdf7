"""Room on the disks of the stores, of which nobody takes the last.

The reserve is 5 % of a file system, at most 256 MB. Below it ingest takes no events and workers begin no batch, so what
is left belongs to what is under way and to merges. Below half of it ClickHouse refuses inserts and begins no merge, and
a store that has ended is not started. Another program may still take all: then a store ends rather than go on.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.05
MOST = 256 * 1000 * 1000
_AGAIN = 1.2  # of the reserve must be free before anybody goes on, or it would be on and off
_FRESH_SECONDS = 0.1

logger = logging.getLogger("throughline.room")


@dataclass(frozen=True)
class Space:
    """Bytes of a file system; `names`: the folders that lie on it and are of interest."""

    names: str
    free: int
    total: int
    reserve: int

    def __str__(self) -> str:
        return (
            f"{100 * self.free / max(1, self.total):.1f} % of the disk of {self.names} is free "
            f"({self.free / 1e6:,.0f} of {self.total / 1e6:,.0f} MB), the reserve is {self.reserve / 1e6:,.0f} MB"
        )


def spaces(folders: Sequence[Path], reserve: int = 0) -> list[Space]:
    """The file systems of those folders that are there. `reserve`: bytes of each, 0 = what the module says."""
    found: dict[int, tuple[list[str], os.statvfs_result]] = {}
    for folder in folders:
        try:
            found.setdefault(folder.stat().st_dev, ([], os.statvfs(folder)))[0].append(folder.name)
        except OSError:
            continue
    return [_space(" and ".join(names), state, reserve) for names, state in found.values()]


def _space(names: str, state: os.statvfs_result, reserve: int) -> Space:
    total = state.f_blocks * state.f_frsize
    return Space(names, state.f_bavail * state.f_frsize, total, reserve or min(int(total * SHARE), MOST))


def floor(folder: Path, reserve: int = 0) -> int:
    """Bytes of the folder's disk that stay free whatever a store does. Raises OSError."""
    return _space(folder.name, os.statvfs(folder), reserve).reserve // 2


def hinders(folder: Path, reserve: int = 0) -> str:
    """Why a store cannot be started in the folder: its disk has not even half of the reserve. "" if it has."""
    return next((str(space) for space in spaces([folder], reserve) if space.free < space.reserve // 2), "")


class Room:
    """Whether the disks have room, looked at when asked and at most ten times a second. Any thread may ask."""

    def __init__(
        self,
        folders: Sequence[Path],
        reserve: int = 0,
        clock: Callable[[], float] = time.monotonic,
        look: Callable[[Sequence[Path], int], list[Space]] = spaces,
    ) -> None:
        self._folders = folders
        self._reserve = reserve
        self._clock = clock
        self._look = look
        self._lacking = ""
        self._looked = float("-inf")

    def lacking(self) -> str:
        """Which disk has less than its reserve, in words; "" if none has."""
        now = self._clock()
        if now - self._looked >= _FRESH_SECONDS:
            self._looked = now
            enough = _AGAIN if self._lacking else 1.0
            found = self._look(self._folders, self._reserve)
            low = [str(space) for space in found if space.free < space.reserve * enough]
            if low and not self._lacking:
                logger.warning("nothing is taken in or counted until there is room again: %s", "; ".join(low))
            elif self._lacking and not low:
                logger.warning("there is room on the disk again")
            self._lacking = "; ".join(low)
        return self._lacking
