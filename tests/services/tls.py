"""Certificates of a test's own authority, by the openssl program, and TLS in front of a server that has none."""

import asyncio
import shutil
import ssl
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import ServiceUnavailable


@dataclass(frozen=True)
class Authority:
    """An authority's certificate, and what it made for `127.0.0.1`: certificate, key, and both in one file."""

    ca: Path
    cert: Path
    key: Path
    pem: Path


def authority(folder: Path, host: str = "IP:127.0.0.1") -> Authority:
    """Make one. Blocks for a moment. Raises ServiceUnavailable."""
    if shutil.which("openssl") is None:
        raise ServiceUnavailable("TLS: no openssl to make certificates with")
    folder.mkdir(parents=True, exist_ok=True)
    made = Authority(*(folder / name for name in ("ca.pem", "cert.pem", "key.pem", "both.pem")))
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    new = ["openssl", "req", "-x509", *kind]
    own = ["-keyout", f"{folder}/ca.key", "-out", f"{made.ca}", "-subj", "/CN=test authority"]
    signed = ["-CA", f"{made.ca}", "-CAkey", f"{folder}/ca.key", "-subj", "/CN=test"]
    extension = ["-addext", f"subjectAltName={host}", "-addext", "basicConstraints=critical,CA:FALSE"]
    for rest in (own, ["-keyout", f"{made.key}", "-out", f"{made.cert}", *signed, *extension]):
        done = subprocess.run([*new, *rest], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServiceUnavailable(f"TLS: {done.stderr.strip().splitlines()[-1]}")
    made.pem.write_text(made.key.read_text() + made.cert.read_text())
    return made


class TlsProxy:
    """TLS before the HTTP server at the port; use as a context manager."""

    def __init__(self, by: Authority, target: int) -> None:
        self._target = target
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(by.cert, by.key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> "TlsProxy":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        # The local door answers only under the address that it listens on.
        own, far = b"127.0.0.1:%d" % self.port, b"127.0.0.1:%d" % self._target
        try:
            await asyncio.gather(
                _pass_on(reader, far_writer, (b"Host: " + own, b"Host: " + far)), _pass_on(far_reader, writer)
            )
        finally:
            far_writer.transport.abort()
            writer.transport.abort()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: tuple[bytes, bytes] = (b"", b"")
) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece.replace(*change) if change[0] else piece)
            await writer.drain()
    writer.close()
