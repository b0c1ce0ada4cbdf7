"""What `/health` says: every part by name, "ok" or what ails it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit


class Check(NamedTuple):
    """`ask` says how one or more parts do; `name` is what to call them when it does not."""

    name: str
    ask: Callable[[], Awaitable[Mapping[str, str]]]


_CHECK_SECONDS = 1.5
_FRESH_SECONDS = 0.5
_MAX_BYTES = 1 << 20


class Health:
    """The state of all parts, asked at most twice a second however often `/health` is called."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = checks
        self._asked = 0.0
        self._state: dict[str, str] = {}
        self._asking = asyncio.Lock()

    async def state(self) -> dict[str, str]:
        """part → "ok" or what ails it; never raises, takes ≤ 1.5 s."""
        async with self._asking:
            if time.monotonic() - self._asked > _FRESH_SECONDS:
                answers = await asyncio.gather(*(_ask(check) for check in self._checks))
                self._state = {name: state for answer in answers for name, state in answer.items()}
                self._asked = time.monotonic()
        return self._state


def watch(name: str, url: str) -> Check:
    """A check that asks another process's `/health`."""
    parts = urlsplit(url)

    async def ask() -> Mapping[str, str]:
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        except OSError:
            return {name: "does not answer"}
        try:
            writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\n\r\n".encode())
            answer = await _whole(reader)
        except OSError:
            return {name: "does not answer"}
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return {name: "ok" if b" 200 " in head.split(b"\r\n", 1)[0] else _said(body)}

    return Check(name, ask)


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """Everything until the other side closes; an answer comes in as many pieces as it likes."""
    answer = b""
    while len(answer) <= _MAX_BYTES and (piece := await reader.read(65536)):
        answer += piece
    return answer


def _said(body: bytes) -> str:
    """The parts that are not well, as the other process names them."""
    try:
        ailing = [f"{part}: {state}" for part, state in json.loads(body)["parts"].items() if state != "ok"]
    except (ValueError, LookupError, TypeError, AttributeError):
        ailing = []
    return "; ".join(ailing) or body.decode("utf-8", "replace")[:500] or "does not answer"


async def _ask(check: Check) -> Mapping[str, str]:
    try:
        return await asyncio.wait_for(check.ask(), _CHECK_SECONDS)
    except TimeoutError:
        return {check.name: f"no answer within {_CHECK_SECONDS:g} s"}
    except Exception as error:
        return {check.name: f"cannot be asked: {type(error).__name__}"}
