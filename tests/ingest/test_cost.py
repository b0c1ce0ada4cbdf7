"""S22: a body of any sort, good or bad, holds the loop no longer than five plain ones of its size."""

import asyncio
import gc
import multiprocessing
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from deploy.web import collect_seldom
from ingest import intake
from ingest.admission import Knowledge, Sender, admit
from ingest.contract.batch import Batch, read, reading
from ingest.contract.event import Line, encode
from ingest.contract.page import MAX_NAME, host, page, parameters, read_url, stored_url
from ingest.contract.split import split
from ingest.enrich import Place, read_agent
from ingest.source import attribute
from ingest.turn import in_turns
from tests.ingest.fake import ADDRESS, FIREFOX, NOW, Stand, a_site, an_event
from tests.ingest.worst import SIZE, WORST, batch, event, fresh, plain

RATIO = 5
SITE = a_site(settings={"hosts": ["*"]})
KNOWLEDGE = Knowledge(lambda _: Place("DE", "DE-BE", "Berlin"), lambda *_: b"salt")


@pytest.fixture(autouse=True)
def collected_as_in_the_service() -> Iterator[None]:
    before = gc.get_threshold()
    collect_seldom()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def lines(found: Batch, agent: str = FIREFOX) -> list[Line]:
    sender = Sender(NOW, ADDRESS, agent)
    return [admit(posted, SITE, sender, KNOWLEDGE) for _, posted in found.events]


def seconds(work: Callable[[], object]) -> float:
    """Of this thread: others that a test before left may have work of their own."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def taken(body: bytes) -> float:
    return seconds(lambda: [encode([line]) for line in lines(read(body))])


def within_ratio(worst: Callable[[], float], usual: Callable[[], float], ratio: float) -> None:
    """The least of some runs keeps the ratio; a busy machine has more of them."""
    pairs: list[tuple[float, float]] = []
    for _ in range(60):
        pairs.append((worst(), usual()))
        least, plainly = (min(column) for column in zip(*pairs, strict=True))
        if len(pairs) > 2 and least <= ratio * plainly:
            return
    raise AssertionError(f"{least / plainly:.2f} times as long as what is usual, not {ratio}")


def test_a_plain_body_is_what_it_claims() -> None:
    body = batch(plain)()
    found = read(body)
    assert 0.9 * SIZE < len(body) <= 256 * 1024
    assert (len(found.events), found.problems) == (100, [])


@pytest.fixture(scope="module")
def service() -> Iterator[ProcessPoolExecutor]:
    """A process of its own, as the service is: where thousands of tests left memory in pieces, lists take longer."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), collect_seldom) as process:
        yield process


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_body_takes_no_longer_than_five_plain_ones(kind: str, service: ProcessPoolExecutor) -> None:
    service.submit(compare, kind).result()


def compare(kind: str) -> None:
    plainly = batch(plain)
    within_ratio(lambda: taken(WORST[kind]()), lambda: taken(plainly()), RATIO)


def test_hosts_that_are_long_and_legal_take_turns() -> None:
    """Encoding them takes long whatever one does, so that every event's own time is what counts."""

    def each(body: bytes) -> float:
        longest, steps = 0.0, reading(body)
        while True:
            begun = time.thread_time()
            try:
                next(steps)
            except StopIteration as stop:
                found: Batch = stop.value
                return max(longest, *[seconds(partial(lines, Batch(1, [one]))) for one in found.events])
            longest = max(longest, time.thread_time() - begun)

    def legal(new: str, _: int) -> bytes:
        name = ".".join([f"{new}{'äöü' * 14}", "äöü" * 14, "äöü" * 14, "äöü" * 14])
        assert host(f"https://{name}.com") and len(host(f"https://{name}.com")) <= MAX_NAME
        return event(url=f"https://a{name}.com/", referrer=f"https://b{name}.com/")

    within_ratio(lambda: each(batch(legal)()), lambda: taken(batch(plain)()), 1)


def test_others_have_their_turn_between_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks, seen = 0, []

    def slow(*given: Any) -> Line:
        time.sleep(0.002)  # the work of a long event
        seen.append(ticks)
        return admit(*given)

    monkeypatch.setattr(intake, "admit", slow)

    async def scenario(stand: Stand) -> httpx.Response:
        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        try:
            return await stand.posting([an_event()] * 50)
        finally:
            ticking.cancel()

    with Stand() as stand:
        assert stand.run(scenario(stand)).json()["accepted"] == 50
    assert len(set(seen)) >= 10


def test_turns_keep_the_result() -> None:
    def steps() -> Generator[None, bool | None, str]:
        yield
        yield
        return "done"

    assert asyncio.run(in_turns(steps(), seconds=0)) == "done"


@pytest.mark.parametrize(
    "unit",
    ["%41", "%", "ä", "../", "/", "a=b&", "%61=%62&", "utm_a=%C3%A4&", "a.", ";", "中", "\u0301", "%2e/", "?", "#"],
)
@pytest.mark.parametrize(
    "start", ["https://example.com/{}", "https://example.com/{}?utm_source=", "https://{}", "https://{}.x"]
)
def test_urls_of_64_kib_take_no_longer_than_their_share(unit: str, start: str, service: ProcessPoolExecutor) -> None:
    service.submit(compare_urls, unit, start).result()


def compare_urls(unit: str, start: str) -> None:
    """The limit of a url is the contract's to move: what reads it stays linear, and keeps nothing of it."""
    size = 64 * 1024

    def all_of_it(url: str) -> None:
        found = read_url(url)
        host(url), page(url), parameters(found), stored_url(found), attribute(found, found, "example.com")

    def worst() -> float:
        begun = start.format(f"n{next(fresh)}")
        return seconds(lambda: all_of_it(begun + unit * ((size - len(begun)) // len(unit))))

    within_ratio(worst, lambda: taken(batch(plain)()) * size / SIZE, 2 * RATIO)


def test_agents_and_header_lines_are_no_longer_than_a_plain_body() -> None:
    units = ("Mozilla/5.0 ", "(", "; Android 4.4.4; xx-xx", "bot/", "1.1.", " ", "a", "Opera/9.80 (SmartTV; ", "é")
    for unit in units:

        def worst(unit: str = unit) -> float:
            agent = f"{next(fresh)} " + unit * (32_000 // len(unit))
            found = read(event())
            return seconds(lambda: (read_agent(agent), lines(found, agent)))

        within_ratio(worst, lambda: taken(batch(plain)()), 1)


def test_what_splits_broken_text_gives_up() -> None:
    with pytest.raises(ValueError, match="too many brackets"):
        split(b"[" + b"[]," * 50_000 + b"1]", 200_000)
