"""Alarms: what they mean, that each is told once when it begins and once when it ends, and that no message is lost."""

import contextlib
import time
from urllib.parse import urlsplit

import pytest
import redis
from prometheus_client import CollectorRegistry, generate_latest

from api.registry.change import create_account, create_site, delete_site
from deploy import wiring
from deploy.alarm.book import Book
from deploy.alarm.judge import Looked, Share, Silence, alarms, unknown
from deploy.alarm.look import Look, Numbers
from deploy.alarm.send import NotTaken
from deploy.alarm.watch import Watcher
from deploy.prepare import migrate_stores
from deploy.settings import load
from ingest.contract import freshness
from ingest.log.dead import DeadLetter
from rollups.sql import utc
from tests.services.gate import SWALLOW, Gate

HOUR = 3_600_000
WELL = Looked(1.0, {}, 0.0, {"data": Share(1, 10)}, Share(1, 10), Share(1, 10), ())


def names(looked: Looked, *held: str) -> list[str]:
    return sorted(alarms(looked, held))


@pytest.mark.parametrize(
    ("looked", "held", "on"),
    [
        (Looked(unfresh=300.0), (), []),
        (Looked(unfresh=300.1), (), ["fresh"]),
        (Looked(dead={"no JSON": 2}), (), ["dead"]),
        (Looked(batch=300.0), (), []),
        (Looked(batch=301.0), (), ["batch"]),
        (Looked(disks={"a": Share(79, 100), "b": Share(80, 100)}), (), ["disk:b"]),
        (Looked(disks={"a": Share(79, 100)}), ("disk:a",), ["disk:a"]),  # not on and off
        (Looked(disks={"a": Share(74, 100)}), ("disk:a",), []),
        (Looked(states=Share(80, 100), log=Share(0, 0)), (), ["states"]),
        (Looked(log=Share(81, 100)), (), ["log"]),
        (Looked(silences=[Silence("s", "a.example", HOUR, HOUR // 4)]), (), []),
        (Looked(silences=[Silence("s", "a.example", HOUR + 1, HOUR // 4)]), (), ["site:s"]),
        (Looked(silences=[Silence("s", "a.example", 16 * HOUR, 8 * HOUR)]), (), []),
        (Looked(silences=[Silence("s", "a.example", 17 * HOUR, 8 * HOUR)]), (), ["site:s"]),
        (Looked(), ("fresh", "dead", "disk:a", "site:s"), ["dead", "disk:a", "fresh", "site:s"]),  # nothing is known
        (WELL, ("fresh", "dead", "disk:gone", "site:s"), ["site:s"]),  # of that site nothing is known any more
        (Looked(silences=[], heard={"s"}), ("site:s",), []),
    ],
)
def test_what_a_look_means(looked: Looked, held: tuple[str, ...], on: list[str]) -> None:
    assert names(looked, *held) == on


def test_what_was_not_seen_is_unknown() -> None:
    assert unknown(WELL) == set()
    assert unknown(Looked()) == {"fresh", "dead", "batch", "disk", "states", "log", "site"}


class Hook:
    """Takes texts while it is `open`."""

    def __init__(self) -> None:
        self.open = True
        self.told: list[str] = []

    def __call__(self, text: str) -> None:
        if not self.open:
            raise NotTaken("away")
        self.told.append(text)


@pytest.mark.services
def test_an_alarm_is_told_once_when_it_begins_and_once_when_it_ends(redis_url: str) -> None:
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        seen, at = Looked(dead={"no JSON": 1}), 0
        one, two = Hook(), Hook()
        made = [
            Watcher(lambda: Numbers(seen), Book(client, ["a", "b"]), {"a": one, "b": two}, lambda: at, registry)
            for registry in (CollectorRegistry(), CollectorRegistry())
        ]
        two.open = False
        for _ in range(2):
            for watcher in made:  # of two processes one tells
                watcher.turn()
        began = "1 lines of the log are dead letters, not counted: 1 no JSON [dead]"
        assert (one.told, two.told) == ([began], [])
        seen, at = WELL, 7 * 60_000
        made[0].turn()
        over = f"over, after 7 min: {began}"
        assert (one.told, two.told) == ([began, over], [])
        two.open = True
        again = Watcher(lambda: Numbers(seen), made[0]._book, {"a": one, "b": two}, lambda: at, CollectorRegistry())  # noqa: SLF001
        again.turn()
        again.turn()
        assert one.told == two.told == [began, over]


@pytest.mark.services
def test_after_the_watcher_has_died_another_process_goes_on(redis_url: str) -> None:
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        first, second = Book(client, ["a"]), Book(client, ["a"])
        assert first.mine() and first.mine() and not second.mine()
        first.turn({"dead": "one"}, 0)
        client.delete("throughline:alarms:watch")  # its time is over
        assert second.mine() and not first.mine()
        assert second.open() == {"dead": "one"}
        assert second.turn({"dead": ""}, 0) == []  # not known to be over
        told: list[str] = []
        second.deliver("a", told.append)
        assert told == ["one [dead]"]


def test_a_redis_that_is_away_is_told_by_itself() -> None:
    nobody = redis.Redis(host="127.0.0.1", port=1)
    at, hook = 0.0, Hook()
    watcher = Watcher(
        lambda: Numbers(WELL), Book(nobody, ["a"]), {"a": hook}, lambda: 0, CollectorRegistry(), lambda: at
    )
    watcher.turn()
    assert hook.told == []
    at = 301.0
    hook.open = False
    watcher.turn()
    hook.open = True
    watcher.turn()
    watcher.turn()
    assert len(hook.told) == 1 and hook.told[0].startswith("Redis has not answered for over 5 minutes")


@pytest.mark.services
def test_what_the_stores_say_is_seen(redis_url: str, clickhouse_url: str) -> None:
    settings = load({"event_log": redis_url, "redis": redis_url, "clickhouse": clickhouse_url}, {})
    migrate_stores(settings)
    dead = wiring.dead_letters(settings)
    dead.append(DeadLetter("no JSON: secret of a visitor", "log", 0, 7, 0, b"line"))
    dead.close()
    wiring.clickhouse(settings).command("INSERT INTO ledger (site, events) VALUES ('abcdef', 1)")
    registry, hook = CollectorRegistry(), Hook()
    with contextlib.closing(wiring.redis_client(settings)) as client:
        freshness.publish(client, "log", 1, 0, wiring.now(), wiring.now())
        look = wiring.watcher(settings)._look  # noqa: SLF001
        Watcher(look, Book(client, ["a"]), {"a": hook}, wiring.now, registry).turn()
    told = [text for text in hook.told if "[disk:" not in text]  # whatever this machine's is
    assert told == ["1 lines of the log are dead letters, not counted: 1 no JSON [dead]"]
    assert unknown(look().looked) == set()
    shown = generate_latest(registry).decode()
    assert 'throughline_table_inactive_bytes{table="migrations"}' in shown
    assert 'throughline_site_bytes{site="abcdef"}' in shown
    assert "throughline_dead_letters 1.0" in shown and 'throughline_table_parts{table="migrations"}' in shown


@pytest.mark.services
def test_a_site_that_is_silent_for_longer_than_ever_is_seen(redis_url: str, clickhouse_url: str) -> None:
    settings = load({"event_log": redis_url, "redis": redis_url, "clickhouse": clickhouse_url}, {})
    migrate_stores(settings)
    held, client = wiring.registry(settings), wiring.clickhouse(settings)
    account = create_account(held, "a@example.com", "a long password").id
    often, seldom, new, dead = (
        create_site(held, account, name, f"{name}.example").id for name in ("often", "seldom", "new", "dead")
    )
    delete_site(held, account, dead)
    now = wiring.now() // 900_000 * 900_000
    for site, first, every in ((often, 13, 1), (dead, 13, 1), (seldom, 13, 12), (new, 5, 1)):
        client.command(
            "INSERT INTO ledger (site, time, reason, events) "
            "SELECT {site:String}, {now:DateTime64(3,'UTC')} - toIntervalHour(4 + number * {every:UInt32}), '', 1 "
            "FROM numbers({count:UInt32})",
            {"site": site, "now": utc(now), "every": every, "count": 24 * first // every},
        )
    with contextlib.closing(wiring.redis_client(settings)) as redis_:
        look = Look(settings, redis_, wiring.now)
        assert look().looked.silences is None  # nobody has said what is counted
        freshness.publish(redis_, "log", 1, 0, now, now)
        looked = look().looked
        on = alarms(looked, [f"site:{dead}"])
        assert [name for name in on if name.startswith("site:")] == [f"site:{often}"]
        assert on[f"site:{often}"].startswith("often.example has sent nothing for 4 h; in the weeks before it was")
        freshness.publish(redis_, "log 2", 1, 0, now - 3 * HOUR, now)  # what came since waits to be counted
        assert alarms(look().looked, []).keys().isdisjoint([f"site:{often}"])


@pytest.mark.services
def test_a_clickhouse_that_hangs_keeps_nobody_from_looking(
    redis_url: str, clickhouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = urlsplit(clickhouse_url)
    assert place.port
    monkeypatch.setattr("deploy.alarm.look._SECONDS", 1.0)
    with Gate("127.0.0.1", place.port) as gate, contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        netloc = f"{place.netloc.rpartition('@')[0]}@127.0.0.1:{gate.port}"
        through = place._replace(netloc=netloc).geturl()
        gate.mode = SWALLOW
        settings = load({"event_log": redis_url, "redis": redis_url, "clickhouse": through}, {})
        begun, at = time.monotonic(), wiring.now()
        look = Look(settings, client, lambda: at)
        at += 301_000
        looked = look().looked
    assert time.monotonic() - begun < 55  # a single question waits for 60 s
    assert list(alarms(looked, ())) == ["fresh"] and "dead" in unknown(looked)
