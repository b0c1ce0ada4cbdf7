"""What a plain post costs the tracking endpoint, counted and not timed: calls, and memory while it waits."""

import asyncio
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable

from ingest.app import NO_LIMIT
from tests.ingest.fake import ADDRESS, FIREFOX, FakeProducer, Stand, an_event

REQUESTS = 1_000
HEADERS = [(b"host", b"stats.test"), (b"content-type", b"text/plain"), (b"user-agent", FIREFOX.encode())]


def bodies(count: int) -> list[bytes]:
    return [
        json.dumps(
            an_event(
                id=f"event-{number:016x}",
                visitor=f"visitor-{number:010x}",
                url=f"https://example.com/blog/post-{number % 100}?utm_source=newsletter",
                referrer="https://www.google.com/",
                title="A page with a title of usual length",
                screen=[1440, 900],
            )
        ).encode()
        for number in range(count)
    ]


def test_a_post_makes_few_calls_and_holds_little_while_it_waits_for_the_log() -> None:
    """Calls of Python and C from the connection to the gatherer; objects that stay until the log has the event."""
    producer, statuses = FakeProducer(), Counter[int]()

    def answer(status: int, *_: object) -> None:
        statuses[status] += 1

    async def scenario() -> None:
        gate = producer.gate = asyncio.Event()

        async def post(bodies: list[bytes], profile: Callable[..., None] | None = None) -> tuple[int, int]:
            """Blocks held while all wait, and afterwards."""
            gc.collect()
            gate.clear()
            before, expected = sys.getallocatedblocks(), statuses[202] + len(bodies)
            sys.setprofile(profile)
            for body in bodies:
                stand.endpoint.post_at_once(ADDRESS, HEADERS, body, answer)
            sys.setprofile(None)
            held = sys.getallocatedblocks() - before
            gate.set()
            while statuses[202] < expected:
                await asyncio.sleep(0.01)
            gc.collect()
            return held, sys.getallocatedblocks() - before

        def called(_: object, kind: str, __: object) -> None:
            calls[kind] += 1

        calls: Counter[str] = Counter()
        made = bodies(REQUESTS)
        await post(made[:1])  # gets the salt
        await post(made)  # what caches keep, they keep
        held, left = await post(made)
        assert held <= 50 * REQUESTS  # 34: an event of some 25 values, its line, and who is told of it
        assert left <= REQUESTS / 2
        await post(made, called)
        assert calls["call"] + calls["c_call"] <= 130 * REQUESTS, calls  # 112

    with Stand(producer=producer, address_rate=NO_LIMIT) as stand:
        stand.run(scenario())
