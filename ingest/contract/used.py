"""The day on which a key was used last, as everybody who lets keys in writes it to Redis: at most once a day a key."""

from datetime import UTC, datetime

KEY = "throughline:key:used"  # a hash: key's id → day


def day(now: int) -> str:
    """The day in UTC of a time in ms, ISO 8601."""
    return datetime.fromtimestamp(now / 1000, UTC).date().isoformat()


class Days:
    """What one process has written. Safe to share between threads: at worst a day is written twice."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}

    def is_new(self, key: str, now: int) -> bool:
        """Whether nobody here has said yet that the key is used on the day of `now`, ms; from now on somebody has."""
        if self._written.get(key) == (today := now // 86_400_000):
            return False
        self._written[key] = today
        return True
