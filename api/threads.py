"""Threads for work that blocks on a store: each kind of work has its own, so that one kind never waits for another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from api.problem import unavailable
from rollups import deadline

SECONDS = 10.0  # that an answer may take in all
_MARGIN = 0.5  # in which a thread that ran out of time says why

_Result = TypeVar("_Result")


@dataclass
class _Share:
    """What one asker has: turns at the threads, and requests that have or wait for one."""

    turns: asyncio.Semaphore
    asking: int = 0


class Threads:
    """So many `at_once`, so many `waiting`, who come beyond are told `refusal` (503); half of both is any one asker's.

    Work keeps its thread until it ends, though nobody waits for it any longer.
    """

    def __init__(self, name: str, at_once: int, waiting: int, refusal: str) -> None:
        self._pool = ThreadPoolExecutor(at_once, name)
        self._turns = max(1, at_once // 2)
        self._room = at_once + waiting
        self._refusal = refusal
        self._asking = 0
        self._shares: dict[str, _Share] = {}
        self._closed = False

    async def run(self, work: Callable[[], _Result], whose: str | None = None) -> _Result:
        """What `work` returns or raises; it has its caller's deadline. `whose`: who asks. Raises Problem (503)."""
        share = _Share(asyncio.Semaphore(self._room))
        if whose is not None:
            share = self._shares.setdefault(whose, _Share(asyncio.Semaphore(self._turns)))
        if self._closed:
            raise unavailable("the service is stopping")
        if self._asking >= self._room or share.asking >= max(1, self._room // 2):
            raise unavailable(self._refusal)
        self._asking += 1
        share.asking += 1
        try:
            async with asyncio.timeout(deadline.left()), share.turns:
                return await asyncio.wrap_future(self._pool.submit(copy_context().run, _in_time, work))
        except TimeoutError:
            raise unavailable(f"no answer within {SECONDS:g} s") from None
        finally:
            self._asking -= 1
            share.asking -= 1
            if whose is not None and not share.asking:
                del self._shares[whose]

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)


def _in_time(work: Callable[[], _Result]) -> _Result:
    with deadline.within((deadline.left() or SECONDS) - _MARGIN):
        return work()
