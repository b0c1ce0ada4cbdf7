"""A TCP server between a client and a service, through which the answers come as a test likes, or not at all."""

import contextlib
import socket
import threading
import time

PASS = "pass"
SWALLOW = "takes the question and says nothing"
BEGIN = "begins its answer and stops"
DRIP = "drips its answer"
SHUT = "takes no connection"
HANGING = (SWALLOW, BEGIN, DRIP, SHUT)

_DRIP_SECONDS = 0.3
_BEGINNING = 40  # bytes: within the head of an answer


class Gate:
    """`mode` may be changed at any moment and holds for connections that are there too; use as a context manager.

    What a client sends is passed on unless it holds `swallowed`.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._ended = threading.Event()
        self._held = contextlib.ExitStack()  # every socket there is, until the end
        self._holding = threading.Lock()
        self.mode = PASS
        self.swallowed = b""
        self.asked = 0  # pieces that clients sent
        self._listener = self._hold(socket.create_server(("127.0.0.1", 0), backlog=0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Gate":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._holding:
            self._ended.set()
            self._held.close()

    def _hold(self, made: socket.socket) -> socket.socket:
        """Raises OSError after the end: nobody would close it any more."""

        def close() -> None:
            with contextlib.suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
            made.close()

        with self._holding:
            self._held.callback(close)
            if self._ended.is_set():
                self._held.close()
                raise OSError("ended")
        return made

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                if self.mode == SHUT:
                    time.sleep(0.02)
                    continue
                client = self._hold(self._listener.accept()[0])
                server = self._hold(socket.create_connection(self._target))
                threading.Thread(target=self._questions, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _questions(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(65536):
                self.asked += 1
                if self.swallowed and self.swallowed in piece:
                    self._ended.wait()
                # The local door answers only under the address that it listens on.
                server.sendall(
                    piece.replace(b"Host: 127.0.0.1:%d" % self.port, b"Host: 127.0.0.1:%d" % self._target[1])
                )
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if self.mode == BEGIN:
                    client.sendall(piece[:_BEGINNING])
                    piece = piece[_BEGINNING:]
                while self.mode in (SWALLOW, BEGIN, SHUT) and not self._ended.wait(0.02):
                    pass
                while self.mode == DRIP and piece and not self._ended.wait(_DRIP_SECONDS):
                    client.sendall(piece[:1])
                    piece = piece[1:]
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
