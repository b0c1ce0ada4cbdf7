"""The short way of `POST /e` and the application's: the same requests to both are answered alike, byte for byte."""

import asyncio
import itertools
import re
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from uvicorn import Config, Server

from deploy import connection
from deploy.connection import Connection, sweep
from ingest.app import Ingest
from ingest.contract.event import Event, Filtered, Logged
from ingest.contract.visitor import day
from ingest.limit import Rate
from ingest.log.protocol import LogUnavailable
from ingest.salt import key
from tests.deploy.test_connection import exchange
from tests.ingest.asked import GOOD, HEADERS, REQUESTS, RIGHT, WRONG, chunked, post
from tests.ingest.fake import NOW, TRACKING_ID, UNAVAILABLE, FakeProducer, FakeRedis, a_site, an_event


class Place:
    """An ingest on fakes behind a real socket; `direct` says which way its plain posts take."""

    def __init__(self, direct: bool, **options: Any) -> None:
        self.producer, self.redis, self.registry = FakeProducer(), FakeRedis(), CollectorRegistry()
        self.redis.strings |= {key(today): b"salt" for today in (day(NOW), day(NOW) - 1)}
        self.redis.publish(a_site(), a_site("gone01", "site_gone", deleted=True))
        self.ingest = Ingest(self.producer, self.redis, lambda: NOW, self.registry, **options)  # type: ignore[arg-type]
        self.at_once = 0
        self.direct = direct

    def _counted(self, peer: str, headers: Any, body: bytes, answer: Any) -> None:
        self.at_once += 1
        self.ingest.endpoint.post_at_once(peer, headers, body, answer)

    async def __aenter__(self) -> "Place":
        self.ingest.post_at_once = self._counted
        await self.ingest.start()
        app = Starlette(routes=self.ingest.routes)
        http: Any = partial(Connection, direct=self.ingest if self.direct else None)
        self.server = Server(Config(app, http=http, ws="none", lifespan="off", log_config=None, server_header=False))
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(self.server.serve(sockets=[listener]))
        self._sweeping = asyncio.create_task(sweep(self.server.server_state.connections, 0.05))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sweeping.cancel()
        self.server.should_exit = True
        await self._serving
        await self.ingest.close()

    async def ask(self, *pieces: bytes, pause: float = 0.0) -> bytes:
        """Everything that comes until the server closes, without the date."""
        answer = await exchange(self.port, *pieces, pause=pause)
        return re.sub(rb"date: [^\r]+\r\n", b"date: x\r\n", answer)

    def counted(self) -> list[bytes]:
        """What operators see: every count, without the seconds that things took."""
        lines = generate_latest(self.registry).splitlines()
        return [line for line in lines if not line.startswith(b"#") and not re.search(rb"seconds|created", line)]

    def logged(self) -> list[Logged]:
        """The lines of the log; ids that were made for events without one are chance's."""
        return sorted(self.producer.lines, key=repr)


def run(scenario: Callable[[Place, Place], Coroutine[Any, Any, None]], **options: Any) -> None:
    """A scenario of the short way and the application's."""

    async def main() -> None:
        async with Place(True, **options) as short, Place(False, **options) as long:
            await scenario(short, long)
            assert short.counted() == long.counted()
            assert short.logged() == long.logged()
            assert long.at_once == 0

    asyncio.run(main())


def test_both_ways_answer_alike() -> None:
    async def scenario(short: Place, long: Place) -> None:
        for name, pieces in REQUESTS.items():
            one, other = await asyncio.gather(short.ask(*pieces), long.ask(*pieces))
            assert one == other, name
            assert one.startswith(b"HTTP/1.1 "), name
        assert short.at_once > len(REQUESTS) / 2

    run(scenario, address_rate=Rate(0, 0))


def test_a_chunked_body_is_answered_like_a_plain_one() -> None:
    async def scenario(short: Place, long: Place) -> None:
        for name, pieces in REQUESTS.items():
            if name.startswith(("wrong", "body", "right")):
                one, other = await asyncio.gather(short.ask(*pieces), long.ask(*map(chunked, pieces)))
                assert one == other, name

    run(scenario, address_rate=Rate(0, 0))


def test_what_is_plain_goes_the_short_way_and_nothing_else_does() -> None:
    async def scenario(short: Place, long: Place) -> None:
        plain = post(GOOD, *HEADERS["origin"], *HEADERS["text"], *HEADERS["forwarded"], *HEADERS["large"])
        unusual = [REQUESTS[name][0] for name in ("gzip", "above the limit", "a query", "HTTP/1.0", "no length")]
        unusual += [chunked(post(GOOD)), *(post(GOOD, *HEADERS[name]) for name in ("identity", "expect", "upgrade"))]
        for request in [plain, *unusual]:
            await asyncio.gather(short.ask(request), long.ask(request))
        assert short.at_once == 1
        await asyncio.gather(*(place.ask(*REQUESTS["one after the other"], pause=0.2) for place in (short, long)))
        assert short.at_once == 3
        # What waits behind an unanswered one is the application's, so that answers come in order.
        await asyncio.gather(*(place.ask(*REQUESTS["pipelined"]) for place in (short, long)))
        assert short.at_once == 4

    run(scenario, address_rate=Rate(0, 0))


