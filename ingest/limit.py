"""Rate limits: token buckets in bounded memory."""

from typing import NamedTuple

_SECOND = 1_000_000_000  # ns
_MS = 1_000_000


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
        self._rate = rate
        self._keys = keys
        # Whole nanoseconds: sums of floats would let one event too many or too few through.
        self._each = round(_SECOND / rate.per_second) if rate.per_second else 0
        self._full = round(self._each * rate.burst)
        self._full_at: dict[bytes, int] = {}  # in the order of last use

    @property
    def on(self) -> bool:
        return self._each > 0

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: bytes, events: int, now: int) -> float:
        """Seconds until that many events fit, 0 if they fit now; takes nothing. More than a burst is as a burst."""
        if not self._each:
            return 0
        missing = self._missing(key, now) + min(events * self._each, self._full) - self._full
        if missing <= 0:
            return 0
        if key in self._full_at:
            # One that keeps pushing is in use, and not forgotten for newcomers. After a clock that was ahead the bucket
            # fills from now on, not from when the clock comes there again.
            self._full_at[key] = min(self._full_at.pop(key), now * _MS + self._full)
        return missing / _SECOND

    def take(self, key: bytes, events: int, now: int) -> None:
        """Take the tokens of events that fit."""
        if not self.on:
            return
        missing = self._missing(key, now) + min(events * self._each, self._full)
        if self._full_at.pop(key, None) is None:
            self._forget(now * _MS)
        self._full_at[key] = now * _MS + missing

    def _missing(self, key: bytes, now: int) -> int:
        """What the bucket lacks; at most all of it, also when the clock stepped back."""
        return min(max(self._full_at.get(key, 0) - now * _MS, 0), self._full)

    def _forget(self, now: int) -> None:
        # Two for each new one: the full ones among the oldest vanish faster than keys are added.
        for key in [key for _, key in zip(range(2), self._full_at, strict=False)]:
            if self._full_at[key] <= now or len(self._full_at) >= self._keys:
                del self._full_at[key]
