"""The published snapshot of all sites, and of the keys that may post for others: written by the api to Redis, kept in
memory by ingest and workers.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from redis import Redis

from ingest.contract.site import Site

KEY = "throughline:sites"  # a hash: version, body, posters; and the channel on which a new version is told
FIELDS = ["version", "body", "posters"]

# Publishing must never go backwards: an api that read ClickHouse a moment earlier must not undo a newer publication.
_PUBLISH = """
local held = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
if tonumber(ARGV[1]) < held then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', ARGV[2], 'posters', ARGV[3])
redis.pcall('PUBLISH', KEYS[1], ARGV[1])  -- whoever may not is read once a second
return 1
"""


class Poster(NamedTuple):
    """A key of scope `ingest`: its id, and the sites that it posts for."""

    id: str
    sites: frozenset[str]


class Snapshot:
    """All sites at one registry revision, deleted ones included (they stay known, as deleted).

    `posters`: by the key's SHA-256, hex.
    """

    def __init__(self, version: int, sites: Iterable[Site], posters: Mapping[str, Poster] | None = None) -> None:
        self.version = version
        self.posters = dict(posters or {})
        self.by_id = {site.id: site for site in sites}
        self.by_tracking_id = {site.tracking_id: site for site in self.by_id.values()}

    def encode(self) -> bytes:
        """JSON; holds the per-site secrets, so it is for the project's own Redis only."""
        return msgspec.json.encode([site.model_dump() for site in self.by_id.values()])

    def encode_posters(self) -> bytes:
        """JSON, beside the sites."""
        return msgspec.json.encode(self.posters)

    @classmethod
    def decode(cls, version: int, body: bytes, posters: bytes | None = None) -> "Snapshot":
        sites = (Site.model_validate(site) for site in msgspec.json.decode(body))
        return cls(version, sites, _posters.decode(posters) if posters else None)


_posters = msgspec.json.Decoder(dict[str, Poster])
EMPTY = Snapshot(-1, ())


def publish(redis: Redis, snapshot: Snapshot) -> bool:
    """Put the snapshot in place unless a newer one is there; returns whether it was taken. Blocks on Redis."""
    return bool(redis.eval(_PUBLISH, 1, KEY, snapshot.version, snapshot.encode(), snapshot.encode_posters()))


def version(redis: Redis) -> int:
    """The revision of the snapshot that is in place, 0 if none is. Blocks on Redis."""
    held: Any = redis.hget(KEY, "version")
    return int(held or 0)


def published(redis: Redis) -> Snapshot:
    """The snapshot that is in place, EMPTY if none is. Blocks on Redis."""
    found: Any = redis.hmget(KEY, FIELDS)
    version, body, posters = found
    return EMPTY if version is None or body is None else Snapshot.decode(int(version), body, posters)
