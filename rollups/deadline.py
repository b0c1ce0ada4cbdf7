"""How long this thread may still wait for ClickHouse, over however many queries; a socket's timeout counts each read.
And whether it may connect.

Without either nothing here does anything: a client then waits as long as it was made to.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from socket import socket
from typing import Any

from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.poolmanager import PoolManager

_until: ContextVar[float | None] = ContextVar("until", default=None)
_connected: ContextVar[bool] = ContextVar("connected", default=False)
_LEAST = 0.001  # a timeout of 0 would mean: do not wait


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked in this context has so many seconds in all, or fewer if it is within another deadline."""
    outer, until = _until.get(), time.monotonic() + seconds
    token = _until.set(until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _until.reset(token)


@contextmanager
def connected() -> Iterator[None]:
    """Within it no client connects: all that is said on connections that were there is said to one life of the server.

    A connection that was lost stays lost. (One that is alive leads to where it always led.)
    """
    token = _connected.set(True)
    try:
        yield
    finally:
        _connected.reset(token)


def left() -> float | None:
    """Seconds until the deadline, never less than a moment; None without one."""
    until = _until.get()
    return None if until is None else max(_LEAST, until - time.monotonic())


def over() -> bool:
    """Whether the deadline has passed."""
    until = _until.get()
    return until is not None and time.monotonic() >= until


def pool_manager(**options: Any) -> PoolManager:
    """Connections that keep to the deadline while they connect, send and read, however the other side drips."""
    manager: PoolManager = get_pool_manager(**options)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


class _Paced(io.RawIOBase):
    """A socket's bytes; each read has what is left."""

    def __init__(self, raw: Any, sock: socket) -> None:
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = left()
        if seconds is None:
            return self._read(buffer)
        if over():
            raise TimeoutError("timed out")
        before = self._sock.gettimeout()
        self._sock.settimeout(seconds if before is None else min(before, seconds))
        try:
            return self._read(buffer)
        finally:
            self._sock.settimeout(before)

    def _read(self, buffer: Any) -> int | None:
        found: int | None = self._raw.readinto(buffer)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Paced(self.fp.detach(), sock))


class _Bounded:
    """What both connections have in common."""

    response_class: Any = _Response
    timeout: Any
    sock: Any

    def connect(self) -> None:
        if _connected.get():
            raise ConnectionAbortedError("the connection to ClickHouse was lost within a batch")
        seconds = left()
        if seconds is not None:
            self.timeout = min(float(self.timeout), seconds)
        super().connect()  # type: ignore[misc]

    def send(self, data: Any) -> None:
        seconds = left()
        if seconds is not None and self.sock is not None:
            self.sock.settimeout(seconds)  # of all that is sent at once
        super().send(data)  # type: ignore[misc]


class _Connection(_Bounded, HTTPConnection):
    pass


class _SecureConnection(_Bounded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
