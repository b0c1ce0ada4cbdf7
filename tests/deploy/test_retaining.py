"""Months go by a site's setting: by the command, and by a worker's own process."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from deploy import wiring
from deploy.retaining import Retaining, Standing, Trust, wanted
from deploy.settings import Settings
from ingest.contract import snapshot
from ingest.contract.site import Site, SiteSettings
from rollups import retain
from rollups.client import connect
from rollups.migrate import migrate
from rollups.retain import ALL, Cut, cut_at
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack

MINUTE, DAY = 60_000, 24 * 3_600_000
NOW = round(datetime(2026, 3, 15, tzinfo=UTC).timestamp() * 1000)


def site(events: int | None, sessions: int | None, **more: Any) -> Site:
    settings = SiteSettings.model_validate({"retention": {"events_months": events, "sessions_months": sessions}})
    made: dict[str, Any] = {"id": "abcdef", "account": "", "name": "", "domain": "", "tracking_id": "", "secret": ""}
    return Site(**made | more, settings=settings)


def test_what_a_site_shall_have_no_longer() -> None:
    assert wanted([site(None, None), site(1, 1, deleted=True)], NOW) == {}
    february = cut_at(NOW, 1)
    assert wanted([site(1, 13)], NOW) == {"abcdef": Cut(february, cut_at(NOW, 13))}
    assert wanted([site(1, None)], NOW) == {"abcdef": Cut(february, 0)}


def test_what_a_site_keeps_is_told_in_days() -> None:
    january, february = Cut(cut_at(NOW, 2), cut_at(NOW, 14)), Cut(cut_at(NOW, 1), cut_at(NOW, 13))
    then = cut_at(NOW, -1)
    assert str(Standing(february, ALL, False, then, ALL)) == "events since 2026-02-01, sessions since 2025-02-01"
    assert str(Standing(ALL, january, False, then, february)) == (
        "events all, sessions all; to go now: events of before 2026-01-01, sessions of before 2025-01-01; "
        "to go on 2026-04-01: events of before 2026-02-01, sessions of before 2025-02-01"
    )
    assert str(Standing(january._replace(sessions=0), january._replace(sessions=0), True, then, january)) == (
        "events since 2026-01-01, sessions all; what was before is being deleted; "
        "to go on 2026-04-01: events of before 2026-01-01, sessions of before 2025-01-01"
    )


def test_a_clock_that_was_just_set_takes_nothing_away() -> None:
    wall, steady = [NOW], [0.0]
    trusted = Trust(lambda: wall[0], lambda: steady[0])

    def pass_(seconds: float) -> bool:
        wall[0], steady[0] = wall[0] + round(seconds * 1000), steady[0] + seconds
        return trusted()

    assert [pass_(300), pass_(299), pass_(1)] == [False, False, True]
    for step in (400 * DAY, -400 * DAY):
        wall[0] += step
        assert [pass_(60), pass_(500), pass_(100)] == [False, False, True]


@pytest.mark.services
def test_a_clock_ahead_takes_nothing_away(redis_url: str, clickhouse_url: str) -> None:
    migrate(clickhouse_url)
    settings = Settings(redis=redis_url, clickhouse=clickhouse_url)
    with closing(connect(clickhouse_url)) as client:
        ahead = wiring.now() + 400 * DAY
        assert Retaining(settings).round({"abcdef": site(1, 2)}, ahead)
        events = retain.cuts(client, ["abcdef"])["abcdef"].events
        assert 0 < events < wiring.now() - 27 * DAY


@pytest.mark.services
def test_a_workers_process_sees_to_it(redis_url: str, clickhouse_url: str) -> None:
    migrate(clickhouse_url)
    settings = Settings(redis=redis_url, clickhouse=clickhouse_url)
    with closing(connect(clickhouse_url)) as client, closing(Redis.from_url(redis_url)) as redis:
        snapshot.publish(redis, snapshot.Snapshot(1, [site(1, 2), site(1, None, id="keeping", deleted=True)]))
        retaining, now = Retaining(settings), wiring.now()
        assert retaining.look()
        while retaining.look():
            client.rows("SELECT sleep(0.05)")
        assert retain.cuts(client, ["abcdef", "keeping"]) == {"abcdef": Cut(cut_at(now, 1), cut_at(now, 2))}
        assert retain.unfinished(client) == []


def line(at: int, visitor: str, path: str) -> str:
    """An event whose visitor has a name: without one it would be another one's behind midnight."""
    event = {"type": "pageview", "at": at, "visitor": visitor, "url": f"https://shop.example{path}"}
    return json.dumps(event) + "\n"


