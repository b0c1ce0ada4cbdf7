"""From a log that is counted to its end on to the next one of its chain (`ingest/log/succession.py`)."""

from collections.abc import Callable
from contextlib import suppress

from redis import RedisError

from ingest.log.protocol import LogUnavailable
from rollups.client import ClickHouseUnavailable
from workers.world import Held, LogOver, World

_LOOK_SECONDS = 1.0


class Onward:
    """`followed`: there is a next log, so what is received now may lie there."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self._world, self._clock = world, clock
        self._looked_at = -_LOOK_SECONDS
        self.followed = False

    def look(self) -> None:
        """Once a second. Raises LogUnavailable."""
        if self._clock() - self._looked_at >= _LOOK_SECONDS:
            at = self._clock()
            self.followed, self._looked_at = self._world.followed(), at

    def behind_the_end(self, held: Held) -> bool:
        """Whether all that comes there was refused. Once every partition is counted to its end, workers are at the next
        log, where the same visitors may be: so nothing may be begun behind it. Asked after the poll. Raises
        LogUnavailable."""
        ends = self._world.ends()
        return ends is not None and held.offset >= ends[held.partition]

    def go_on(self, waits: bool) -> None:
        """`waits`: whether anything is to be done here. Raises LogOver once all is counted, by other workers too.

        A store that is away is asked again later.
        """
        with suppress(ClickHouseUnavailable, LogUnavailable, RedisError):
            if self.followed and not waits and not self._world.due():
                raise LogOver
