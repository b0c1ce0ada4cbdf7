"""What is stored about a visitor outside ClickHouse: the state that workers remember, and lines nobody could read."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec

from deploy import wiring
from deploy.settings import Settings


def elsewhere(settings: Settings, site: str, visitor: str) -> Iterator[dict[str, Any]]:
    """Lines of an export, asked for as they are taken. Blocks; raises LogUnavailable, redis.RedisError."""
    with wiring.redis_client(settings) as redis:
        for key in redis.scan_iter(f"throughline:{{state:*}}:*:visitor:{site}-{visitor}", 10_000):
            if (held := redis.get(key)) is not None:
                yield {"kind": "state", "visitor": f"{site}-{visitor}", "held": msgspec.msgpack.decode(held)}
    with closing(wiring.dead_letters(settings)) as dead:
        for letter in dead.letters():
            if visitor.encode() in letter.line and site.encode() in letter.line:
                line = letter.line.decode("utf-8", "replace")
                yield {"kind": "dead_letter", "visitor": f"{site}-{visitor}", "reason": letter.reason, "line": line}
