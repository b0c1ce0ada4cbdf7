"""ClickHouse's data gone, in whole or in part, while the log and Redis live: told, never made over, brought back."""

import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.deploy.stack import Stack, throughline
from tests.faults.world import clickhouse

pytestmark = pytest.mark.services


def pageview(site: dict[str, Any], number: int) -> dict[str, object]:
    url = f"https://{site['domain']}/page-{number % 7}"
    return {
        "site": site["tracking_id"],
        "type": "pageview",
        "id": f"e{number}",
        "visitor": f"v{number % 5}",
        "url": url,
    }


def post(stack: Stack, site: dict[str, Any], numbers: range) -> None:
    for number in numbers:
        assert stack.request("POST", "/e", pageview(site, number), key="").status == 202


def counted(stack: Stack, site: dict[str, Any], pageviews: int) -> None:
    path = f"/api/sites/{site['id']}/analytics/dashboard"
    stack.wait_for(path, lambda answer: answer["pageviews"] >= pageviews)
    assert stack.get(path)["pageviews"] == pageviews
    assert "no difference" in stack.command("verify")


def refused(stack: Stack) -> str:
    command = [*throughline(), "up", "--data", str(stack.data), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=stack.env)
    assert done.returncode == 1 and "ready" not in done.stdout
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("throughline: "))
    return said


def restored(stack: Stack) -> list[str]:
    """Start with what is left, and once more without a word."""
    stack.flags = ("--restore",)
    stack.lines = []
    stack.start()
    said = [line for line in stack.lines if line.startswith("restored: ")]
    stack.flags = ()
    stack.stop()
    stack.start()
    return said


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path / "data")


def test_all_of_it_gone_is_told_and_what_others_hold_comes_back(stack: Stack) -> None:
    with stack:
        site, other = stack.site("gone.example"), stack.site("deleted.example")
        assert stack.request("DELETE", f"/api/sites/{other['id']}").status == 204
        changed = stack.request(
            "PATCH", f"/api/sites/{site['id']}", {"settings": {"timezone": "Asia/Kathmandu"}}
        ).json()
        stack.command("account", "create", "second@example.com")
        made = stack.command("key", "create", "--account", "admin@localhost").strip()
        post(stack, site, range(30))
        counted(stack, site, 30)
        first = stack.first_run
        stack.stop()
        shutil.rmtree(stack.data / "clickhouse" / "engine")

        for _ in range(2):  # saying so makes nothing
            said = refused(stack)
            assert "ClickHouse's data is gone" in said and "up --restore" in said and "backup" in said
        said_restored = restored(stack)
        assert any("admin@localhost" in line for line in said_restored)
        assert stack.first_run == first
        answer = stack.request("POST", "/api/login", {"email": first["email"], "password": first["password"]}, key="")
        assert answer.status == 200
        assert stack.request("GET", "/api/me", key=made).status == 401
        (found,) = stack.get("/api/sites")
        assert found["id"] == site["id"]
        assert stack.get(f"/api/sites/{site['id']}")["settings"] == changed["settings"]
        post(stack, site, range(20, 50))  # ten of them are known
        counted(stack, site, 50)
        new = stack.site("new.example")
        post(stack, new, range(5))
        counted(stack, new, 5)


@pytest.mark.parametrize("table", ["registry", "logs", "progress", "events", "sessions", "decision"])
def test_a_table_gone_is_told(stack: Stack, table: str) -> None:
    with stack:
        site = stack.site("gone.example")
        post(stack, site, range(20))
        counted(stack, site, 20)
        with closing(clickhouse(stack)) as client:
            client.command(f"DROP TABLE {table} SYNC")
        assert f"`{table}`" in stack.command("status")
        stack.stop()
        said = refused(stack)
        assert f"ClickHouse lost `{table}`" in said
        if table in ("registry", "logs"):
            assert f"restored: table {table} made again" in restored(stack)
        else:
            assert "backup" in said and "clickhouse/engine" in said
            shutil.rmtree(stack.data / "clickhouse" / "engine")
            restored(stack)
        post(stack, site, range(20, 30))
        counted(stack, site, 30)


def test_a_worker_does_not_count_over_what_it_knows_nothing_of(stack: Stack) -> None:
    with stack:
        site = stack.site("gone.example")
        post(stack, site, range(20))
        counted(stack, site, 20)
        with closing(clickhouse(stack)) as client:
            client.command("TRUNCATE TABLE progress")
            stack.kill_part("worker")
            post(stack, site, range(20, 30))
            stack.wait_for("/api/sites", lambda _: any("does not know how far" in line for line in stack.lines))
            assert client.query("SELECT count() FROM events").result_rows == [(20,)]
        assert "ClickHouse lost `progress`" in stack.command("status")
        assert "ClickHouse lost `progress`" in stack.command("restore", code=1)


def test_its_redis_gone_is_told_and_counting_goes_on(stack: Stack) -> None:
    with stack:
        site = stack.site("gone.example")
        post(stack, site, range(20))
        counted(stack, site, 20)
        log = stack.command("log", "list").split()[0]
        redis = Redis.from_url(json.loads((stack.data / "stack.json").read_text())["redis"])
        redis.close()
        stack.stop()
        for name in ("appendonlydir", "appendonly.aof", "dump.rdb"):
            path = stack.data / "redis" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        stack.lines = []
        stack.start()
        assert any(f"the event log in use is not {log}" in line for line in stack.lines)
        assert f"is not {log}" in stack.command("status")
        post(stack, site, range(20, 30))
        counted(stack, site, 30)
        assert "is not" not in stack.command("status")
