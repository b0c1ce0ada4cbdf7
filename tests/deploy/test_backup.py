"""A backup of a live stack, and an empty installation that answers as the one of before, byte for byte."""

import os
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy import wiring
from deploy.backup.make import backup
from deploy.backup.manifest import check, load
from deploy.backup.restore import restore
from deploy.backup.sink import FolderSink
from deploy.folder import StackError
from rollups import snapshot
from rollups.client import connect
from rollups.migrate import migrate
from rollups.version import built, definitions
from tests.deploy.prepared import prepared
from tests.deploy.stack import ROOT, Stack, throughline
from tests.deploy.test_import_command import line, numbers
from tests.deploy.test_repair import System, system, until  # noqa: F401 - a fixture
from tests.workers.streams import stream

pytestmark = pytest.mark.services

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SETTINGS = {
    "revenue": {"currency": "EUR", "type": "purchase"},
    "goals": [{"name": "bought", "event": "purchase"}, {"name": "priced", "page": "/p1*"}],
}


def event(site: dict[str, Any], number: int, **more: Any) -> dict[str, Any]:
    kind = ("pageview", "pageview", "signup", "purchase")[number % 4]
    made = {
        "site": site["tracking_id"],
        "id": f"{site['id']}-{number}",
        "type": kind,
        "visitor": f"v{number % 5}",
        "view": f"w{number % 9}",
        "url": f"https://{site['domain']}/p{number % 3}?utm_source=s{number % 2}&utm_campaign=c",
        "referrer": "https://google.com/",
        "data": {"plan": "pro", "nested": {"n": number % 3}},
        "scroll": number * 10 % 101,
        "engaged_ms": number * 100,
    }
    if kind == "purchase":
        made["revenue"] = {"amount": f"{number}.25", "currency": "EUR", "transaction": f"t{number // 8}"}
    return made | more


def post(stack: Stack, events: list[dict[str, Any]], agent: str = AGENT) -> None:
    assert stack.request("POST", "/e", events, key="", **{"User-Agent": agent}).status == 202


def received(stack: Stack, site: dict[str, Any]) -> int:
    return int(stack.get(f"/api/sites/{site['id']}/ledger")["received"])


def answers(stack: Stack, key: str, sites: list[dict[str, Any]], span: str) -> dict[str, bytes]:
    """What every endpoint that answers of data says, but for the moment as of which it says it."""
    found: dict[str, bytes] = {}

    def ask(path: str) -> Any:
        answer = stack.request("GET", path, key=key)
        assert answer.status == 200, (path, answer.body)
        body = answer.json()
        if isinstance(body, dict):
            body.pop("fresh_as_of", None)
        found[path] = msgspec.json.encode(body)
        return body

    ask("/api/sites")
    for site in sites:
        of = f"/api/sites/{site['id']}"
        ask(of)
        for name in ("dashboard", "revenue", "friction", "goals", "scroll-depth", "engagement-funnel"):
            ask(f"{of}/analytics/{name}?{span}")
        ask(f"{of}/analytics/dashboard?{span}&interval=day&filter=device%3D%3Ddesktop")
        for dimension in ("source", "campaign", "country", "device", "browser", "os", "entry_page", "page", "event"):
            ask(f"{of}/analytics/breakdown?{span}&dimension={dimension}")
        ask(f"{of}/analytics/reach?{span}&metric=page&value=/p1")
        ask(f"{of}/analytics/custom-event-types?{span}")
        ask(f"{of}/analytics/custom-event-funnel?{span}&steps=signup&steps=purchase")
        ask(f"{of}/analytics/event-data-keys?type=signup")
        ask(f"{of}/analytics/event-data-values?type=signup&key=nested.n")
        ask(f"{of}/ledger?{span}")
        for visitor in ask(f"{of}/visitors")["visitors"]:
            name = f"/api/visitors/{visitor['id']}/sessions"
            for session in ask(name)["sessions"]:
                ask(f"{name}/{session['id']}/events")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("backup")


