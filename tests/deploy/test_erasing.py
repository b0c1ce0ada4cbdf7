"""Visitors erased on a whole stack: out of every number, and then out of every file."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from deploy import wiring
from deploy.erasing import Erasing, forget_letters
from deploy.settings import Settings
from ingest.contract.event import Event, Filtered, decode, encode
from ingest.log.dead import DeadLetter
from rollups import rollup
from rollups.client import Client, connect
from rollups.erase import Stone
from rollups.purge import Wish
from tests.deploy.prepared import prepared
from tests.deploy.stack import Stack
from tests.ingest.fake import FakeProducer
from tests.log.fake import FakeDead

pytestmark = pytest.mark.services

# What only those who are erased leave.
ONLY = ["hidden-page", "hidden_type", "hiddenkey", "hiddenvalue", "hidden-order", "hidden-campaign"]
AT_ONCE = (
    "old_parts_lifetime = 1, cleanup_delay_period = 1, cleanup_delay_period_random_add = 0, "
    "max_cleanup_delay_period = 1"
)
TABLES = [*rollup.load(), "events", "sessions", "decision", "erasure"]


def posted(tracking: str, domain: str, visitor: str, name: str) -> list[dict[str, Any]]:
    now = time.time_ns() // 1_000_000
    page = f"https://{domain}/{name}-page?utm_campaign={name}-campaign&utm_source=x"
    base = {"site": tracking, "visitor": visitor, "url": page, "sent_at": now}
    data = {f"{name}key": f"{name}value"}
    bought = {"amount": "10.50", "transaction": f"{name}-order"}
    return [
        {**base, "id": f"{visitor}-1", "type": "pageview", "at": now - 4000, "view": "v"},
        {
            **base,
            "id": f"{visitor}-2",
            "type": f"{name}_type",
            "at": now - 3000,
            "data": data,
        },
        {**base, "id": f"{visitor}-2", "type": f"{name}_type", "at": now - 3000},  # a duplicate
        {**base, "id": f"{visitor}-3", "type": "purchase", "at": now - 2000, "revenue": bought},
        {**base, "id": f"{visitor}-4", "type": "engagement", "at": now - 1000, "view": "v", "engaged_ms": 900},
    ]


def line(address: str, second: int, path: str) -> str:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    return f'{address} - - [02/Jan/2024:10:00:{second:02} +0000] "GET {path} HTTP/1.1" 200 5 "-" "{agent}"\n'


def answers(stack: Stack, site: str) -> dict[tuple[str, str], Any]:
    """What the site says of itself, without what names it."""
    span = "from=2024-01-01&to=2024-01-03"
    now = "from=2026-01-01"
    found: dict[tuple[str, str], Any] = {}
    for name in (
        "dashboard", "revenue", "friction", "scroll-depth", "engagement-funnel", "custom-event-types", "goals", "now",
        "breakdown?dimension=page", "breakdown?dimension=campaign", "breakdown?dimension=event",
        "reach?metric=page&value=/", "event-data-keys?type=hidden_type",
        "event-data-values?type=hidden_type&key=hiddenkey",
        "custom-event-funnel?steps=seen_type&steps=hidden_type",
    ):  # fmt: skip
        for range_ in (span, now):
            path = f"/api/sites/{site}/analytics/{name}{'&' if '?' in name else '?'}{range_}"
            answer = stack.get(path)
            for moving in ("fresh_as_of", "from", "to", "as_of", "sessions_over_time", "revenue_over_time"):
                series = answer.pop(moving, None)
                if isinstance(series, list):
                    answer[moving] = [point for point in series if any(v for k, v in point.items() if k != "period")]
            found[name, range_] = answer
    one = stack.get(f"/api/sites/{site}")
    found["site", ""] = {name: one[name] for name in ("visitors_count", "sessions_count", "events_count")}
    people = stack.get(f"/api/sites/{site}/visitors")
    found["visitors", ""] = sorted((v["sessions_count"], v["events_count"], v["source"]) for v in people["visitors"])
    return found


def ledger(stack: Stack, site: str) -> dict[str, Any]:
    found = stack.get(f"/api/sites/{site}/ledger?from=2026-01-01")
    assert found["received"] == found["counted"] + sum(found["filtered"].values())
    return {name: found[name] for name in ("received", "counted", "filtered")}


def visitor_of(stack: Stack, site: str, page: str) -> str:
    """The id of the visitor who saw the page."""
    for visitor in stack.get(f"/api/sites/{site}/visitors")["visitors"]:
        sessions = stack.get(f"/api/visitors/{visitor['id']}/sessions")["sessions"]
        if any(session["entry_page"] == page for session in sessions):
            return str(visitor["id"])
    raise AssertionError(page)


def erased(stack: Stack, site: str, visitor: str) -> str:
    answer = stack.request("DELETE", f"/api/visitors/{visitor}")
    assert answer.status == 202, answer.body
    assert answer.json()["state"] in ("accepted", "removing")
    return str(answer.json()["erasure"])


def done(stack: Stack, site: str, erasure: str, state: str = "done") -> None:
    stack.wait_for(f"/api/sites/{site}/erasures/{erasure}", lambda answer: answer["state"] == state, 240)


def rows_with(client: Client, needles: list[str]) -> list[str]:
    """Tables with a row that holds one of the texts."""
    tables = client.rows("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%Tree'")
    found = []
    for table in [row["name"] for row in tables]:
        asked = " OR ".join(f"position(toString(tuple(*)), '{each}') > 0" for each in needles)
        if client.rows(f"SELECT 1 FROM `{table}` WHERE {asked} LIMIT 1"):  # noqa: S608
            found.append(table)
    return found


def files_with(folder: Path, needles: list[str]) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            found += [f"{path}: {each}" for each in needles if each.encode() in body]
    return found


def test_an_erased_visitor_is_nowhere(tmp_path: Path) -> None:
    logs = tmp_path / "access.log"
    logs.write_text(line("192.0.2.1", 1, "/seen") + line("192.0.2.2", 2, "/hidden-page-of-old"))
    (tmp_path / "kept.log").write_text(line("192.0.2.1", 1, "/seen"))
    with Stack(prepared(tmp_path / "data")) as stack:
        client = connect(stack.describes()["clickhouse"])
        for table in TABLES:  # what is removed is looked for at once
            client.command(f"ALTER TABLE {table} MODIFY SETTING {AT_ONCE}")
        one, other = stack.site("one.example"), stack.site("other.example")
        for site in (one, other):
            settings = {"settings": {"revenue": {"currency": "EUR", "type": "purchase"}}}
            assert stack.request("PATCH", f"/api/sites/{site['id']}", settings).status == 200
            events = [*posted(site["tracking_id"], site["domain"], "ann", "seen")]
            events += posted(site["tracking_id"], site["domain"], "bob", "seen")
            if site is one:
                hidden = posted(site["tracking_id"], site["domain"], "eve", "hidden")
                events += hidden
            assert stack.request("POST", "/e", events, key="").status == 202
        stack.command("import", str(logs), "--site", one["id"])
        stack.command("import", str(tmp_path / "kept.log"), "--site", other["id"])
        stack.wait_for(f"/api/sites/{one['id']}", lambda site: site["sessions_count"] == 5)
        stack.wait_for(f"/api/sites/{other['id']}", lambda site: site["sessions_count"] == 3)
        eve, old = visitor_of(stack, one["id"], "/hidden-page"), visitor_of(stack, one["id"], "/hidden-page-of-old")
        needles = [*ONLY, eve.partition("-")[2], old.partition("-")[2]]
        assert {"events", "sessions", "visitor", "transaction", "trait", "element", "data_key"} <= {
            *rows_with(client, needles)
        }
        assert files_with(stack.data, needles)
        before = ledger(stack, one["id"])

        # Others and strangers.
        assert stack.request("DELETE", f"/api/visitors/{one['id']}-{'0' * 16}").status == 404
        assert stack.request("DELETE", f"/api/visitors/zzzzzzzz-{'0' * 16}").status == 403
        assert stack.request("GET", f"/api/sites/{one['id']}/erasures/{'0' * 16}").status == 404
        exported = stack.request("GET", f"/api/visitors/{eve}/export")
        assert exported.status == 200 and exported.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(text) for text in exported.body.decode().splitlines()]
        kinds = [each["kind"] for each in lines]
        assert kinds.count("event") == 5 and kinds.count("session") == 1 and kinds.count("state") == 1
        assert {each["reason"] for each in lines if each["kind"] == "event"} == {"", "duplicate"}

        # Twice is once; killed in the middle, it goes on.
        wish = erased(stack, one["id"], eve)
        assert erased(stack, one["id"], eve) == wish
        stack.kill_part("worker")
        wishes = [wish, erased(stack, one["id"], old)]
        for each in wishes:
            done(stack, one["id"], each)
        assert answers(stack, one["id"]) == answers(stack, other["id"])
        assert stack.request("GET", f"/api/visitors/{eve}/sessions").status == 404
        assert stack.request("GET", f"/api/visitors/{eve}/export").status == 404
        assert stack.request("DELETE", f"/api/visitors/{eve}").status == 404
        after = ledger(stack, one["id"])
        assert after["received"] == before["received"]
        assert after["filtered"] == {"duplicate": 2, "erased": 6}
        assert rows_with(client, needles) == []
        assert "no difference" in stack.command("verify")

        # Copies do not bring them back.
        redis = Redis.from_url(stack.describes()["redis"])
        for key in [*redis.scan_iter("throughline:*", _type="stream")]:
            records: Any = redis.xrange(key)
            for _, fields in records:
                redis.xadd(key, fields)
        stack.command("import", str(logs), "--site", one["id"])
        stack.wait_for(
            f"/api/sites/{one['id']}/ledger?from=2026-01-01", lambda found: found["filtered"]["erased"] == 6 + 6 + 1
        )
        assert answers(stack, one["id"]) == answers(stack, other["id"])
        assert "no difference" in stack.command("verify")

        # The log keeps its records for an hour; then the append-only file is written anew.
        for key in redis.scan_iter("throughline:*", _type="stream"):
            redis.xtrim(key, maxlen=0, approximate=False)
        redis.bgrewriteaof()
        while redis.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.1)
        assert rows_with(client, needles) == []
        left = files_with(stack.data, needles)
        assert left == []

        # Who comes again is somebody new.
        again = posted(one["tracking_id"], one["domain"], "eve", "anew")
        again = [{**event, "at": event["sent_at"]} for event in again]
        assert stack.request("POST", "/e", again, key="").status == 202
        stack.wait_for(f"/api/sites/{one['id']}", lambda site: site["sessions_count"] == 4)
        assert len(stack.get(f"/api/visitors/{eve}/sessions")["sessions"]) == 1
        assert "no difference" in stack.command("verify")
        client.close()
        redis.close()


def test_letters_of_whom_is_erased_are_counted_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    dead, log = FakeDead(), FakeProducer(2)
    monkeypatch.setattr(wiring, "producer", lambda _: log)
    eve, ann = "e" * 16, "a" * 16
    line_ = encode([Event("shop12", eve, "1", "pageview", 5, 7)]).rstrip()
    broken = b'{"site":"shop12","visitor":"' + eve.encode() + b'",'
    other = encode([Event("other1", eve, "1", "pageview", 5, 7)]).rstrip()
    ahead = encode([Event("shop12", eve, "3", "pageview", 11, 11)]).rstrip()  # once before the erasure, once after
    lines = [line_, broken, other, encode([Event("shop12", ann, "2", "pageview", 5, 7)]).rstrip(), ahead, ahead]
    for at, raw in enumerate(lines):
        dead.append(DeadLetter("why", "log", 1, at, 0, raw))
    dead.begin("log/1/0/0")  # by who died then: it may be on the log already
    wish = Wish("shop12", "w1", eve, 0, True)
    forget_letters(Settings(), dead, [wish], [Stone("shop12", "d", 10, "log", 1, 5, "w1")])
    assert [letter.offset for letter in dead.letters()] == [2, 3, 5]
    for sent in [decode(value) for _, value in log.records]:
        assert isinstance(sent, Filtered) and (sent.site, sent.reason) == ("shop12", "erased")
    assert len(log.records) == 2


@pytest.mark.services
def test_one_process_is_at_it_at_a_time(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "clickhouse", lambda _: None)
    rounds: list[str] = []

    class Named(Erasing):
        name = "first"
        beside: Erasing | None = None

        def round(self) -> Sequence[Wish]:
            rounds.append(self.name)
            if self.beside is not None:
                self.beside.look()
            return []

    first, second = Named(Settings(redis=redis_url)), Named(Settings(redis=redis_url))
    first.beside, second.name = second, "second"
    first.look()
    assert rounds == ["first"]
    second.look()
    assert rounds == ["first", "second"]
