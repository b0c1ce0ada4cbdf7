"""The one-machine stack from outside: first start, numbers, kill -9 of every part, wrong starts, orderly stops."""

import os
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.deploy.stack import Answer, Stack, command_of, gone, throughline

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("stack") / "data"
    (data / "clickhouse").mkdir(parents=True)
    for folder in (data, data / "clickhouse"):  # made before by somebody
        folder.chmod(0o755)
    with Stack(data) as running:
        yield running


def pageview(site: dict[str, str], number: int, visitor: str = "v") -> dict[str, object]:
    url = f"https://{site['domain']}/page-{number % 7}"
    return {"site": site["tracking_id"], "type": "pageview", "id": f"e{number}", "visitor": visitor, "url": url}


def failed_start(*flags: str, before: Sequence[str] = (), **env: str) -> tuple[int, str]:
    command = [*before, *throughline(), "up", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **env})
    return done.returncode, done.stdout + done.stderr


def test_the_first_start_tells_an_account_and_a_key_once(stack: Stack) -> None:
    first = stack.first_run
    assert stat.S_IMODE((stack.data / "first-run.json").stat().st_mode) == 0o600
    assert set(first) == {"url", "email", "api_key"}
    said = "\n".join(stack.lines)
    assert all(first[name] in said for name in ("email", "api_key"))
    body = {"email": first["email"], "password": stack.password}
    signed_in = stack.request("POST", "/api/login", body, key="")
    assert (signed_in.status, signed_in.json()["must_change_password"]) == (200, True)
    assert stack.request("GET", "/api/sites").status == 200


def test_nobody_else_reads_the_folder_and_no_password_is_an_argument(stack: Stack) -> None:
    modes: dict[Path, int] = {}
    for path in (stack.data, *stack.data.rglob("*")):
        with suppress(FileNotFoundError):  # parts come and go
            modes[path] = path.lstat().st_mode
    assert {"stack.json", "redis.conf", "engine.xml", "lock", "password"} <= {path.name for path in modes}
    assert [path for path, mode in modes.items() if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & 0o077] == []
    said = "\n".join(stack.lines)
    for store in ("redis", "clickhouse"):
        password = (stack.data / store / "password").read_text()
        assert f":{password}@127.0.0.1:" in (stack.data / "stack.json").read_text()
        assert password not in said and not any(password in command_of(pid) for pid in stack.parts().values())


def test_health_and_metrics_answer(stack: Stack) -> None:
    health = stack.request("GET", "/health", key="")
    assert health.status == 200
    assert set(health.json()["parts"].values()) == {"ok"} and "worker-1" in health.json()["parts"]
    assert stack.request("GET", "/api/me").status == 200 and stack.request("GET", "/api/no", key="").status == 401
    shown = stack.request("GET", "/metrics", key="").body.decode()
    assert "throughline_ingest_events_total" in shown
    assert 'throughline_api_seconds_count{endpoint="me"}' in shown
    assert 'throughline_api_responses_total{endpoint="",status="401"}' in shown


def test_a_posted_pageview_is_in_the_answer(stack: Stack) -> None:
    site = stack.site("first.example")
    assert stack.request("POST", "/e", pageview(site, 1), key="").status == 202
    answer = stack.wait_for(
        f"/api/sites/{site['id']}/analytics/dashboard", lambda answer: answer["total_sessions"] == 1
    )
    assert answer["top_pages"] == [{"page": "/page-1", "count": 1}]


def test_what_was_changed_holds_for_the_next_event(stack: Stack) -> None:
    """Not a second later: whoever changes a setting or deletes a site may post behind the answer."""
    site = stack.site("changed.example")
    path = f"/api/sites/{site['id']}"

    def posted(host: str) -> Answer:
        event = {"site": site["tracking_id"], "type": "pageview", "url": f"https://{host}/"}
        return stack.request("POST", "/e", event, key="")

    assert posted("changed.example").json()["accepted"] == 1
    for number in range(20):
        host = f"host{number}.example"
        assert stack.request("PATCH", path, {"settings": {"hosts": [host]}}).status == 200
        assert posted(host).json()["accepted"] == 1
        assert posted(f"host{number - 1}.example").json()["filtered"] == {"host": 1}
    assert stack.request("DELETE", path).status == 204
    assert posted("changed.example").status == 404


