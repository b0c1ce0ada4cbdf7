"""Bodies of the tracking endpoint that are too long, lie about their length, are compressed, or do not arrive."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.body import Refused, read_body
from ingest.contract.batch import MAX_BODY
from tests.ingest.fake import Stand, an_event


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ue0site', max_size=60).map(str.encode))
def test_no_body_is_a_500(body: bytes, shared_stand: Stand) -> None:
    """S8: fuzzing."""
    assert shared_stand.post(body).status_code in (400, 404)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_at_the_limit_passes_and_one_over_it_is_413(compressed: bool) -> None:
    """S5: body over the limit."""
    with Stand() as stand:
        for size, status in ((MAX_BODY, 202), (MAX_BODY + 1, 413)):
            body = json.dumps(an_event()).encode().ljust(size)
            headers = {"content_encoding": "gzip"} if compressed else {}
            assert stand.post(gzip.compress(body) if compressed else body, **headers).status_code == status


def test_a_chunked_body_over_the_limit_is_413_without_being_read_to_its_end() -> None:
    """S5: chunked, without a Content-Length."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BODY:
            sent += 65_536
            yield b" " * 65_536

    with Stand() as stand:
        response = stand.post(endless())
        assert response.status_code == 413
        assert response.headers["connection"] == "close"
    assert sent <= 2 * MAX_BODY


@pytest.mark.parametrize("length", ["1", "0", "-5", "nonsense", "²", "9" * 400])
def test_a_lying_content_length_does_not_help(length: str) -> None:
    """S5: lying Content-Length."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    with Stand() as stand:
        response = stand.run(stand.client.post("/e", content=body(), headers={b"content-length": length.encode()}))
        assert response.status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_413_in_bounded_memory(encoding: str) -> None:
    """S5: a compressed bomb; memory grows by < 10 MB."""
    pack = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(40)) + pack.flush()
    assert len(bomb) < MAX_BODY
    with Stand() as stand:
        stand.post(an_event())
        tracemalloc.start()
        response = stand.post(bomb, content_encoding=encoding)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert response.status_code == 413
        assert peak < 10_000_000


def test_compressed_events_are_read_and_broken_or_other_compression_refused() -> None:
    with Stand() as stand:
        body = json.dumps(an_event()).encode()
        assert stand.post(gzip.compress(body), content_encoding="gzip").status_code == 202
        assert stand.post(zlib.compress(body), content_encoding="deflate").status_code == 202
        assert stand.post(gzip.compress(body)[:-4], content_encoding="gzip").status_code == 400
        assert stand.post(body, content_encoding="gzip").status_code == 400
        assert stand.post(body, content_encoding="br").status_code == 415


def test_a_body_that_does_not_arrive_is_408() -> None:
    """S6: slow bodies, as far as the application sees them."""

    class Silent:
        headers: dict[str, str] = {}  # noqa: RUF012 - a stand-in

        async def stream(self) -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(60)

    async def main() -> None:
        with pytest.raises(Refused) as refused:
            await read_body(Silent(), deadline=0.05)  # type: ignore[arg-type]
        assert refused.value.status == 408

    asyncio.run(main())
