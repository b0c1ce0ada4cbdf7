"""ClickHouse's data gone, in whole or in part, while the log and Redis live: told, never made over, brought back."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from api.registry.change import create_account, create_key, create_site
from api.registry.secret import is_password
from api.registry.store import Registry
from deploy import wiring
from deploy.gone import missed, restore
from deploy.settings import Settings
from ingest.contract import snapshot
from rollups.client import connect
from rollups.lost import lost
from rollups.migrate import SCHEMA, migrate
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack, throughline
from tests.faults.world import clickhouse
from tests.services.schema import migrated

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
    """Start with what is left."""
    stack.flags = ("--restore",)
    stack.lines = []
    stack.start()
    stack.flags = ()
    return [line for line in stack.lines if line.startswith("restored: ")]


def test_a_setup_or_an_upgrade_that_ended_in_between_has_lost_nothing(
    clickhouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted(SCHEMA.glob("*.sql"))
    monkeypatch.setattr("rollups.migrate.SCHEMA", tmp_path)
    with closing(connect(clickhouse_url)) as client:
        assert lost(client) == []
        for number, file in enumerate(files, 1):
            shutil.copy(file, tmp_path)
            if number >= 2:  # the first two are a setup's own
                migrate(clickhouse_url, rollups={})
                assert lost(client) == []
        client.command("DROP TABLE logs")
        assert lost(client) == ["logs"]


@pytest.fixture
def registry(clickhouse_url: str, redis_url: str) -> Iterator[Registry]:
    """Two accounts with a key and a site each, in an order that puts a site last."""
    migrated(clickhouse_url)
    with closing(connect(clickhouse_url)) as client, closing(Redis.from_url(redis_url)) as redis:
        made = Registry(client, redis, wiring.now)
        made.refresh()
        for number in range(2):
            account = create_account(made, f"person{number}@example.com", "long enough.")
            create_key(made, account.id)
            create_site(made, account.id, f"Site {number}", f"shop{number}.example")
        yield made


def settings_of(clickhouse_url: str, redis_url: str) -> Settings:
    return Settings(clickhouse=clickhouse_url, redis=redis_url, event_log=redis_url)


def test_every_owner_of_a_site_gets_an_account_again(registry: Registry, clickhouse_url: str, redis_url: str) -> None:
    settings, before = settings_of(clickhouse_url, redis_url), registry.state
    assert missed(settings) is None and restore(settings) == []
    with closing(connect(clickhouse_url)) as client:
        client.command("TRUNCATE TABLE registry")
        assert "ClickHouse's data is gone" in (missed(settings) or "")
        said = "\n".join(restore(settings))
        assert missed(settings) is None and restore(settings) == []
        after = wiring.registry(settings).state
        assert after.site_by_id == before.site_by_id and after.account_by_id.keys() == before.account_by_id.keys()
        assert after.key_by_id == {} and after.revision > before.revision
        for account in after.account_by_id.values():
            password = re.search(rf"{re.escape(account.email)}, its new password: (\S+)", said)
            assert password and is_password(password[1], account.password)
        new = create_site(wiring.registry(settings), account.id, "New", "new.example")
        assert snapshot.published(wiring.redis_client(settings)).by_id.keys() == {*before.site_by_id, new.id}


def test_an_older_registry_gets_what_came_after_it(registry: Registry, clickhouse_url: str, redis_url: str) -> None:
    settings, before = settings_of(clickhouse_url, redis_url), registry.state
    with closing(connect(clickhouse_url)) as client:
        client.command("ALTER TABLE registry DELETE WHERE revision > 5", settings={"mutations_sync": 1})
        assert "ends at revision 5" in (missed(settings) or "")
        restore(settings)
        after = wiring.registry(settings).state
        assert after.account_by_id == before.account_by_id and after.key_by_id == before.key_by_id
        assert after.site_by_id.keys() == before.site_by_id.keys()
        assert missed(settings) is None and after.revision > before.revision


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(prepared(tmp_path / "data"))


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
        stack.stop()
        stack.start()  # without a word
        assert stack.first_run == first
        (password,) = re.findall(r"admin@localhost, its new password: (\S+)", "\n".join(said_restored))
        answer = stack.request("POST", "/api/login", {"email": first["email"], "password": password}, key="")
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


TABLES = ["logs", "events"]  # one that is made again, one that is not
LONG = [pytest.param(table, marks=pytest.mark.nightly) for table in ("registry", "progress", "sessions", "decision")]


@pytest.mark.parametrize("table", [*TABLES, *LONG])
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
        if table not in ("registry", "logs"):
            assert "backup" in said and "clickhouse/engine" in said  # without which all of it is gone
            return
        assert f"restored: table {table} made again" in restored(stack)
        post(stack, site, range(20, 30))
        counted(stack, site, 30)


def test_a_worker_does_not_count_over_what_it_knows_nothing_of(stack: Stack) -> None:
    with stack:
        site = stack.site("gone.example")
        for some in (range(10), range(10, 20)):  # two batches
            post(stack, site, some)
            counted(stack, site, some.stop)
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
