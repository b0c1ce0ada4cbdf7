"""The states that a worker keeps in memory, of one partition at one offset: what Redis need not be asked for."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from workers.visitor import State

MAX_TEXT = 256 * 1024 * 1024  # characters, all partitions' caches of a worker share it evenly
_STATE_TEXT = 500  # what a state costs beyond its items


class Cache:
    """Least recently used states go first. True for `offset` only: who finds another one drops it."""

    def __init__(self, max_text: int) -> None:
        self._max = max_text
        self._held: OrderedDict[str, State] = OrderedDict()
        self._text = 0

    def take(self, names: Iterable[str]) -> tuple[dict[str, State], set[str]]:
        """The states held, and the names of those that are not."""
        found: dict[str, State] = {}
        missing: set[str] = set()
        for name in names:
            state = self._held.get(name)
            if state is None:
                missing.add(name)
            else:
                found[name] = state
        return found, missing

    def drop(self, names: Iterable[str]) -> None:
        """Hold these no longer."""
        for name in names:
            if (old := self._held.pop(name, None)) is not None:
                self._text -= old.text + _STATE_TEXT

    def put(self, states: Mapping[str, State]) -> None:
        """Hold the states as the newest."""
        for name, state in states.items():
            old = self._held.pop(name, None)
            if old is not None:
                self._text -= old.text + _STATE_TEXT
            self._held[name] = state
            self._text += state.text + _STATE_TEXT
        while self._text > self._max and self._held:
            _, dropped = self._held.popitem(last=False)
            self._text -= dropped.text + _STATE_TEXT
