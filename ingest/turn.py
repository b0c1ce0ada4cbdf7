"""Long work on the event loop, with turns for the others."""

import asyncio
import time
from collections.abc import Generator
from typing import TypeVar

SECONDS = 0.005

Result = TypeVar("Result")


async def in_turns(steps: Generator[None, None, Result], seconds: float = SECONDS) -> Result:
    """Run the steps to their result; after `seconds` of them whoever else is ready comes first."""
    end = time.perf_counter() + seconds
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        if time.perf_counter() >= end:
            await asyncio.sleep(0)
            end = time.perf_counter() + seconds