def test_commands_find_the_stack_by_its_folder(stack: Stack) -> None:
    made = stack.command("site", "create", "cli.example", "--name", "By hand")
    assert "site_" in made
    assert "cli.example  By hand" in stack.command("site", "list")
    assert "nothing waits" in stack.command("status")
    assert "nothing to do" in stack.command("migrate")
    secret = stack.command("key", "create").strip()
    assert stack.request("GET", "/api/sites", key=secret).status == 200
    shown = next(line for line in stack.command("key", "list").splitlines() if secret[-4:] in line)
    stack.command("key", "revoke", shown.split()[0])
    end = time.monotonic() + 10
    while stack.request("GET", "/api/sites", key=secret).status != 401:
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_copy_of_the_folder_is_not_the_folder_of_the_running_stack(stack: Stack, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stack.data, copy, ignore=lambda folder, _: ["store", "data"] if "clickhouse" in folder else [])
    for command in (["status"], ["site", "list"], ["key", "create"], ["verify"], ["demo"]):
        done = subprocess.run(
            [*throughline(), *command, "--data", str(copy)], capture_output=True, text=True, timeout=60, env=stack.env
        )
        assert done.returncode == (2 if command == ["verify"] else 1), command
        assert re.search("folder of a running stack|no stack runs in the folder", done.stderr), done.stderr
        assert done.stderr.count("\n") == 1
    assert "nothing waits" in stack.command("status")


def test_a_second_start_on_the_folder_is_refused(stack: Stack) -> None:
    code, said = failed_start("--data", str(stack.data), "--port", "0")
    assert code == 1
    assert said.startswith("throughline: a stack already runs in ") and said.count("\n") == 1


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = failed_start("--data", str(tmp_path / "data"), "--port", str(port))
    assert (code, said) == (
        1,
        f"throughline: cannot listen on port {port} of 127.0.0.1: choose another with --port\n",
    )


def test_a_wrong_clickhouse_is_one_sentence(tmp_path: Path) -> None:
    code, said = failed_start("--data", str(tmp_path), "--port", "0", "--clickhouse", "http://u:secret@127.0.0.1:1/db")
    assert code == 1
    assert said == "throughline: ClickHouse at http://127.0.0.1:1/db cannot be used: Connection refused\n"


def test_a_data_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = failed_start("--data", str(tmp_path / "file"))
    assert code == 1 and said.startswith("throughline: cannot write to the data folder") and said.count("\n") == 1


@pytest.mark.parametrize("taken", ["", "redis", "clickhouse"])
def test_rights_that_were_taken_away_after_the_first_start_are_one_sentence(tmp_path: Path, taken: str) -> None:
    for folder in ("data/redis", "data/clickhouse"):
        (tmp_path / folder).mkdir(parents=True, mode=0o700)
    path = (tmp_path / "data" / taken).absolute()
    path.chmod(0o500)
    # Root may write everywhere unless it gives that up.
    bounded = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    code, said = failed_start("--data", str(tmp_path / "data"), "--port", "0", before=bounded)
    path.chmod(0o700)
    assert (code, said) == (1, f"throughline: cannot write to the data folder {path}: Permission denied\n")


def test_a_data_folder_behind_a_link_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "real")
    code, said = failed_start("--data", str(tmp_path / "data"))
    assert code == 1 and said.startswith("throughline: the data folder") and said.count("\n") == 1


@pytest.mark.parametrize("part", ["worker", "web", "redis", "clickhouse"])
def test_a_killed_part_is_started_again_and_nothing_acknowledged_is_lost(stack: Stack, part: str) -> None:
    site = stack.site(f"{part}.example")
    acknowledged = 0
    for number in range(60):
        if number == 20:
            stack.kill_part(part)
        try:
            status = stack.request("POST", "/e", pageview(site, number), key="").status
        except (OSError, HTTPException):  # the web process died with our connection
            status = 503
        if status == 202:
            acknowledged += 1
        else:
            assert status == 503, status
            time.sleep(0.2)
    assert acknowledged > 20
    path = f"/api/sites/{site['id']}/analytics/dashboard"
    end = time.monotonic() + 60
    # What is killed may die after the next look at its health, so both must say that it is back.
    while 503 in (stack.request("GET", "/health", key="").status, stack.request("GET", path).status):
        assert time.monotonic() < end
        time.sleep(0.1)
    # What was not acknowledged is there once or not at all; sent again under its id it counts once in any case.
    for number in range(60):
        answer = stack.request("POST", "/e", pageview(site, number), key="")
        assert answer.status == 202, answer.body
    stack.wait_for(path, lambda answer: answer["pageviews"] >= 60)
    time.sleep(1.0)
    assert stack.get(path)["pageviews"] == 60


def test_a_killed_stack_leaves_no_orphan_and_its_folder_starts_again(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        site = stack.site("killed.example")
        first = stack.first_run
        for number in range(20):
            assert stack.request("POST", "/e", pageview(site, number), key="").status == 202
        parts = stack.parts()
        assert {"redis", "clickhouse", "web", "worker"} <= set(parts)
        stack.kill()
        end = time.monotonic() + 10
        while not all(gone(pid) for pid in parts.values()):
            assert time.monotonic() < end, parts
            time.sleep(0.02)
        stack.start()
        assert stack.first_run == first
        path = f"/api/sites/{site['id']}/analytics/dashboard"
        assert stack.wait_for(path, lambda answer: answer["pageviews"] >= 20)["pageviews"] == 20
        begun = time.monotonic()
        assert stack.stop() == 0
        assert time.monotonic() - begun < 15
        assert stack.lines[-1] == "stopping"
        assert all(gone(pid) for pid in parts.values())
