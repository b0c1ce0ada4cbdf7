"""Long work on the event loop, with turns for the others."""

import asyncio
import time
from collections.abc import Awaitable, Generator
from typing import TypeVar

SECONDS = 0.005

Result = TypeVar("Result")


async def in_turns(
    steps: Generator[Awaitable[bool] | None, bool | None, Result],
    wanted: Awaitable[bool] | None = None,
    seconds: float = SECONDS,
) -> Result:
    """Run the steps to their result; after `seconds` of them whoever else is ready comes first.

    What a step yields is waited for, and the step gets the answer; begins with `wanted` where they have begun already.
    """
    end = time.perf_counter() + seconds
    try:
        while True:
            wanted = steps.send(await wanted) if wanted is not None else next(steps)
            if time.perf_counter() >= end:
                await asyncio.sleep(0)
                end = time.perf_counter() + seconds
    except StopIteration as stop:
        result: Result = stop.value
        return result
