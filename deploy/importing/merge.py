"""Several files as one stream, oldest first."""

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush, heapreplace
from typing import TypeVar

OPEN = 64  # files at a time: a process may have few more

T = TypeVar("T")


def merged(files: Sequence[tuple[int, Iterator[T]]], time: Callable[[T], int], most: int = OPEN) -> Iterator[T]:
    """The items of (begin, items in order of time) in order of time; a file is begun when it is due.

    Never more than `most` are under way at once, so where more overlap the order is only nearly that of time.
    """
    waiting = sorted(((begin, number) for number, (begin, _) in enumerate(files)), reverse=True)
    heap: list[tuple[int, int, T]] = []
    while heap or waiting:
        while waiting and len(heap) < most and (not heap or waiting[-1][0] <= heap[0][0]):
            _, number = waiting.pop()
            for item in files[number][1]:
                heappush(heap, (time(item), number, item))
                break
        if not heap:
            continue
        _, number, item = heap[0]
        yield item
        following = next(files[number][1], None)
        if following is None:
            heappop(heap)
        else:
            heapreplace(heap, (time(following), number, following))
