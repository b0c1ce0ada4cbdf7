"""Which partition a visitor's events go to: Kafka's own murmur2, so that any Kafka producer can join in."""

from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Unsigned 32-bit hash equal to `org.apache.kafka.common.utils.Utils.murmur2`."""
    length = len(data)
    whole = length & ~3
    h = _SEED ^ length
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _WORD
        k = (k ^ k >> 24) * _M & _WORD
        h = (h * _M & _WORD) ^ k
    if whole != length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _WORD
    h = (h ^ h >> 13) * _M & _WORD
    return h ^ h >> 15


@lru_cache(1 << 16)  # microseconds in plain Python, and visitors come back
def hash31(site: str, visitor: str) -> int:
    """Non-negative 31-bit hash of a site's visitor, stored with its rows: by it a rebuild finds a partition."""
    return murmur2(f"{site}{visitor}".encode()) & 0x7FFFFFFF


def partition(site: str, visitor: str, partitions: int) -> int:
    """The partition in [0, partitions) of a visitor's events; `visitor` is empty for what admission filtered."""
    return hash31(site, visitor) % partitions
