"""What systemd is told of a service (`Type=notify`, sd_notify(3)); nothing where nobody listens."""

import os
import socket
from contextlib import suppress

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"
_FOR_EVER = 3600.0


class Notifier:
    """Speaks for this process alone: what it starts finds neither socket nor watchdog in its environment."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        own = os.environ.pop("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self._seconds = int(microseconds) / 2e6 if own and microseconds.isdecimal() else _FOR_EVER

    def tell(self, state: str) -> None:
        """Does not block; a message that nobody takes is lost."""
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
                out.sendto(state.encode(), self._address)

    def alive(self) -> float:
        """Tell the watchdog; returns the seconds until it has to be told again."""
        if self._seconds < _FOR_EVER:
            self.tell(ALIVE)
        return self._seconds
