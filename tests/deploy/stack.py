"""A whole stack for tests: started in a folder on a free port, talked to over HTTP, killed part by part."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120.0  # not a measure: CI machines share their cores


class Answer:
    """Status, headers and body of a response."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)


class Stack:
    """`throughline up` as a process of its own; use it as a context manager."""

    def __init__(self, data: Path, *flags: str, env: dict[str, str] | None = None) -> None:
        self.data = data
        self.flags = flags
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self.lines: list[str] = []
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def start(self, port: int = 0) -> "Stack":
        """Start and wait until it is ready."""
        command = [*throughline(), "up", "--data", str(self.data), "--port", str(port), *self.flags]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env, cwd=ROOT
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        assert self._ready.wait(READY_SECONDS) and self.url, "\n".join(self.lines)
        return self

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(30)
        self._close()
        return code

    def kill(self) -> None:
        """kill -9 of `up` itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._close()

    def parts(self) -> dict[str, int]:
        """The processes of the parts that run now, by a word of their command."""
        assert self.process is not None
        found: dict[str, int] = {}
        names = {
            "redis-server": "redis",
            "deploy.local.clickhouse": "clickhouse",
            "deploy.web": "web",
            "deploy.worker": "worker",
        }
        for pid in children(self.process.pid):
            command = command_of(pid)
            for word, name in names.items():
                if word in command:
                    found[name if name not in found else f"{name}-{pid}"] = pid
        return found

    def kill_part(self, name: str) -> None:
        """kill -9 of one part, and wait until `up` has said so."""
        seen = len(self.lines)
        os.kill(self.parts()[name], signal.SIGKILL)
        end = time.monotonic() + 30
        while not any(name in line and "SIGKILL" in line for line in self.lines[seen:]):
            assert time.monotonic() < end, self.lines
            time.sleep(0.05)

    @property
    def first_run(self) -> dict[str, str]:
        return dict(json.loads((self.data / "first-run.json").read_text()))

    @property
    def password(self) -> str:
        """Of the first account, as the first start told it."""
        (told,) = [line.split()[1] for line in self.lines if line.startswith("  password: ")]
        return told

    def describes(self) -> dict[str, str]:
        """The addresses of its stores."""
        return dict(json.loads((self.data / "stack.json").read_text()))

    def request(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Answer:
        """One request; `key` None: the first run's, "": none."""
        token = self.first_run["api_key"] if key is None else key
        sent = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **headers,
        }
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """A GET that must succeed."""
        answer = self.request("GET", path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def site(self, domain: str) -> dict[str, Any]:
        """A new site."""
        answer = self.request("POST", "/api/sites", {"name": domain, "domain": domain})
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json()
        return made

    def command(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Another throughline command on the same folder; returns what it said."""
        done = subprocess.run(
            [*throughline(), *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            env=self.env,
            cwd=ROOT,
            input=stdin,
            timeout=300,
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def wait_for(self, path: str, met: Any, seconds: float = 60.0) -> Any:
        """The first answer to a GET that meets the condition."""
        end, pause = time.monotonic() + seconds, 0.1
        while True:
            answer = self.get(path)
            if met(answer):
                return answer
            assert time.monotonic() < end, answer
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)  # a dashboard is a dozen statements

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("ready "):
                self.url = line.split()[1]
                self._ready.set()
        self._ready.set()

    def _close(self) -> None:
        self._reader.join(10)
        assert self.process is not None and self.process.stdout is not None
        self.process.stdout.close()


def throughline() -> list[str]:
    """The command line of this very tree, whatever is installed."""
    return [sys.executable, "-c", "from deploy.cli import main; main()"]


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(folder.name))
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