def test_a_restored_installation_answers_as_the_one_of_before(folder: Path) -> None:
    logs = folder / "access.log"
    logs.write_text(
        "".join(line(number, f"/old{number % 3}", f"203.0.113.{number % 9}") for number in range(0, 9000, 300))
    )
    moment = time.time()
    days = [time.strftime("%Y-%m-%d", time.gmtime(moment + offset * 86_400)) for offset in (0, 1)]
    span = f"from=2026-05-01&to={days[1]}"
    kept = folder / "kept"
    with Stack(prepared(folder / "old")) as old:
        sites = [old.site("one.example"), old.site("two.example")]
        changed = old.request("PATCH", f"/api/sites/{sites[0]['id']}", {"settings": SETTINGS})
        assert changed.status == 200, changed.body
        key = old.first_run["api_key"]
        for site in sites:
            post(old, [event(site, number) for number in range(40)])
        post(old, [event(sites[0], 900)], agent="Googlebot/2.1 (+http://www.google.com/bot.html)")
        post(old, [event(sites[0], 3)])  # again
        assert numbers(old.command("import", str(logs), "--site", sites[0]["id"]))["counted"] == 30
        old.wait_for(f"/api/sites/{sites[1]['id']}/ledger", lambda answer: answer["received"] == 40)

        first = old.command("backup", str(kept))
        assert "position" in first
        names = set(kept.rglob("*.parquet"))
        assert {"events/202605", f"events/{days[0][:4]}{days[0][5:7]}"} <= {
            str(name.parent.relative_to(kept)) for name in names
        }
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept.rglob("*"))
        whole = {name: name.stat().st_mtime_ns for name in names if "/202605/" in str(name)}

        post(old, [event(sites[0], number) for number in range(40, 60)])
        want = received(old, sites[0]) if received(old, sites[0]) >= 92 else 92
        old.wait_for(f"/api/sites/{sites[0]['id']}/ledger", lambda answer: answer["received"] == want)
        # Stopped half-way, the first one is as it was; run again, only what is new is written.
        stopped(old, "backup", str(kept), when=lambda: any(set(kept.rglob("*.parquet")) - names))
        assert load(kept).rows["events"] == 112
        old.command("backup", str(kept))
        assert load(kept).rows["events"] == 132
        assert {name: name.stat().st_mtime_ns for name in whole} == whole
        assert "of which 0 are new" in old.command("backup", str(kept))

        said = old.command("backup", "--to", f"cat > {folder}/streamed.tar")
        assert "132 events" in said
        with tarfile.open(folder / "streamed.tar") as tar:
            tar.extractall(folder / "streamed", filter="data")
        streamed = load(folder / "streamed")
        for entry in streamed.entries:
            check(folder / "streamed", entry)
        assert streamed.rows["events"] == 132 and streamed.positions == load(kept).positions
        assert "exit code 3" in old.command("backup", "--to", "cat > /dev/null; exit 3", code=1)
        assert "in use" in old.command("restore", str(kept), code=1)
        before = answers(old, key, sites, span)

    with Stack(prepared(folder / "new")) as new:
        spoilt = max(kept.glob("events/*/*.parquet"))
        content = spoilt.read_bytes()
        spoilt.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        refused = new.command("restore", str(kept), code=1)
        assert str(spoilt) in refused and refused.count("\n") == 1
        spoilt.write_bytes(content)

        client = connect(new.describes()["clickhouse"])
        stopped(
            new, "restore", str(kept), when=lambda: client.rows("SELECT 1 FROM migrations WHERE name = 'refill'") != []
        )
        assert client.rows("SELECT 1 FROM registry WHERE kind = 'site'") == []
        assert "132 events" in new.command("restore", str(kept))
        own = new.first_run["api_key"]
        assert key != own and "password" not in new.first_run
        assert answers(new, key, sites, span) == before
        assert answers(new, own, sites[1:], span).items() <= before.items()
        assert "no difference" in new.command("verify")
        assert "in use" in new.command("restore", str(kept), code=1)

        # It goes on: the visitors of before are the same, and what was imported is known.
        post(new, [event(sites[0], 60), event(sites[0], 59)])
        new.wait_for(f"/api/sites/{sites[0]['id']}/ledger", lambda answer: answer["received"] == 94)
        assert numbers(new.command("import", str(logs), "--site", sites[0]["id"]))["counted"] == 0
        assert "no difference" in new.command("verify")
        assert received(new, sites[0]) == received(new, sites[0])
        made = new.site("three.example")
        post(new, [event(made, 1)])
        new.wait_for(f"/api/sites/{made['id']}/ledger", lambda answer: answer["counted"] == 1)
        new.stop()
        new.start()
        assert len(new.get("/api/sites")) == 3
        client.close()


