"""The registry: revisions that nobody else has, the same in every process, published for ever."""

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from api.app import Api
from api.endpoints import ENDPOINTS
from api.registry.account import Key
from api.registry.change import change_site, create_account, create_key, create_site, delete_site
from api.registry.refusal import Refusal
from api.registry.store import LOCK, Registry, RegistryGone, RegistryUnavailable
from ingest.contract import snapshot
from ingest.contract.site import SiteSettings
from rollups import registry as record
from rollups.client import connect
from rollups.registry import RegistryRow
from rollups.write import Writer
from tests.api.answer import made
from tests.api.conftest import NOON, PASSWORD, Served, in_process
from tests.services.schema import migrated

pytestmark = pytest.mark.services


def another(served: Served) -> Registry:
    fresh = Registry(served.client, served.redis, served.clock)
    fresh.refresh()
    return fresh


def test_writers_at_the_same_time_get_revisions_of_their_own(served: Served) -> None:
    served = served.with_new_tenants()
    account, before = served.anna.account.id, served.registry.state.revision
    writers = [another(served) for _ in range(4)]
    refused: list[Refusal] = []

    def write(writer: Registry, number: int) -> None:
        for each in range(3):
            create_site(writer, account, "own", f"own{number}-{each}.example")
            try:
                create_site(writer, account, "same", f"same{each}.example")
            except Refusal as refusal:
                refused.append(refusal)

    threads = [threading.Thread(target=write, args=pair) for pair in zip(writers, range(4), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = record.since(served.client, before)
    assert [row.revision for row in rows] == list(range(before + 1, before + 1 + 4 * 3 + 3))
    assert [refusal.kind for refusal in refused] == ["conflict"] * 9
    states = [another(served), *writers]
    for state in states:
        state.refresh()
    assert len({json.dumps([site.model_dump() for site in each.state.sites_of(account)]) for each in states}) == 1


def test_the_first_row_of_a_revision_is_the_revision(served: Served) -> None:
    revision = another(served).state.revision + 1

    def row(name: str) -> RegistryRow:
        key = Key(id=f"{name}{revision}", account="nobody", sha256=f"{name}{revision}", head="", tail="", created=0)
        return RegistryRow("key", key.id, revision, key.model_dump_json())

    assert record.append(served.client, row("first"), 0)
    assert record.append(served.client, row("first"), 0)  # as after an answer that was lost
    assert not record.append(served.client, row("late"), 0)
    assert f"late{revision}" not in another(served).state.key_by_id


def test_a_writer_that_was_overtaken_derives_its_change_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served = served.with_new_tenants()
    slow, account, site = another(served), served.anna.account.id, served.anna.site.id
    appended: Callable[..., bool] = record.append
    overtaken: list[int] = []

    def append(client: Any, row: RegistryRow, at: int) -> bool:
        if not overtaken:
            overtaken.append(row.revision)
            served.redis.delete(LOCK)  # the slow writer's lock has expired
            change_site(served.registry, account, site, name="Overtaker")
        return appended(client, row, at)

    monkeypatch.setattr(record, "append", append)
    changed = change_site(slow, account, site, settings=lambda held: held.model_copy(update={"cookieless": True}))
    assert (changed.name, changed.settings.cookieless, changed.revision) == ("Overtaker", True, overtaken[0] + 1)


def test_a_lock_left_under_a_clock_ahead_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served = served.with_new_tenants()
    monkeypatch.setattr("api.registry.store._WAIT_SECONDS", 0.2)
    served.redis.set(LOCK, "gone", ex=90_000)
    changed = change_site(served.registry, served.anna.account.id, served.anna.site.id, name="Unlocked")
    assert changed.name == "Unlocked"
    served.redis.set(LOCK, "at work", ex=9)
    with pytest.raises(RegistryUnavailable):
        change_site(served.registry, served.anna.account.id, served.anna.site.id, name="Locked")
    served.redis.delete(LOCK)


def test_settings_of_a_revision_stay_readable(served: Served) -> None:
    served = served.with_new_tenants()
    site = served.anna.site
    berlin = SiteSettings(timezone="Europe/Berlin")
    changed = change_site(served.registry, served.anna.account.id, site.id, settings=lambda _: berlin)
    first, second = (site.revision, "UTC"), (changed.revision, "Europe/Berlin")
    for revision, zone in (first, second, (2**60, "Europe/Berlin"), (site.revision - 1, "UTC")):
        body = record.body_as_of(served.client, "site", site.id, revision)
        assert body is not None
        assert json.loads(body)["settings"]["timezone"] == zone


def test_a_lost_or_stale_snapshot_is_published_again_and_a_newer_one_left_alone(served: Served) -> None:
    served = served.with_new_tenants()
    served.redis.delete(snapshot.KEY)
    served.learn()
    held = served.redis.hget(snapshot.KEY, "version")
    assert int(str(held, "ascii") if isinstance(held, bytes) else "-1") == served.registry.state.revision
    snapshot.publish(served.redis, snapshot.Snapshot(10**6, ()))
    served.learn()
    assert served.redis.hget(snapshot.KEY, "version") == b"1000000"
    served.redis.delete(snapshot.KEY)
    served.learn()


def test_a_tombstone_is_for_ever(served: Served) -> None:
    served = served.with_new_tenants()
    account, site = served.anna.account.id, served.anna.site.id
    delete_site(served.registry, account, site)
    fresh = another(served)
    assert fresh.state.site_by_id[site].deleted
    assert site in fresh.state.used_ids()
    with pytest.raises(Refusal) as refused:
        change_site(fresh, account, site, name="again")
    assert refused.value.kind == "forbidden"


def test_without_redis_nothing_is_changed(served: Served) -> None:
    away = Redis(port=1, socket_connect_timeout=0.2)
    lonely = Registry(served.client, away, served.clock)
    lonely.refresh()
    before = lonely.state.revision
    with pytest.raises(RegistryUnavailable):
        create_site(lonely, served.anna.account.id, "x", "x.example")
    assert record.since(served.client, before) == []


def test_while_stores_are_away_keys_are_known_and_questions_get_503(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api(served.client, served.redis, served.clock)
    served.http.portal.call(api.refresh)
    gone = connect("http://stranger:secret@127.0.0.1:1/nowhere", timeout=1)
    broken = Api(gone, Redis(host="127.0.0.1", port=1), served.clock)
    http = in_process(served.http.portal, broken)
    started = http.get("/api/me", headers=served.anna.headers)
    assert (started.status_code, started.headers["retry-after"]) == (503, "2")
    broken._registry.state = api._registry.state  # noqa: SLF001 - as if it had been read before ClickHouse went away
    broken._registry.loaded = True  # noqa: SLF001
    lost = replace(served, http=http)
    assert lost.get("/api/me").status_code == 200
    for endpoint in (each for each in ENDPOINTS if each.of_data):
        path = "/api" + endpoint.path.format(
            site_id=served.anna.site.id, visitor_id=f"{served.anna.site.id}-{'0' * 16}", session_id="0" * 16
        )
        question = {"metric": "page", "value": "/", "type": "a", "steps[]": ["a", "b"], "key": "b", "dimension": "page"}
        answer = lost.get(path, {**question, "url": "/"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), path
        assert answer.json()["error"]["code"] == "unavailable"
    assert lost.send("POST", "/api/sites", {"name": "x", "domain": "x.example"}).status_code == 503
    served.http.portal.call(broken.refresh)
    told = served.http.portal.call(broken.health)
    assert told["api registry"].startswith("ClickHouse") and told["api redis"].startswith("Redis")
    assert not re.search(r"127\.0|:\d|secret|stranger|nowhere|Errno", str(told) + started.text + answer.text)
    assert "127.0.0.1" in caplog.text and "secret" not in caplog.text
    assert served.http.portal.call(api.health) == {"api registry": "ok", "api redis": "ok"}


def test_the_rows_of_a_deleted_site_are_removed_while_the_api_runs(served: Served) -> None:
    served = served.with_new_tenants()
    site = served.anna.site.id
    Writer(served.client).insert_events(f"removed/{site}", [made.event("0" * 16, "pageview", NOON, site=site)])
    api = Api(served.client, served.redis, served.clock)
    served.http.portal.call(api.start)
    served.send("DELETE", f"/api/sites/{site}")
    question = "SELECT count() AS rows FROM events WHERE site = {site:String}"
    for _ in range(300):
        if served.client.rows(question, {"site": site}) == [{"rows": 0}]:
            break
        time.sleep(0.1)
    served.http.portal.call(api.close)
    assert served.client.rows(question, {"site": site}) == [{"rows": 0}]


def test_a_key_that_another_process_made_opens_the_door_at_once(served: Served) -> None:
    _, secret = create_key(another(served), served.anna.account.id)
    assert served.http.get("/api/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_registry_that_is_gone_is_told_and_nothing_is_written_over_it(
    served: Served, clickhouse_url: str, redis_url: str
) -> None:
    migrated(clickhouse_url)
    with closing(connect(clickhouse_url)) as client, Redis.from_url(redis_url) as redis:
        held = Registry(client, redis, served.clock)
        api = Api(client, redis, served.clock)
        served.http.portal.call(api.refresh)
        assert served.http.portal.call(api.health)["api registry"] == "ok", "an empty one that was never published"
        create_site(held, create_account(held, "ann@example.com", PASSWORD).id, "x", "gone.example")
        served.http.portal.call(api.refresh)
        client.command("TRUNCATE TABLE registry")
        for registry in (held, Registry(client, redis, served.clock)):
            with pytest.raises(RegistryGone):
                registry.refresh()
            with pytest.raises(RegistryGone):
                create_account(registry, "ben@example.com", PASSWORD)
        assert record.since(client, 0) == []
        served.http.portal.call(api.refresh)
        assert "ClickHouse's data is gone" in served.http.portal.call(api.health)["api registry"]
        client.command("DROP TABLE registry")
        served.http.portal.call(api.refresh)
        assert "ClickHouse has no tables" in served.http.portal.call(api.health)["api registry"]


def test_settings_of_before_what_was_lost_are_the_first_there_are(clickhouse_url: str) -> None:
    migrated(clickhouse_url)
    with closing(connect(clickhouse_url)) as client:
        rows = [RegistryRow("site", "x", revision, f"{revision}") for revision in (7, 5, 9)]
        record.put_back(client, rows, NOON)
        found = {asked: record.body_as_of(client, "site", "x", asked) for asked in (1, 4, 5, 6, 7, 8, 9, 10)}
        assert found == {1: "5", 4: "5", 5: "5", 6: "5", 7: "7", 8: "7", 9: "9", 10: "9"}
        assert record.body_as_of(client, "site", "y", 9) is None


def test_a_restored_registry_takes_the_place_of_the_one_that_was_read(clickhouse_url: str, served: Served) -> None:
    """By a process that read another one before, of a lower or the same revision; nothing of that one stays."""
    migrated(clickhouse_url)
    client = connect(clickhouse_url)

    def row(name: str, revision: int) -> RegistryRow:
        key = Key(id=name, account="a", sha256=name, head="", tail="", created=0)
        return RegistryRow("key", name, revision, key.model_dump_json())

    record.put_back(client, [row("own", 1), row("its", 2)], 0)
    held = Registry(client, served.redis, served.clock)
    assert held.refresh() and not held.refresh()
    client.command("TRUNCATE TABLE registry")
    record.put_back(client, [row("old", 1), row("older", 2), row("newest", 5)], 0)
    assert held.refresh()
    assert set(held.state.key_by_id) == {"old", "older", "newest"} and held.state.revision == 5
    assert not held.refresh()
    client.close()
