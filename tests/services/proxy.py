"""A TCP proxy that hands every request on and, when it is told to, loses the answer: the server has done what was
asked, and the client never hears of it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from random import Random
from typing import Any, TypeVar

HOLD_SECONDS = 1.0
WAYS = ("cut", "swallow", "hold")
T = TypeVar("T")


class Proxy:
    """Between clients on 127.0.0.1:`port` and a server on `target`, from `start` to `stop`.

    With `chance`, the answer to a request that `spoils` recognises meets one of the `ways`: the connection is *cut* in
    its place, it is *swallowed* (and all after it, until the client gives the connection up), or *held* for a second.
    `spoilt` counts answers that were there and were lost or held.
    """

    def __init__(
        self, target: int, spoils: Callable[[bytes], bool], seed: int, chance: float = 0.1, ways: Sequence[str] = WAYS
    ) -> None:
        self.spoilt: Counter[str] = Counter()
        self.chance = chance
        self.port = 0
        self._target, self._spoils, self._ways = target, spoils, ways
        self._random = Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._under_way: set[asyncio.Task[None]] = set()

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accept, "127.0.0.1", self.port))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _end(self) -> None:
        self._server.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _accept(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            server, requests = await asyncio.open_connection("127.0.0.1", self._target)
            fates: list[str] = []
            pumps = [
                asyncio.create_task(self._ask(client, requests, fates)),
                asyncio.create_task(self._answer(server, answers, fates)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                requests.close()
        except OSError:
            pass  # the server is away: the client sees its connection end
        except asyncio.CancelledError:
            pass
        finally:
            answers.close()
            self._under_way.discard(task)

    async def _ask(self, client: asyncio.StreamReader, requests: asyncio.StreamWriter, fates: list[str]) -> None:
        with suppress(OSError):
            while chunk := await client.read(1 << 16):
                if not fates and self._random.random() < self.chance and self._spoils(chunk):
                    fates.append(self._random.choice(self._ways))
                # A server that answers only under its own address is called by it.
                requests.write(chunk.replace(b"Host: 127.0.0.1:%d" % self.port, b"Host: 127.0.0.1:%d" % self._target))
                await requests.drain()

    async def _answer(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter, fates: list[str]) -> None:
        with suppress(OSError):
            while chunk := await server.read(1 << 16):
                if fates:
                    self.spoilt[fates[0]] += 1
                    if fates[0] == "cut":
                        return
                    if fates[0] == "swallow":
                        # The client's end of it is what ends this connection.
                        await asyncio.Event().wait()
                    await asyncio.sleep(HOLD_SECONDS)
                    fates.clear()
                answers.write(chunk)
                await answers.drain()