def stopped(stack: Stack, *arguments: str, when: Any) -> None:
    """The command, killed as soon as something holds."""
    command = [*throughline(), *arguments, "--data", str(stack.data)]
    process = subprocess.Popen(command, env=stack.env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not when():
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_the_log_goes_on_where_the_backup_stands(system: System, tmp_path: Path) -> None:  # noqa: F811
    """Backed up while a worker counts; ClickHouse is lost and the log lives: all of it is counted once, in the end."""
    now = wiring.now()
    events = [msgspec.structs.replace(each, received=now) for each in stream(7, 160, visitors=6)]
    sink = tmp_path / "kept"
    ended: list[int] = []

    def busy() -> None:
        for first in range(0, 160, 10):
            system.append(list(events[first : first + 10]))
        ended.append(1)

    with system.worker():
        system.append(list(events[:10]))
        until(lambda: system.lines() >= 10)
        thread = threading.Thread(target=busy)
        thread.start()
        try:
            made = backup(system.settings, FolderSink(sink), lambda *_: None).manifest
        finally:
            thread.join()
        until(lambda: system.lines() == 170)
        system.equals_the_events()
        before = system.answers()
    assert 10 <= made.rows["events"] <= 170
    at = {(each.log, each.partition): each.position for each in made.positions}
    lie = system.rows("SELECT log, partition, offset, count() AS n FROM events GROUP BY ALL")
    assert (
        sum(row["n"] for row in lie if row["offset"] < at.get((row["log"], row["partition"]), 0)) == made.rows["events"]
    )

    system.client.command("DROP DATABASE repair SYNC")
    migrate(system.settings.clickhouse)
    restore(system.settings, sink, None, lambda *_: None)
    with system.worker():
        until(lambda: system.lines() == 170)
        system.equals_the_events()
        assert system.answers() == before


def test_one_machine_becomes_a_cluster(system: System, kafka_bootstrap: str, tmp_path: Path) -> None:  # noqa: F811
    """Counted from Redis so far, from Kafka from here on: the same visitors go on, in another database."""
    now = wiring.now()
    events = [msgspec.structs.replace(each, received=now) for each in stream(9, 120, visitors=6)]
    system.count(list(events[:70]))
    system.equals_the_events()
    backup(system.settings, FolderSink(tmp_path / "kept"), lambda *_: None)

    moved = copy(system)
    url = system.settings.clickhouse.replace("/repair", "/moved")
    log = f"kafka://{kafka_bootstrap}/moved_{tmp_path.name}"
    moved.settings = replace(system.settings, clickhouse=url, event_log=log)
    moved.client = connect(url)
    migrate(url)
    restore(moved.settings, tmp_path / "kept", None, lambda *_: None)
    assert moved.answers() == system.answers()
    # Some came to both, while the tracking host was pointed at the new one.
    moved.append([msgspec.structs.replace(each, received=wiring.now()) for each in events[60:]])
    system.count(list(events[70:]))
    with moved.worker():
        until(lambda: moved.lines() == 130)
        moved.equals_the_events()
    system.equals_the_events()
    for name in ("sessions", "series", "trait", "visitor"):
        assert moved.answers()[name] == system.answers()[name], name
    moved.client.close()


def test_a_backup_without_events_and_one_of_a_newer_schema(system: System, tmp_path: Path, monkeypatch: Any) -> None:  # noqa: F811
    backup(system.settings, FolderSink(tmp_path / "kept"), lambda *_: None)
    assert snapshot.database(system.client) not in [row["name"] for row in system.rows("SHOW DATABASES")]
    # Of an installation without events too the rollups are there.
    system.client.command("DROP DATABASE repair SYNC")
    migrate(system.settings.clickhouse)
    restore(system.settings, tmp_path / "kept", None, lambda *_: None)
    assert built(system.client) == definitions()
    monkeypatch.setattr("rollups.version.newest", lambda: 20)
    with pytest.raises(StackError, match=r"schema \d+ \(Throughline .*\), this version knows 20: upgrade Throughline"):
        restore(system.settings, tmp_path / "kept", None, lambda *_: None)
