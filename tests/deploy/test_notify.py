"""Each service of a cluster as one of systemd's, on IPv6: it says when it is ready and when it stops."""

import http.client
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from deploy.prepare import migrate_stores
from deploy.settings import load
from tests.deploy.stack import ROOT, throughline
from tests.services.process import free_port

PATIENCE_SECONDS = 120.0


@pytest.mark.services
def test_every_service_tells_systemd_when_it_is_ready_and_when_it_stops(
    redis_url: str, clickhouse_url: str, tmp_path: Path
) -> None:
    addresses = {"event_log": redis_url, "redis": redis_url, "clickhouse": clickhouse_url}
    migrate_stores(load(addresses, {}))
    # The api first: it publishes the sites that ingest waits for.
    for role, port_of in (
        ("api", "PORT"),
        ("ingest", "PORT"),
        ("worker", "METRICS_PORT"),
    ):  # the api publishes the sites
        port, place = free_port(), tmp_path / role
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(place))
            systemd.settimeout(PATIENCE_SECONDS)
            given = {**addresses, "host": "::1", port_of: str(port)}
            env = {f"THROUGHLINE_{name.upper()}": value for name, value in given.items()}
            env |= {**os.environ, **env, "NOTIFY_SOCKET": str(place), "PYTHONPATH": str(ROOT)}
            with subprocess.Popen([*throughline(), role], env=env, cwd=tmp_path, stderr=subprocess.PIPE) as process:
                try:
                    assert systemd.recv(100) == b"READY=1"
                    assert healthy(port), role
                finally:
                    process.terminate()
                assert systemd.recv(100) == b"STOPPING=1"
                assert process.wait(PATIENCE_SECONDS) == 0


def healthy(port: int) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("::1", port, timeout=10)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return True
        finally:
            connection.close()
        time.sleep(0.1)
    return False
