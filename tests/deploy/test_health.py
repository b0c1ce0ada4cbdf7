"""`/health` of the whole: answers in pieces, parts that hang, and what a worker says of itself."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from deploy import health
from deploy.health import Check, Health, watch
from deploy.stack import _free_port
from deploy.worker import serve_metrics
from rollups.client import ClickHouseUnavailable
from workers.report import Report


async def told(pieces: list[bytes], ends: bool = True) -> dict[str, str]:
    """What is shown of a part that answers in these pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.05)
            if not ends:
                await reader.read()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        return await Health([watch("worker-1", f"http://127.0.0.1:{port}/health")]).state()
    finally:
        server.close()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))


def test_the_whole_answer_is_read() -> None:
    body = json.dumps({"parts": {"worker": "ok", "partition 0": "Redis is away", "event log": "gone"}}).encode()
    head = b"HTTP/1.0 503 Service Unavailable\r\n"
    pieces = [head[:7], head[7:], b"\r\n", body[:20], body[20:]]
    assert asyncio.run(told(pieces)) == {"worker-1": "partition 0: Redis is away; event log: gone"}
    assert asyncio.run(told([b"HTTP/1.0 2", b"00 OK\r\n\r\n{}"])) == {"worker-1": "ok"}


def test_an_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_MAX_BYTES", 1000)
    state = asyncio.run(told([b"HTTP/1.0 503 no\r\n\r\n" + b"x" * 2000], ends=False))
    assert state == {"worker-1": "x" * 500}


def test_a_part_that_hangs_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.2)
    assert asyncio.run(told([b"HTTP/1.0 200 OK\r\n"], ends=False)) == {"worker-1": "no answer within 0.2 s"}

    async def fails() -> Mapping[str, str]:
        raise KeyError("redis://user:password@host")

    assert asyncio.run(Health([Check("ingest", fails)]).state()) == {"ingest": "cannot be asked: KeyError"}


def test_a_worker_says_what_ails_it_and_names_no_store() -> None:
    port, report = _free_port(), Report(time.monotonic())
    serve_metrics("127.0.0.1", port, lambda: report.health(time.monotonic()), lambda: report.lately(time.monotonic()))
    url = f"http://127.0.0.1:{port}/health"
    report.turned({0}, time.monotonic())
    report.counted(0, 42, time.monotonic())
    with closing(urlopen(url)) as answer:
        body = json.load(answer)
    assert body["status"] == "ok"
    assert body["lately"]["partition 0"].startswith("counted up to 42")
    report.failed(0, ClickHouseUnavailable("http://u:secret@10.9.8.7 timed out"), 3, 42, time.monotonic() - 11)
    with pytest.raises(HTTPError) as refused:
        urlopen(url)
    assert refused.value.code == 503
    with closing(refused.value) as answer:
        text = answer.read().decode()
    assert "ClickHouse does not answer, the batch at 42, for 11 s, 3 attempts" in text
    assert "10.9.8.7" not in text
    state = asyncio.run(Health([watch("worker-1", url)]).state())
    assert state["worker-1"].startswith("partition 0: ClickHouse does not answer")
