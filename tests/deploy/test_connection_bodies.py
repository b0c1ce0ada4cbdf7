"""Bodies, chunks and pipelines on a real socket."""

import asyncio
import itertools
import re

import pytest

from deploy import connection
from tests.deploy.test_connection import exchange, served

KIB = 1024
HEAD_LIMIT = connection.MAX_HEADER_BYTES
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def posted(size: int, *headers: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: x", b"Content-Length: %d" % size, *headers, b"", b"a" * size])


def chunked(size: int, chunk: int) -> bytes:
    whole, rest = divmod(size, chunk)
    chunks = (b"%x\r\n" % chunk + b"a" * chunk + b"\r\n") * whole + (
        b"%x\r\n" % rest + b"a" * rest + b"\r\n" if rest else b""
    )
    return b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def statuses(answer: bytes) -> list[int]:
    return [int(line) for line in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def lengths(answer: bytes) -> list[int]:
    """The bodies of the answers, which are lengths."""
    return [int(body) for body in re.findall(rb"\r\n\r\n(\d+)", answer)]


def awkward(request: bytes) -> list[int]:
    """Places to cut a request at: in its head, around the blank line, at full 64 KiB, before its last byte."""
    body = request.index(b"\r\n\r\n") + 4
    cuts = {1, body // 2, body - 4, body - 3, body - 2, body - 1, body, body + 1, len(request) - 1}
    for full in range(64 * KIB, len(request) + 1, 64 * KIB):
        cuts |= {full - 1, full, full + 1, body + full - 1, body + full, body + full + 1}
    return sorted(cut for cut in cuts if 0 < cut < len(request))


@pytest.mark.parametrize("size", [1, 63 * KIB, 64 * KIB, 65 * KIB, 69_600, 128 * KIB, 255 * KIB, 256 * KIB])
def test_a_body_reaches_the_app_whatever_its_size_and_pieces(size: int) -> None:
    async def scenario(port: int) -> None:
        for request in (posted(size), chunked(size, 8 * KIB), chunked(size, size)):
            assert lengths(await exchange(port, request + LAST)) == [size, 0]
            assert lengths(await exchange(port, request, LAST, pause=0.02)) == [size, 0]
        request = posted(size)
        for cut in awkward(request):
            assert lengths(await exchange(port, request[:cut], request[cut:] + LAST, pause=0.002)) == [size, 0], cut
        cuts = [0, *awkward(request), len(request)]
        pieces = [request[begin:end] for begin, end in itertools.pairwise(cuts)]
        assert lengths(await exchange(port, *pieces, LAST, pause=0.002)) == [size, 0]

    served(scenario)


def test_a_body_above_the_limit_ends_with_413_and_not_with_431() -> None:
    async def scenario(port: int) -> None:
        for request in (posted(257 * KIB), chunked(257 * KIB, 64 * KIB)):
            for pieces in ([request], [request[:100], request[100:]], [request[: 64 * KIB], request[64 * KIB :]]):
                assert statuses(await exchange(port, *pieces, pause=0.02)) == [413]

    served(scenario)


def test_chunks_of_one_byte() -> None:
    async def scenario(port: int) -> None:
        assert lengths(await exchange(port, chunked(64 * KIB, 1) + LAST)) == [64 * KIB, 0]

    served(scenario)


@pytest.mark.parametrize("sizes", [[0] * 50, [69_600] * 3, [1, 255 * KIB, 1], [128 * KIB, 0, 128 * KIB]], ids=str)
def test_pipelined_requests_are_answered_in_order(sizes: list[int]) -> None:
    async def scenario(port: int) -> None:
        whole = b"".join(posted(size) for size in sizes) + LAST
        assert lengths(await exchange(port, whole)) == [*sizes, 0]
        for piece in (64 * KIB, 64 * KIB - 1, 100_000):
            pieces = [whole[at : at + piece] for at in range(0, len(whole), piece)]
            assert lengths(await exchange(port, *pieces)) == [*sizes, 0]
        # A body in one piece with a part of the next head.
        for more in (1, 20, 40):
            cut = len(posted(sizes[0])) + more
            assert lengths(await exchange(port, whole[:cut], whole[cut:], pause=0.02)) == [*sizes, 0]

    served(scenario)


def test_keep_alive_takes_one_large_body_after_the_other() -> None:
    async def scenario(port: int) -> None:
        sizes = [69_600, 255 * KIB, 1, 128 * KIB]
        answer = await exchange(port, *[posted(size) for size in sizes], LAST, pause=0.1)
        assert lengths(answer) == [*sizes, 0]

    served(scenario)


def test_a_request_behind_a_slow_one_is_not_late() -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"  # takes longer than receiving may

    async def scenario(port: int) -> None:
        request = posted(128 * KIB)
        head = request.index(b"\r\n\r\n") + 4
        for pieces in ([slow + request + LAST], [slow + request[: head + 1], request[head + 1 :] + LAST]):
            answer = await exchange(port, *pieces, pause=0.05)
            assert statuses(answer) == [200, 200, 200] and b"slow" in answer
            assert lengths(answer)[-2:] == [128 * KIB, 0]

    served(scenario)


@pytest.mark.parametrize("size", [0, 1, 69_600, 128 * KIB, 255 * KIB])
@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"a" * (HEAD_LIMIT + 100) + b"\r\n\r\n",
        b"GET /" + b"a" * (HEAD_LIMIT + 100) + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 500 * KIB,  # never completes
        b"GET /" + b"a" * 500 * KIB,
        b"GET / HTTP/1.1\r\n" + b"a" * 500 * KIB,
    ],
    ids=["header", "target", "10,000 headers", "endless header", "endless target", "endless name"],
)
def test_a_head_too_large_behind_a_body_is_refused_after_the_answer(head: bytes, size: int) -> None:
    async def scenario(port: int) -> None:
        first = posted(size)
        for pieces in ([first + head], [first, head], [first + head[:10], head[10:]]):
            answer = await exchange(port, *pieces, pause=0.02)
            assert statuses(answer) == [200, 431] and lengths(answer) == [size]

    served(scenario)


def test_what_is_refused_does_not_take_the_answer_of_what_was_asked_before() -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
    trailer = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: " + b"a" * 70_000

    async def scenario(port: int) -> None:
        for bad, status in (
            (b"GET / HTTP/1.1\r\nX: " + b"a" * 300 * KIB, 431),
            (trailer + b"\r\n\r\n", 431),
            (b"\0no http at all\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno chunk", 400),
            (b"GET / HTTP/1.1\r\nX: a", 408),
        ):
            answer = await exchange(port, slow + bad)
            assert statuses(answer) == [200, status] and b"slow" in answer, bad[:40]

    served(scenario)


def test_endless_pipelining_is_refused() -> None:
    async def scenario(port: int) -> None:
        answer = await exchange(port, b"GET / HTTP/1.1\r\n\r\n" * 5_000)
        assert statuses(answer) == [200] * (connection.MAX_PIPELINED + 1) + [429]

    served(scenario)


@pytest.mark.parametrize("before", [b"", b"1\r\na\r\n0\r\nX: "], ids=["size of a chunk", "trailer"])
def test_what_is_only_buffered_of_a_chunked_body_is_limited(before: bytes) -> None:
    async def scenario(port: int) -> None:
        start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + (before or b"1;x=")
        assert statuses(await exchange(port, start, *[b"a" * 16 * KIB] * 64)) == [431]

    served(scenario)


def test_trailers_are_limited_like_headers() -> None:
    async def scenario(port: int) -> None:
        start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
        answer = await exchange(port, start, b"X: " + b"a" * 1000 + b"\r\n", *[b"X: " + b"a" * 1000 + b"\r\n"] * 200)
        assert answer.startswith(b"HTTP/1.1 431")

    served(scenario)


def test_keep_alive_serves_many_requests() -> None:
    async def scenario(port: int) -> None:
        one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
        last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await exchange(port, *[one] * 8, last, pause=0.1)  # longer in all than one request may take
        assert answer.count(b"HTTP/1.1 200") == 9

    served(scenario)


def test_requests_in_flight_are_answered_before_the_server_stops() -> None:
    answers = []

    async def scenario(port: int) -> None:
        request = exchange(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        answers.append(asyncio.create_task(request))
        await asyncio.sleep(0.3)

    served(scenario)
    assert answers[0].result().endswith(b"slow")
