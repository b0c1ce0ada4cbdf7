"""Alarms: what they mean, that each is told once when it begins and once when it ends, and that no message is lost."""

import contextlib
import http.server
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from api.registry.change import create_account, create_site, delete_site
from deploy import wiring
from deploy.alarm.book import Book
from deploy.alarm.judge import Looked, Share, Silence, alarms, unknown
from deploy.alarm.look import Look, Numbers
from deploy.alarm.send import NotTaken, mail, targets, webhook
from deploy.alarm.watch import Watcher
from deploy.cli import app
from deploy.prepare import migrate_stores
from deploy.settings import SettingError, load
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


@contextlib.contextmanager
def listening(answer: Callable[[], int]) -> Iterator[tuple[str, list[Any]]]:
    """A webhook's address, and what it was sent."""
    got: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(answer())
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/services/T0/s3cret?key=s3cret", got
        server.shutdown()


def test_a_webhook_gets_what_slack_takes() -> None:
    with listening(lambda: 200) as (url, got):
        targets(load({"alert_url": url}, {}))["webhook"]("it “burns”")
    ((path, body),) = got
    assert path == "/services/T0/s3cret?key=s3cret"
    assert body == {"text": f"Throughline on {socket.gethostname()}: it “burns”"}


def test_a_webhook_that_does_not_take_it_is_told_without_its_address() -> None:
    for status in (302, 404, 500):
        with listening(lambda status=status: status) as (url, _), pytest.raises(NotTaken) as raised:  # type: ignore[misc]
            webhook(url, "text")
        assert str(raised.value) == f"the webhook at 127.0.0.1 answers {status}"
    with pytest.raises(NotTaken, match=r"^the webhook at 127\.0\.0\.1 cannot be reached: Connection refused$"):
        webhook("http://127.0.0.1:1/s3cret", "text")
    with pytest.raises(NotTaken, match=r"\.\.example cannot be reached: UnicodeError$"):  # and the mail still goes
        webhook("http://hooks..example/s3cret", "text")
    with pytest.raises(NotTaken, match=r"\.\.example cannot be used: UnicodeError$"):
        mail("smtp://me:s3cret@mail..example", ["a@example.com"], "text")


@contextlib.contextmanager
def post_office() -> Iterator[tuple[str, list[str]]]:
    """A mail server without TLS: its address, and the lines it was sent."""
    lines: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, client.makefile("rw", newline="\r\n") as talk:
                body = False
                for answer in ["220 hello"]:
                    talk.write(answer + "\r\n")
                    talk.flush()
                for line in talk:
                    lines.append(line.rstrip())
                    if body and lines[-1] != ".":
                        continue
                    body = lines[-1].upper() == "DATA"
                    talk.write("354 go on\r\n" if body else "221 bye\r\n" if lines[-1] == "QUIT" else "250 ok\r\n")
                    talk.flush()
                    if lines[-1].upper() == "QUIT":
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}", lines
        thread.join(10)


def test_an_alarm_is_mailed() -> None:
    with post_office() as (server, lines):
        settings = load({"smtp": f"{server}?from=t@example.com", "alert_mail": "a@example.com, b@example.com"}, {})
        targets(settings)["mail"]("it burns")
    to = [line.partition(":")[2] for line in lines if line.upper().startswith("RCPT")]
    assert to == ["<a@example.com>", "<b@example.com>"]
    assert "From: t@example.com" in lines and "Throughline on" in "\n".join(lines)


def test_no_password_is_sent_to_a_mail_server_without_tls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with post_office() as (server, lines), pytest.raises(NotTaken, match="has no TLS, and gets no password") as raised:
        mail(server.replace("//", "//me:s3cret@"), ["a@example.com"], "text")
    assert "s3cret" not in "\n".join([*lines, str(raised.value), caplog.text])


@pytest.mark.services
def test_a_command_says_what_is_on_and_sends_a_test(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        Book(client, []).turn({"dead": "one line"}, 0)
    status = 200
    with listening(lambda: status) as (url, got):
        monkeypatch.setenv("THROUGHLINE_ALERT_URL", url)
        asked = ["alarms", "--test", "--redis", redis_url]
        done = CliRunner().invoke(app, asked)
        assert (done.exit_code, len(got)) == (0, 1)
        assert done.output == "dead         one line\n1 alarms are on; told: webhook\nwebhook: taken\n"
        status = 404
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 1 and "webhook: the webhook at 127.0.0.1 answers 404" in done.output


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alert_url": "hooks.example.com/s3cret"}, "alert-url must be an address such as"),
        ({"alert_url": "ftp://hooks.example.com/s3cret"}, "alert-url must be an address such as"),
        ({"alert_url": "https://hooks.example.com:s3cret/"}, "alert-url must be an address such as"),
        ({"alert_url": "https://[::1/s3cret"}, "alert-url must be an address such as"),
        ({"alert_mail": "a@example.com"}, "alert-mail and smtp need each other"),
        ({"smtp": "smtp://h"}, "alert-mail and smtp need each other"),
        ({"smtp": "smtp://h", "alert_mail": "a b@c"}, "alert-mail: 'a b@c' is no address of mail"),
        (
            {"smtp": "mail://me:s3cret@h", "alert_mail": "a@b"},
            "smtp must begin with smtp:// or smtps://, not 'mail://h'",
        ),
    ],
)
def test_a_wrong_setting_of_alarms(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as raised:
        load(given, {})
    assert str(raised.value).startswith(message) and "s3cret" not in str(raised.value)
