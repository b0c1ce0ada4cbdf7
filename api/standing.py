"""What changes answers besides the batches of their sites: another life of ClickHouse, and maintenance of its tables,
which also takes away what sites do not keep.

Who changes tables claims them first and lets workers hold still for twice GRACE_SECONDS before anything changes, so
what was seen less than SECONDS ago still holds. Seen once a second while questions come, so that those cost no query.
"""

import math
import time
from collections.abc import Callable

from api.retained import NOTHING, Cut
from rollups.control import GRACE_SECONDS, LEASE_SECONDS
from rollups.read import Reader

SECONDS = 1.5 * GRACE_SECONDS  # that it is believed
_WANTED_SECONDS = 60.0


class Standing:
    """Safe to share between threads."""

    def __init__(self, reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._seen: tuple[float, str | None] = (-math.inf, None)
        self._asked_at = -math.inf
        self._cuts: dict[str, Cut] = {}

    def __call__(self) -> str | None:
        """A name that every change gives another; None while tables are changed or nobody has looked. Asks nothing."""
        self._asked_at = self._clock()
        seen_at, name = self._seen
        return name if self._asked_at - seen_at < SECONDS else None

    def cut(self, site: str) -> Cut:
        """What of the site is gone, as of the name."""
        return self._cuts.get(site, NOTHING)

    @property
    def wanted(self) -> bool:
        """Whether anybody asked lately."""
        return self._clock() - self._asked_at < _WANTED_SECONDS

    def look(self) -> None:
        """Blocks; raises ClickHouseUnavailable."""
        at = self._clock()
        (row,) = self._reader.rows("standing", lease=LEASE_SECONDS)
        name = None if row["claimed"] else f"{row['life']}/{row['maintenance']}"
        if name is None or name != self._seen[1]:  # nothing goes but in maintenance, and some time after it
            self._cuts = {row["site"]: Cut(row["events"], row["sessions"]) for row in self._reader.rows("cuts")}
        self._seen = (at, name)
