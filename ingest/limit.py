"""Rate limits: token buckets in bounded memory."""

from typing import NamedTuple


class Rate(NamedTuple):
    """`per_second` events, and up to `burst` at once after a rest; 0 = off."""

    per_second: float
    burst: float

    @classmethod
    def of(cls, per_second: float) -> "Rate":
        """A rate with the usual burst of ten seconds' worth."""
        return cls(per_second, per_second * 10)


class Limiter:
    """One token bucket a key. Time is given in ms by the caller and may stand still or step back.

    A bucket is kept as the moment at which it will be full again: one number a key, and full buckets are forgotten
    first. Beyond `keys` the one used longest ago is forgotten too: an attacker with that many addresses has a burst for
    each of them anyway, and the memory is bounded.
    """

    def __init__(self, rate: Rate, keys: int = 100_000) -> None:
        self._per_second = rate.per_second
        self._burst = rate.burst
        self._keys = keys
        self._full_at: dict[bytes, float] = {}  # seconds; in the order of last use

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: bytes, events: int, now: int) -> float:
        """Seconds until that many events fit, 0 if they fit now; takes nothing. More than a burst is as a burst."""
        if not self._per_second:
            return 0
        most = self._burst / self._per_second
        seconds = self._missing(key, now, most) + min(events, self._burst) / self._per_second - most
        return seconds if seconds > 1e-6 else 0  # sums of many small floats

    def take(self, key: bytes, events: int, now: int) -> None:
        """Take the tokens of events that fit."""
        if not self._per_second:
            return
        missing = self._missing(key, now, self._burst / self._per_second)
        self._full_at.pop(key, None)
        self._forget(now / 1000)
        self._full_at[key] = now / 1000 + missing + min(events, self._burst) / self._per_second

    def _missing(self, key: bytes, now: int, most: float) -> float:
        """How many seconds the bucket lacks; at most all of it, also when the clock stepped back."""
        return min(max(self._full_at.get(key, 0.0) - now / 1000, 0.0), most)

    def _forget(self, seconds: float) -> None:
        # Two for each new one: the full ones among the oldest vanish faster than keys are added.
        for key in [key for _, key in zip(range(2), self._full_at, strict=False)]:
            if self._full_at[key] <= seconds or len(self._full_at) >= self._keys:
                del self._full_at[key]