@pytest.mark.parametrize(
    "error", [UNAVAILABLE, LogUnavailable("the disk is nearly full: 1 %", 10), RuntimeError("x")], ids=str
)
def test_a_log_that_takes_nothing_is_told_alike(error: Exception) -> None:
    async def scenario(short: Place, long: Place) -> None:
        short.producer.broken = long.producer.broken = error
        one, other = await asyncio.gather(short.ask(post(GOOD)), long.ask(post(GOOD)))
        assert one == other
        assert one.startswith(b"HTTP/1.1 503") and b"\r\nretry-after: " in one

    run(scenario)


def test_rates_are_one_for_both_ways() -> None:
    async def scenario(short: Place, long: Place) -> None:
        one, other = [], []
        for request in [post([GOOD] * 3), post([GOOD] * 3), post(GOOD), post(GOOD), chunked(post(GOOD))]:
            one.append(await short.ask(request))
            other.append(await long.ask(request))
        assert one == other
        assert [answer[9:12] for answer in one] == [b"202", b"429", b"202", b"202", b"429"]

    run(scenario, address_rate=Rate(0.001, 5))
    run(scenario, address_rate=Rate(0, 0), site_rate=Rate(0.001, 5))


def test_a_site_made_a_moment_ago_and_a_new_day_are_waited_for_on_both_ways() -> None:
    async def scenario(short: Place, long: Place) -> None:
        for place in (short, long):
            place.redis.publish(a_site(), a_site("blog01", "site_b", domain="blog.test"), version=2)
            place.ingest._salts._held.clear()  # noqa: SLF001 - as at the first request of a day
        request = post(an_event(id="e1", site="site_b", url="https://blog.test/", visitor=""))
        one, other = await asyncio.gather(short.ask(request), long.ask(request))
        assert one == other
        assert one.startswith(b"HTTP/1.1 202")
        for place in (short, long):
            place.redis.away = True
        one, other = await asyncio.gather(short.ask(post(WRONG["unknown site"])), long.ask(post(WRONG["unknown site"])))
        assert one == other
        assert one.startswith(b"HTTP/1.1 503")

    run(scenario)


def test_what_breaks_is_a_500_and_the_connection_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def main(site: str) -> None:
        async with Place(True) as place:

            def broken(*_: object) -> Any:
                raise RuntimeError("broken")

            place.ingest._sites.find = broken  # type: ignore[assignment]  # noqa: SLF001
            answer = await place.ask(post(an_event(site=site), close=False))
            assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
            assert answer.endswith(b"\r\n\r\nInternal Server Error")

    asyncio.run(main(TRACKING_ID))  # at once
    asyncio.run(main("site_x"))  # after a look at Redis
    assert caplog.text.count("a request failed") == 2


def test_a_202_comes_only_after_the_append_and_clients_that_go_harm_nobody() -> None:
    async def main() -> None:
        async with Place(True) as place:
            place.producer.gate = asyncio.Event()
            gone = await asyncio.open_connection("127.0.0.1", place.port)
            gone[1].write(post(an_event(id="gone"), close=False))
            asking = [asyncio.create_task(place.ask(post(an_event(id=str(number))))) for number in range(5)]
            await asyncio.sleep(0.1)
            assert place.at_once == 6 and not any(task.done() for task in asking)
            gone[1].transport.abort()
            await asyncio.sleep(0.05)
            place.producer.gate.set()
            assert [answer[9:12] for answer in await asyncio.gather(*asking)] == [b"202"] * 5
            assert len(place.producer.events) == 6

    asyncio.run(main())


def test_requests_in_flight_are_answered_before_the_server_stops() -> None:
    async def main() -> None:
        async with Place(True) as place:
            place.producer.gate = asyncio.Event()
            asking = asyncio.create_task(place.ask(post(GOOD, close=False)))
            await asyncio.sleep(0.1)
            place.server.should_exit = True
            await asyncio.sleep(0.3)
            assert not asking.done()
            place.producer.gate.set()
            answer = await asking
            assert answer.startswith(b"HTTP/1.1 202") and b"\r\nconnection: close\r\n" in answer

    asyncio.run(main())


def test_deadlines_hold_on_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "RECEIVE_SECONDS", 0.4)

    async def main() -> None:
        async with Place(True) as place:
            assert (await place.ask(post(GOOD)[:-3])).startswith(b"HTTP/1.1 408"), "a body that never ends"
            place.server.config.timeout_keep_alive = 0  # uvicorn's own say is 5 s
            answer = await place.ask(post(GOOD, close=False))
            assert answer.startswith(b"HTTP/1.1 202"), "then the silent connection is closed"

    asyncio.run(main())


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 700), max_size=6), close=st.booleans())
def test_a_request_in_any_pieces_is_the_same_request(cuts: list[int], close: bool) -> None:
    whole = post(GOOD, *HEADERS["origin"], close=False) + post(an_event(id="e2"))
    edges = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[begin:end] for begin, end in itertools.pairwise(edges)]

    async def scenario(short: Place, long: Place) -> None:
        one, other = await asyncio.gather(short.ask(*pieces), long.ask(whole))
        assert one == other

    run(scenario)


def test_the_lines_are_events() -> None:
    async def scenario(short: Place, long: Place) -> None:
        await asyncio.gather(*(place.ask(post(RIGHT["mixed"])) for place in (short, long)))
        assert [type(line) for line in short.logged()] == [Event, Filtered]

    run(scenario)
