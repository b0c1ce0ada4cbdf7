"""Which alarms are on and which messages nobody took yet: in Redis, so that every process and every start knows."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis import Redis

_OPEN = "throughline:alarms"
_WATCH = "throughline:alarms:watch"
_MOST = 200  # messages that wait for one target
_LEASE_MS = 90_000

# KEYS: lease. ARGV: who, ms.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class Book:
    """Every method blocks and raises redis.RedisError. `targets`: names of those who are told."""

    def __init__(self, redis: Redis, targets: Sequence[str]) -> None:
        self._redis = redis
        self._targets = targets
        self._own = secrets.token_hex(8)

    def mine(self) -> bool:
        """Whether this process is the one that watches, for the next minute."""
        return bool(self._redis.eval(_TAKE, 1, _WATCH, self._own, _LEASE_MS))

    def open(self) -> dict[str, str]:
        """The alarms that are on: name → sentence."""
        found: Any = self._redis.hgetall(_OPEN)
        return {name.decode(): json.loads(entry)["text"] for name, entry in found.items()}

    def turn(self, on: Mapping[str, str], now: int) -> list[str]:
        """Write down what is on from now (ms) on; what began or ended waits to be told, and is returned."""
        found: Any = self._redis.hgetall(_OPEN)
        held = {name.decode(): json.loads(entry) for name, entry in found.items()}
        told: list[str] = []
        with self._redis.pipeline() as pipe:
            for name, text in on.items():
                if name not in held and text:
                    pipe.hset(_OPEN, name, json.dumps({"text": text, "since": now}))
                    told.append(f"{text} [{name}]")
            for name, entry in held.items():
                if name not in on:
                    pipe.hdel(_OPEN, name)
                    told.append(f"over, after {_ago(now - entry['since'])}: {entry['text']} [{name}]")
            for target in self._targets:
                for message in told:
                    pipe.rpush(_waiting(target), message)
                pipe.ltrim(_waiting(target), -_MOST, -1)
            pipe.execute()
        return told

    def deliver(self, target: str, send: Callable[[str], None]) -> None:
        """Send what waits for the target, in order; what `send` raises ends it, and the message waits on."""
        while (message := self._redis.lindex(_waiting(target), 0)) is not None:
            text: Any = message
            send(text.decode())
            self._redis.lpop(_waiting(target))


def _waiting(target: str) -> str:
    return f"{_OPEN}:{target}"


def _ago(ms: int) -> str:
    minutes = max(1, round(ms / 60_000))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
