"""`throughline up`: the real parts as child processes of one supervisor, behind one port.

Nothing but the standard library is imported here: the supervisor starts at once and stays small.
"""

import contextlib
import http.client
import json
import random
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from deploy.folder import FIRST_RUN_FILE, Folder, StackError, private_folder, read_private, secret, write_private
from deploy.local import redis as local_redis
from deploy.notify import READY, STOPPING, Notifier
from deploy.room import hinders
from deploy.settings import Settings, environment
from deploy.supervise import Child, Part, Supervisor

REDIS, CLICKHOUSE, WEB, PREPARE, DEMO = "redis", "clickhouse", "web", "prepare", "demo"
_READY_SECONDS = 60.0
_RECOVERY_SECONDS = 600.0  # a large append-only file or engine folder takes its time to load
_FOREIGN_SECONDS = 10.0  # for stores whose addresses were given
_AGAIN = 75  # exit code of deploy.prepare
_FALSE_STARTS = 4  # of a store that has never answered


@dataclass(frozen=True)
class Ready:
    """A stack that serves; `first_run` is what its first start made, None once that was told."""

    url: str
    first_run: dict[str, str] | None


class Stack:
    """One stack on one folder. Construct, `start`, `run`, and always `stop`. For the main thread only."""

    def __init__(self, data: Path, settings: Settings, say: Callable[[str], None], *, restore: bool = False) -> None:
        """Take the folder and the port. `restore`: what ClickHouse lost, as far as it can be had. Raises StackError."""
        self._say = say
        self._restore = restore
        self._notifier = Notifier()
        self.folder = Folder(data)
        try:
            self._socket = listen(settings.host, settings.port)
        except StackError:
            self.folder.release()
            raise
        port = self._socket.getsockname()[1]
        host = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 - compared, not bound
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.base_path}"
        self._health = (host, port)
        self.settings = replace(settings, port=port, partitions=partitions(settings))
        self.supervisor = Supervisor(say, [self.folder.parts_lock])
        self.folder.tell("starting", self.url)

    def start(self) -> Ready | None:
        """Start every part and wait until all answer; None when a signal asked to stop meanwhile. Raises StackError."""
        if self._wait_for_room():
            return None
        waiting = self._start_stores()
        prepare = self.supervisor.start(self._prepare())
        outcome = self.supervisor.wait(lambda: self._all_answer(waiting), _RECOVERY_SECONDS)
        if outcome == "done":
            outcome = self._finish(prepare)
        if outcome == "done":
            self._start_services()
            if not self._prepared:  # new rollups wait for batches that only a worker can finish
                outcome = self._finish(self.supervisor.start(self._prepare()))
        if outcome == "done":
            outcome = self.supervisor.wait(self._healthy, _READY_SECONDS)
        if outcome == "stop":
            return None
        if outcome == "timeout":
            raise StackError(f"the stack is not ready after {_READY_SECONDS:g} s: {self._ailing()}")
        self.folder.tell("running", self.url)
        self._notifier.tell(READY)
        made = read_private(self.folder.path / FIRST_RUN_FILE)
        return Ready(self.url, made if "password" in made else None)

    def told(self) -> None:
        """What the first start made was told: its password is kept nowhere from now on. Raises OSError."""
        made = read_private(self.folder.path / FIRST_RUN_FILE)
        write_private(self.folder.path / FIRST_RUN_FILE, {name: made[name] for name in made if name != "password"})

    def run(self) -> None:
        """Keep every part running until SIGINT, SIGTERM or SIGHUP."""
        self.supervisor.run(self._notifier.alive)

    def stop(self) -> None:
        """Stop what serves, then the stores; give back port and folder. Ends within 10 s, whatever the parts do."""
        self.folder.tell("stopping", self.url)
        self._notifier.tell(STOPPING)
        self._socket.close()
        workers = [child.part.name for child in self.supervisor.children if child.part.name.startswith("worker")]
        self.supervisor.stop([[WEB, PREPARE, DEMO, *workers], [CLICKHOUSE], [REDIS]])
        self.folder.release()

    def start_demo(self) -> None:
        """Run the simulator beside the stack, once."""
        self.supervisor.start(self._python(DEMO, "deploy.demo", self.url, once=True))

    def _wait_for_room(self) -> bool:
        """Wait until there is enough to start on; True when a signal asked to stop meanwhile."""
        told = False
        while hindrance := self._hindrance(self.folder.path):
            if not told:
                self._say(f"waiting for room on the disk: {hindrance}")
                told = True
            if self.supervisor.pause(1.0):
                return True
        return False

    def _hindrance(self, folder: Path) -> str:
        return hinders(folder, self.settings.disk_reserve)

    def _redis_hindrance(self, redis: local_redis.LocalRedis) -> str:
        redis.sweep()
        return self._hindrance(redis.folder)

    def _start_stores(self) -> list[Callable[[], bool]]:
        """Start the stores that nobody gave an address for; fills in the addresses; returns what says they answer."""
        given, waiting, path = self.settings, [], self.folder.path
        if not given.redis:
            redis = local_redis.prepare(path / "redis", _free_port(), given.redis_memory)
            self.supervisor.start(
                Part(
                    REDIS,
                    redis.command,
                    stop_seconds=1.0,
                    tend=lambda: redis.fit_rewrites(self.settings.disk_reserve),
                    hindrance=lambda: self._redis_hindrance(redis),
                )
            )
            given = replace(given, redis=redis.url, disks=_joined(given.disks, redis.folder))
            waiting.append(redis.answers)
        if not given.clickhouse:
            port = _free_port()
            folder = path / "clickhouse"
            private_folder(folder)
            password = secret(folder / "password")  # the door reads it from there
            command = ["--data", str(folder), "--port", str(port), "--reserve", str(given.disk_reserve)]
            part = self._python(CLICKHOUSE, "deploy.local.clickhouse", *command, stop_seconds=2.0)
            self.supervisor.start(replace(part, hindrance=lambda: self._hindrance(folder)))
            address = f"http://default:{password}@127.0.0.1:{port}/throughline"
            given = replace(given, clickhouse=address, disks=_joined(given.disks, folder))
            waiting.append(lambda: _answers("127.0.0.1", port, "/ping")[0] == 200)
        self.settings = replace(given, event_log=given.event_log or given.redis)
        return waiting

    def _all_answer(self, waiting: list[Callable[[], bool]]) -> bool:
        for child in self.supervisor.children:
            if child.part.name in (REDIS, CLICKHOUSE) and child.failures >= _FALSE_STARTS:
                hint = f"; see {self.folder.path / 'redis' / 'redis.log'}" if child.part.name == REDIS else ""
                raise StackError(f"{child.part.name} does not start{hint}")
        return all(answers() for answers in waiting)

    def _prepare(self) -> Part:
        """Migrates the stores and makes the first account."""
        file = str(self.folder.path / FIRST_RUN_FILE)
        own = CLICKHOUSE in (child.part.name for child in self.supervisor.children)
        patience = _RECOVERY_SECONDS if own else _FOREIGN_SECONDS
        arguments = ["--first-run", file, "--url", self.url, "--patience", f"{patience:g}"]
        if self._restore:
            arguments.append("--restore")
        return self._python(PREPARE, "deploy.prepare", *arguments, once=True)

    def _start_services(self) -> None:
        self.folder.describe(
            {
                "url": self.url,
                "event_log": self.settings.event_log,
                "clickhouse": self.settings.clickhouse,
                "redis": self.settings.redis,
                "disks": self.settings.disks,
                "disk_reserve": self.settings.disk_reserve,
            }
        )
        watched = []
        for number in range(1, self.settings.workers + 1):
            name, port = f"worker-{number}", _free_port()
            self.supervisor.start(self._python(name, "deploy.worker", "--metrics-port", str(port), "--name", name))
            watched += ["--watch", f"{name}=http://127.0.0.1:{port}/health"]
        descriptor = self._socket.fileno()
        self.supervisor.start(self._python(WEB, "deploy.web", "--fd", str(descriptor), *watched, fds=[descriptor]))

    def _python(
        self,
        name: str,
        module: str,
        *arguments: str,
        fds: list[int] | None = None,
        stop_seconds: float = 6.5,
        once: bool = False,
    ) -> Part:
        return Part(
            name, [sys.executable, "-m", module, *arguments], environment(self.settings), fds or [], stop_seconds, once
        )

    def _finish(self, prepare: Child) -> str:
        outcome = self.supervisor.wait(lambda: prepare.ended() is not None, _RECOVERY_SECONDS)
        if outcome == "done":
            self.supervisor.forget(prepare)
            self._prepared = prepare.process.returncode == 0
            if prepare.process.returncode not in (0, _AGAIN):
                raise StackError("")  # it has said why itself
        return outcome

    def _healthy(self) -> bool:
        return _answers(*self._health, "/health")[0] == 200

    def _ailing(self) -> str:
        status, body = _answers(*self._health, "/health")
        with contextlib.suppress(ValueError, AttributeError):
            parts = json.loads(body)["parts"]
            return "; ".join(f"{name}: {state}" for name, state in parts.items() if state != "ok")
        return f"/health answers {status or 'nothing'}"


def partitions(settings: Settings) -> int:
    """Of a new log. A batch costs the same whatever is in it: more than workers give one machine nothing but work."""
    return settings.partitions or settings.workers


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, held here, so that connections wait while the web process is started again."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # "::" is every address, of IPv4 too
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(2048)
    except socket.gaierror:
        raise StackError(f"--host {host} is no address of this machine") from None
    except OSError as error:
        hint = "choose another with --port" if error.errno == 98 else error.strerror
        raise StackError(f"cannot listen on port {port} of {host}: {hint}") from None
    return listener


def _joined(disks: str, folder: Path) -> str:
    """`disks` with one folder more; `Settings.disk_folders` reads it."""
    return ",".join(filter(None, (disks, quote(str(folder)))))


def _free_port() -> int:
    """A loopback port that nobody listens on, below the range from which the kernel gives ports to clients."""
    for _ in range(200):
        port = random.randint(20_000, 32_000)  # noqa: S311 - no secret
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise StackError("no free loopback port between 20000 and 32000")


def _answers(host: str, port: int, path: str) -> tuple[int, bytes]:
    """Status and body of a GET, (0, b"") when nothing answers within two seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)  # `/health` waits for its parts
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
