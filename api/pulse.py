"""Whether ClickHouse answers at all: after so long a silence nobody is made to wait for it, until it is heard again."""

import time
from collections.abc import Callable

SILENT_SECONDS = 10.0


class Pulse:
    """Safe to share between threads. The loop that keeps the registry fresh asks every second, whoever else asks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.heard_at = clock()

    def heard(self) -> None:
        """It answered just now, if only that it cannot."""
        self.heard_at = self._clock()

    def silence(self) -> float:
        """Seconds since it was heard."""
        return self._clock() - self.heard_at
