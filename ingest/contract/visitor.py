"""Who an event is from: 16 hex digits, unique within a site, that lead back to no person without the key."""

from functools import lru_cache
from hashlib import blake2b

DAY_MS = 86_400_000
_AGAIN = 512  # characters of an agent that is remembered
_KEY_BYTES = 64  # blake2b takes no more


def day(ms: int) -> int:
    """The UTC day a moment lies in, counted from 1970-01-01."""
    return ms // DAY_MS


@lru_cache(16_384)  # of ≤ 128 characters; a visitor sends several events
def own(secret: str, visitor: str) -> str:
    """The visitor whom the site's script or backend names."""
    return _hash(secret.encode(), f"v\0{visitor}")


def cookieless(salt: bytes, site: str, address: str, agent: str) -> str:
    """The visitor of a day: once its salt is destroyed, nobody can tell whose hash this was."""
    return _hash(salt, f"c\0{site}\0{address}\0{agent}")


def imported(secret: str, time: int, address: str, agent: str) -> str:
    """The visitor of a day (of `time`, ms) whom an import does not name: `cookieless`, but the same in every import,
    whenever it runs.
    """
    return (_imported_again if len(agent) <= _AGAIN else _imported)(secret, day(time), address, agent)


def _imported(secret: str, day_: int, address: str, agent: str) -> str:
    return _hash(secret.encode(), f"i\0{day_}\0{address}\0{agent}")


_imported_again = lru_cache(16_384)(_imported)  # a visitor has several lines


def _hash(key: bytes, message: str) -> str:
    return blake2b(message.encode("utf-8", "surrogatepass"), digest_size=8, key=key[:_KEY_BYTES]).hexdigest()
