"""Redis's states in memory."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.workers.fake_tables import Point
from workers.state import FORGET, SLACK, Moved, Position
from workers.visitor import State


class FakeRedis:
    """What the state store holds, by partition."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Position | None, str, dict[str, State]]] = {}

    def eval(self, *_: object) -> int:
        """Freshness is published into the void."""
        return 1

    def copy(self) -> dict[str, Any]:
        return {name: (position, nonce, dict(states)) for name, (position, nonce, states) in self.held.items()}


class FakeStore:
    """`workers.state.Store` over `FakeRedis`, with room for `room` states; both are set by the simulation."""

    point: Point = staticmethod(lambda _: None)
    room = 1_000_000
    bytes = 0

    def __init__(self, redis: FakeRedis, log: str, partitions: int, partition: int, budget: int) -> None:
        self.redis, self._name = redis, f"{log}/{partitions}/{partition}"
        self.generation = ""

    def _get(self) -> tuple[Position | None, str, dict[str, State]]:
        return self.redis.held.get(self._name, (None, "", {}))

    def position(self) -> Position | None:
        self.point("redis position")
        position, self.generation, _ = self._get()
        return position

    def load(self, offset: int, names: Iterable[str]) -> tuple[dict[str, State], int]:
        self.point("redis load")
        position, generation, states = self._get()
        if position is None or position.offset != offset or generation != self.generation:
            raise Moved("load")
        return {name: states[name] for name in names if name in states}, position.horizon

    def save(self, a: int, b: int, clock: int, states: Mapping[str, State], gone: Iterable[str] = ()) -> None:
        self.point("before save")
        position, generation, held = self._get()
        if position is None or position.offset != a or generation != self.generation:
            raise Moved("save")
        horizon = position.horizon
        held = {name: state for name, state in held.items() if name not in set(gone)}
        left = sorted({**held, **states}.values(), key=lambda state: state.heard)
        while left and (left[0].heard < clock - FORGET - SLACK or len(left) > self.room):
            horizon = max(horizon, left.pop(0).heard)
        self.redis.held[self._name] = Position(b, clock, horizon), generation, {state.key: state for state in left}
        self.point("after save")

    def tidy(self, offset: int, clock: int) -> None:
        self.save(offset, offset, clock, {})

    def reset(self, position: Position, generation: str) -> None:
        self.point("before begin")
        self.generation = generation
        self.redis.held[self._name] = position, generation, {}
        self.point("after begin")
