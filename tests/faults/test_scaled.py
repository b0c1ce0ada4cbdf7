"""Two of ingest, three workers, two of api as processes, scaled up and down under load: equal, whoever answers.

Holds of docs/reliability.md: R10, R26. It tells what was taken and counted a second at each size.
"""

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.deploy.stack import Answer, Stack, throughline
from tests.faults.conftest import Tell
from tests.faults.load import Load
from tests.faults.test_kills import must_equal
from tests.faults.test_repartition import in_order, killed
from tests.faults.world import clickhouse, site
from tests.services.process import free_port

pytestmark = pytest.mark.services

SEED = 20_261_128
SERVICES = ("ingest", "worker", "api")
SIZES = ((1, 1, 1), (2, 3, 2), (1, 2, 1), (2, 3, 2), (1, 1, 1))  # of each service, the stack's own included
PATIENCE_SECONDS = 120.0


class Cluster(Stack):
    """A stack with more processes of each service; a request goes to any that serves it."""

    random = Random(SEED)

    def __init__(self, data: Path, *flags: str, env: dict[str, str] | None = None) -> None:
        super().__init__(data, *flags, env=env)
        self.extras: dict[str, list[subprocess.Popen[bytes]]] = {name: [] for name in SERVICES}
        self.urls: dict[int, str] = {}  # of those that serve, by their pid
        self.output = (data.parent / "services").open("wb")

    def __exit__(self, *_: object) -> None:
        self.scale(dict.fromkeys(SERVICES, 1))
        self.output.close()
        super().__exit__()

    def scale(self, sizes: Mapping[str, int]) -> None:
        """Return once there are so many of each that are well."""
        for name, wanted in sizes.items():
            while len(self.extras[name]) < wanted - 1:
                self.join(name)
            while len(self.extras[name]) > wanted - 1:
                self.leave(name)

    def join(self, name: str) -> None:
        port = free_port()
        listening = ["--metrics-port" if name == "worker" else "--port", str(port)]
        command = [*throughline(), name, "--data", str(self.data), *listening]
        process = subprocess.Popen(command, stdout=self.output, stderr=self.output, env=self.env)
        self.extras[name].append(process)
        end = time.monotonic() + PATIENCE_SECONDS
        while not healthy(port):
            assert process.poll() is None and time.monotonic() < end, f"{name} is not well"
            time.sleep(0.2)
        if name != "worker":
            self.urls[process.pid] = f"http://127.0.0.1:{port}"

    def leave(self, name: str) -> None:
        process = self.extras[name].pop(self.random.randrange(len(self.extras[name])))
        self.urls.pop(process.pid, None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0

    def request(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Answer:
        name = "ingest" if path == "/e" else "api"
        own = self.url
        urls = [own, *(self.urls[each.pid] for each in [*self.extras[name]] if each.pid in self.urls)]
        return asked(self.random.choice(urls), method, path, body, self.first_run["api_key"] if key is None else key)


def asked(url: str, method: str, path: str, body: Any, key: str) -> Answer:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        connection.request(method, path, None if body is None else json.dumps(body).encode(), sent)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def healthy(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return asked(f"http://127.0.0.1:{port}", "GET", "/health", None, "").status == 200
    return False


def counted(stack: Stack) -> int:
    return int(clickhouse(stack).query("SELECT count() FROM events").result_rows[0][0])


@pytest.mark.nightly
@pytest.mark.parametrize("seconds", [12.0])
def test_each_service_scaled_up_and_down_under_load(
    log_flags: list[str], tmp_path: Path, seconds: float, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THROUGHLINE_PARTITIONS", "1")
    env = {"THROUGHLINE_ADDRESS_RATE": "0"}
    stack = Cluster(tmp_path / "data", "--workers", "1", *log_flags, env=env)
    with stack:
        with Load(stack, site(stack), SEED, clients=4, batch=20, pause=0.2) as load:
            for number, size in enumerate(SIZES):
                stack.scale(dict(zip(SERVICES, size, strict=True)))
                if number == 1:
                    # One partition gives one worker something to do. What it holds is counted when it can be.
                    killed(stack, 3, "wait", Random(SEED))
                taken, there, began = len(load.acknowledged), counted(stack), time.monotonic()
                time.sleep(seconds)
                spent = time.monotonic() - began
                told, took = dict(zip(SERVICES, size, strict=True)), len(load.acknowledged) - taken
                rates = f"{took / spent:.0f} events/s taken, {(counted(stack) - there) / spent:.0f} counted"
                tell(f"{told}: {rates}, {load.refused} refused so far")
        must_equal(load, logs=in_order(stack))
