"""What a connection answers directly, without the application's layers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

Answer: TypeAlias = Callable[[int, bytes, bytes, bool], None]  # status, header lines, body, last of the connection


@runtime_checkable
class Direct(Protocol):
    """Answers plain POSTs to one path, as the application does, without its layers."""

    direct_path: bytes
    direct_bytes: int  # of a body; a larger one is for the application

    def post_at_once(self, peer: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, answer: Answer) -> None:
        """Call `answer` once, now or later; what breaks at once is raised."""
        ...


class InHand:
    """The request that is answered directly, as uvicorn looks at one; there is never more than one a connection."""

    __slots__ = ("disconnected", "keep_alive", "more_body", "response_complete", "response_started")

    message_event = asyncio.Event()  # nobody waits for it

    def __init__(self) -> None:
        self.disconnected = self.response_started = False

    def begin(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.more_body = True
        self.response_complete = False
