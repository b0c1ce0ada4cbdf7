"""A bounded HTTP load on loopback: prepared requests over keep-alive connections, latencies kept."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Answers by status, latencies in ms, and the wall seconds of the whole run."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """One HTTP/1.1 request, ready to be written."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(port: int, requests: Iterator[bytes], connections: int) -> Outcome:
    """Send every request once, `connections` at a time, to 127.0.0.1:port."""
    outcome = Outcome()
    start = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = [_Client(requests, outcome) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    outcome.seconds = time.perf_counter() - start
    return outcome


class _Client(asyncio.Protocol):
    """One connection. It has little to do with an answer, or a machine of few cores measures the client."""

    def __init__(self, requests: Iterator[bytes], outcome: Outcome) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._outcome = outcome
        self._received = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data
        end = received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        place = received.find(b"content-length: ") + 16
        if len(received) < end + int(received[place : received.index(b"\r", place)]):
            return
        self._received = b""
        self._outcome.latencies.append((time.perf_counter() - self._sent) * 1000)
        self._outcome.statuses[int(received[9:12])] += 1
        self._send()

    def _send(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._sent = time.perf_counter()
            self._transport.write(following)
