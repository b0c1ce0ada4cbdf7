"""Several questions of one answer at once, on threads that all answers share: bounded, and nobody waits for them."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

THREADS = 12  # of a process, beside those that have an answer to give
HELPERS = 3  # at one answer: most of a question is waiting

_Result = TypeVar("_Result")
_helpers = ThreadPoolExecutor(THREADS, "panel")


def together(questions: Iterable[Callable[[], _Result]]) -> list[_Result]:
    """What the questions return, in order; raises what the first that failed raised.

    Who calls works on them too, so that where all helpers are busy with others it is only slower.
    """
    asked = list(questions)
    left, found = deque(range(len(asked))), dict[int, _Result]()

    def work() -> None:
        while True:
            try:
                place = left.popleft()
            except IndexError:
                return
            found[place] = asked[place]()

    helpers = [_helpers.submit(copy_context().run, work) for _ in range(min(HELPERS, len(asked) - 1))]
    try:
        work()
        for helper in helpers:
            if not helper.cancel():
                helper.result()
    finally:
        left.clear()
    return [found[place] for place in range(len(asked))]
