"""A wall clock that was set: told by one that only grows."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STEP_MS = 60_000  # what is corrected by less is no matter

log = logging.getLogger(__name__)


class Watch:
    """Call it now and then; `now`: ms of the wall clock. A machine that slept is told too, as a clock set ahead."""

    def __init__(self, now: Callable[[], int], steady: Callable[[], float] = time.monotonic) -> None:
        self._now, self._steady = now, steady
        self._apart = self._between()

    def __call__(self) -> bool:
        """Whether the wall clock was set since the last call by more than a minute; then the log says so."""
        before, self._apart = self._apart, self._between()
        step = self._apart - before
        if abs(step) <= STEP_MS:
            return False
        log.warning(
            "the wall clock was set %s by %s, to %s",
            "ahead" if step > 0 else "back",
            timedelta(seconds=round(abs(step) / 1000)),
            datetime.fromtimestamp(self._now() / 1000, UTC).isoformat(timespec="seconds"),
        )
        return True

    def _between(self) -> int:
        return self._now() - round(self._steady() * 1000)
