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
    await asyncio.gather(*(_connection(port, requests, outcome) for _ in range(connections)))
    outcome.seconds = time.perf_counter() - start
    return outcome


async def _connection(port: int, requests: Iterator[bytes], outcome: Outcome) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for prepared in requests:
            start = time.perf_counter()
            writer.write(prepared)
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            await reader.readexactly(length)
            outcome.latencies.append((time.perf_counter() - start) * 1000)
            outcome.statuses[int(head[9:12])] += 1
    finally:
        writer.close()
