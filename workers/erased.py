"""Who was erased, as a worker looks at it: by a keyed hash, so that what is remembered of them names nobody."""

from collections.abc import Callable, Iterable
from hashlib import blake2b

from rollups.erase import Stone
from workers.visitor import BEGINNING

Secret = Callable[[str], str]  # of a site: keys its hashes


def digest(secret: str, visitor: str) -> str:
    """A visitor's (16 hex) name among the erased ones of its site."""
    return blake2b(b"e\0" + visitor.encode(), digest_size=16, key=secret.encode()[:64]).hexdigest()


class Erased:
    """Everybody who was erased; `stone` and `until` cost nothing for sites where nobody was."""

    def __init__(self, stones: Iterable[Stone] = (), secret: Secret = lambda _: "") -> None:
        self._secret = secret
        self._by_site: dict[str, dict[str, Stone]] = {}
        self._done: set[str] = set()
        for stone in stones:
            self.add(stone)

    def add(self, stone: Stone) -> None:
        """The latest of a visitor stands."""
        self._done.add(stone.erasure)
        own = self._by_site.setdefault(stone.site, {})
        known = own.get(stone.digest)
        if known is None or known.until <= stone.until:
            own[stone.digest] = stone

    def is_new(self, erasure: str) -> bool:
        """Whether an erasure has erased nobody yet."""
        return erasure not in self._done

    def digest(self, site: str, visitor: str) -> str:
        return digest(self._secret(site), visitor)

    def stone(self, site: str, visitor: str) -> Stone | None:
        """How the visitor was last erased."""
        own = self._by_site.get(site)
        return own.get(self.digest(site, visitor)) if own else None

    def until(self, site: str, visitor: str) -> int:
        """Up to when (ms) nothing counts that the visitor did."""
        stone = self.stone(site, visitor)
        return BEGINNING if stone is None else stone.until