@pytest.mark.services
def test_months_go_and_nothing_brings_them_back(tmp_path: Path) -> None:
    now = round(datetime.now(UTC).timestamp() * 1000)
    cut = cut_at(now, 2)
    times = [cut - 70 * DAY, cut - 40 * DAY, cut - 20 * MINUTE, cut - 10 * MINUTE, cut + 5 * MINUTE, now - 2 * DAY]
    lines = [line(at, f"v{1 + number % 3}", f"/{number}") for number, at in enumerate(times)]
    lines += [line(cut + 6 * MINUTE, "v3", "/over")]  # of a session that began before the cut
    log = tmp_path / "events.jsonl"
    log.write_text("".join(lines))
    with Stack(prepared(tmp_path / "data")) as stack:
        shop = stack.site("shop.example")["id"]
        stack.command("import", str(log), "--format", "events", "--site", shop)
        stack.wait_for(f"/api/sites/{shop}", lambda answer: answer["events_count"] == 7)
        first, last = (datetime.fromtimestamp(at / 1000, UTC).date() for at in (times[0], now - 2 * DAY))
        range_ = f"from={first}&to={last}"

        def answers() -> Any:
            names = ("dashboard", "friction", "scroll-depth", "custom-event-types", "reach?metric=page&value=/over")
            found = {
                name: stack.get(f"/api/sites/{shop}/analytics/{name}{'&' if '?' in name else '?'}{range_}")
                for name in names
            }
            for name in ("fresh_as_of", "visitors"):  # who came within a range only session rows tell
                found["dashboard"].pop(name)
            return found, stack.get(f"/api/sites/{shop}")

        before = answers()
        kept = {"settings": {"retention": {"events_months": 2, "sessions_months": 2}}}
        assert stack.request("PATCH", f"/api/sites/{shop}", kept).status == 200
        before[1]["settings"] |= kept["settings"]
        said = stack.command("retain", shop)
        day = datetime.fromtimestamp(cut / 1000, UTC).date()
        assert f"events since {day}, sessions since {day}" in said and "nothing more is to go" in said
        assert f"kept          {shop}: events since {day}" in stack.command("status")
        assert answers() == before
        client = connect(stack.describes()["clickhouse"])
        for table, column, rows in (("events", "time", 1), ("sessions", "end", 0)):
            sql = f"SELECT count() AS n FROM {table} WHERE toUnixTimestamp64Milli({column}) < {cut}"  # noqa: S608
            assert client.rows(sql)[0]["n"] == rows
        assert "no difference" in stack.command("verify")

        said = stack.command("import", str(log), "--format", "events", "--site", shop)
        assert "older than the site keeps" in said and " 4 " in said
        assert "visitors judged" in stack.command("rebuild", shop)
        assert answers() == before
        assert "no difference" in stack.command("verify")

        # A backup takes along what is kept.
        stack.command("backup", str(tmp_path / "backup"))
        client.close()
        key = stack.first_run["api_key"]
    with Stack(prepared(tmp_path / "other")) as other:
        other.command("restore", str(tmp_path / "backup"))
        assert "no difference" in other.command("verify")
        answer = other.request("GET", f"/api/sites/{shop}/analytics/dashboard?{range_}", key=key)
        assert answer.status == 200, answer.body
        found = answer.json()
        assert {name: found[name] for name in before[0]["dashboard"]} == before[0]["dashboard"]
