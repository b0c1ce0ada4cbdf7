"""The questions of one answer at once: on shared threads that are bounded, and alone where those are busy."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from api.panels import HELPERS, THREADS, together
from rollups import deadline


def test_answers_are_in_order_and_at_once() -> None:
    barrier = threading.Barrier(HELPERS + 1, timeout=60)

    def ask(number: int) -> int:
        barrier.wait()
        return number

    assert together([partial(ask, number) for number in range(2 * (HELPERS + 1))]) == list(range(2 * (HELPERS + 1)))
    assert together([]) == [] and together([lambda: 1]) == [1]


def test_no_thread_is_made_for_an_answer() -> None:
    used: set[str] = set()
    for _ in range(50):
        together([lambda: used.add(threading.current_thread().name)] * 7)
    assert len(used) <= THREADS + 1


def test_who_finds_all_helpers_busy_answers_alone() -> None:
    freed, busy = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        busy.release()
        freed.wait(60)

    with ThreadPoolExecutor(THREADS) as others:
        asking = [others.submit(together, [hold] * (HELPERS + 1)) for _ in range(THREADS // HELPERS)]
        try:
            for _ in range(THREADS + THREADS // HELPERS):
                assert busy.acquire(timeout=60)
            names = together([lambda: threading.current_thread().name] * 7)
            assert set(names) == {threading.current_thread().name}
        finally:
            freed.set()
        for each in asking:
            each.result()


@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_failure_is_the_answers(place: int) -> None:
    def fail() -> int:
        raise KeyError(place)

    questions: list[Callable[[], int]] = [lambda: 1] * 7
    questions[place] = fail
    with pytest.raises(KeyError):
        together(questions)


def test_helpers_keep_to_the_deadline_of_the_answer() -> None:
    with deadline.within(1_000):
        left = together([deadline.left] * 7)
    assert None not in left
