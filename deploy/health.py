"""What `/health` says: every part by name, "ok" or what ails it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

Check = Callable[[], Awaitable[Mapping[str, str]]]

_CHECK_SECONDS = 3.0
_FRESH_SECONDS = 0.5


class Health:
    """The state of all parts, asked at most twice a second however often `/health` is called."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = checks
        self._asked = 0.0
        self._state: dict[str, str] = {}
        self._asking = asyncio.Lock()

    async def state(self) -> dict[str, str]:
        """part → "ok" or what ails it; never raises, takes ≤ 3 s."""
        async with self._asking:
            if time.monotonic() - self._asked > _FRESH_SECONDS:
                answers = await asyncio.gather(*(_ask(check) for check in self._checks))
                self._state = {name: state for answer in answers for name, state in answer.items()}
                self._asked = time.monotonic()
        return self._state


def watch(name: str, url: str) -> Check:
    """A check that asks another process's `/health`."""
    parts = urlsplit(url)

    async def check() -> Mapping[str, str]:
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        except OSError:
            return {name: "does not answer"}
        try:
            writer.write(f"GET {parts.path or '/'} HTTP/1.0\r\n\r\n".encode())
            answer = await reader.read(65536)
        except OSError:
            return {name: "does not answer"}
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " in head.split(b"\r\n", 1)[0]:
            return {name: "ok"}
        return {name: body.decode("utf-8", "replace")[:500] or "does not answer"}

    return check


async def _ask(check: Check) -> Mapping[str, str]:
    name = getattr(check, "__qualname__", "part").split(".")[0].lower()
    try:
        return await asyncio.wait_for(check(), _CHECK_SECONDS)
    except TimeoutError:
        return {name: f"no answer within {_CHECK_SECONDS:g} s"}
    except Exception as error:
        return {name: f"{type(error).__name__}: {error}"}
