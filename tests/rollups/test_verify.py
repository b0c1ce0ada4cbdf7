"""verify agrees with the workers' fold on random traffic, and sees whatever is changed behind its back."""

import random
from functools import partial

import pytest

from ingest.contract.event import Event, Revenue, Touch
from ingest.contract.site import SiteSettings
from rollups import kept, rollup
from rollups.client import Client, connect
from rollups.kept import Types
from rollups.past import past
from rollups.registry import RegistryRow, append
from rollups.rollup import Rollup
from rollups.verify import Difference, verify
from rollups.write import Writer
from tests.rollups.make import DAY, HOUR, MINUTE, T0
from tests.services.schema import migrated
from workers.back import fold_back
from workers.fold import Entry, visits
from workers.raw import event_columns
from workers.visitor import State

pytestmark = pytest.mark.services

STRICT = SiteSettings.model_validate(
    {
        "friction": {"bouncer_seconds": 0.5, "engaged_pageviews": 2, "engaged_seconds": 7.25, "deep_percent": 33.3},
        "pairs": [["pageview", "buy"], ["signup", "buy"], ["pageview", "signup", "never"]],
    }
)
SETTINGS = {0: SiteSettings(), 1: SiteSettings(), 2: STRICT}


def traffic(seed: int, count: int) -> list[Event]:
    """Few visitors, gaps around every boundary of the rule, late and repeated events, silences over 25 h."""
    rng = random.Random(seed)
    found: list[Event] = []
    received = dict.fromkeys((f"{i:016x}" for i in range(6)), T0)
    heads = dict(received)
    for number in range(count):
        visitor = rng.choice(list(received))
        received[visitor] += rng.choice((0, 1, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 25 * HOUR, 25 * HOUR + 1))
        step = rng.choice((0, 1, MINUTE, 10 * MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 3 * HOUR, 23 * HOUR))
        late = rng.choice((0, 0, 0, MINUTE, 20 * MINUTE, 30 * MINUTE, 5 * HOUR, DAY, DAY + 1, 2 * DAY))
        heads[visitor] = max(heads[visitor] + step, received[visitor] - rng.choice((0, 0, HOUR)))
        kind = rng.choice(("pageview", "pageview", "engagement", "engagement", "signup", "buy"))
        paid = rng.random() < 0.15
        found.append(
            Event(
                site="site01",
                visitor=visitor,
                id=f"e{rng.randrange(number + 1)}" if rng.random() < 0.1 else f"e{number}",
                type=kind,
                time=heads[visitor] - late,
                received=received[visitor],
                seq=rng.randrange(3),
                view=rng.choice(("", "v1", "v2")),
                page=rng.choice(("/", "/a", "/b")),
                source=rng.choice(("direct", "google")),
                campaign=rng.choice(("(none)", "x")),
                data='{"a":{"b":1}}' if kind == "signup" else "",
                scroll=rng.choice((None, 0, 2500, 3330, 10_000)),
                engaged_ms=rng.choice((None, 0, 400, 9000)) if kind == "engagement" else None,
                revenue=Revenue(rng.randrange(-5000, 5000), "", f"t{rng.randrange(5)}") if paid else None,
                settings=rng.choice((1, 1, 2)),
                touch=Touch(*(f"{name}{number % 7}" for name in Touch.__struct_fields__)),
            )
        )
    # As in a log: receipts rise over all visitors.
    return sorted(found, key=lambda event: event.received)


def store(client: Client, events: list[Event], batch: int) -> None:
    """What a worker would write, a batch at a time."""
    writer = Writer(client)
    states: dict[str, State] = {}
    clock = 0
    for begin in range(0, len(events), batch):
        entries = [Entry(begin + i, 0, event) for i, event in enumerate(events[begin : begin + batch])]
        folded = fold_back(
            states, 0, clock, visits(entries), begin + 1, lambda _, revision: SETTINGS[revision], partial(past, client)
        )
        assert not folded.errors
        states |= folded.states
        clock = folded.clock
        reasons = {(offset, index): reason for offset, index, reason in folded.reasons}
        token = writer.token("log", 0, begin)
        writer.insert_columns(token, event_columns(entries, reasons, {}, "log", 0))
        writer.insert_sessions(token, folded.rows)


@pytest.fixture
def live(clickhouse_url: str) -> Client:
    """All the real rollups, a site with two revisions of settings."""
    migrated(clickhouse_url)
    client = connect(clickhouse_url)
    for revision in (1, 2):
        body = f'{{"settings":{SETTINGS[revision].model_dump_json()}}}'
        append(client, RegistryRow("site", "site01", revision, body), T0)
    return client


def differences(client: Client) -> list[Difference]:
    return list(verify(client, wait_seconds=1))


@pytest.mark.parametrize("seed", range(3))
def test_no_difference_on_what_workers_wrote(live: Client, seed: int) -> None:
    store(live, traffic(seed, 400), batch=60)
    assert live.rows("SELECT sum(sign) AS n FROM sessions")[0]["n"] > 50
    assert differences(live) == []


def test_every_attribute_is_compared(live: Client) -> None:
    store(live, traffic(9, 120), batch=120)
    same = {"site", "visitor", "session", "start", "sign", "version", "number"}
    columns = [row for row in live.rows("DESCRIBE TABLE sessions") if row["name"] not in same]
    # In each session another attribute is changed (in the first ones whose arrays have something to change).
    live.command("CREATE TABLE altered ENGINE = Memory AS SELECT *, 0 AS nth FROM sessions WHERE 0")
    for nth, column in enumerate(columns):
        some = f"notEmpty({column['name']})" if column["type"].startswith("Array") else "1"
        live.command(
            f"INSERT INTO altered SELECT *, {nth} FROM sessions "  # noqa: S608
            f"WHERE {some} AND (visitor, start) NOT IN (SELECT visitor, start FROM altered) LIMIT 1"
        )
    changed = ", ".join(
        f"if(nth = {nth}, {_changed(column['name'], column['type'])}, {column['name']}) AS {column['name']}"
        for nth, column in enumerate(columns)
    )
    picked = {(row["visitor"], row["start"]) for row in live.rows("SELECT visitor, start FROM altered")}
    assert len(picked) == len(columns)
    live.command(
        "INSERT INTO altered SELECT *, 999 FROM sessions "
        "WHERE (visitor, start) NOT IN (SELECT visitor, start FROM altered)"
    )
    live.command("TRUNCATE TABLE sessions")
    live.command(f"INSERT INTO sessions SELECT * EXCEPT nth REPLACE ({changed}) FROM altered")  # noqa: S608
    found = {each.key for each in verify(live, rollups={}) if each.table == "sessions"}
    assert len(found) == len(columns)


def _changed(name: str, type_: str) -> str:
    """An expression for another value of the column's type."""
    if type_.startswith("Array"):
        inner = type_.removeprefix("Array(")[:-1]
        return f"arrayMap(x -> {_changed('x', inner)}, {name})"
    if "String" in type_:
        return f"CAST(concat(ifNull({name}, ''), '!') AS {type_})"
    return f"CAST(ifNull({name}, 0) + 1 AS {type_})" if "Date" not in type_ else f"{name} + toIntervalMillisecond(1)"


def test_a_lost_a_doubled_and_a_foreign_row_are_seen(live: Client) -> None:
    store(live, traffic(4, 100), batch=100)
    live.command("INSERT INTO trait SELECT * FROM trait LIMIT 1")
    live.command("INSERT INTO ledger SELECT 'site99', * EXCEPT site FROM ledger LIMIT 1")
    live.command("ALTER TABLE series DELETE WHERE 1 SETTINGS mutations_sync = 2")
    live.command("INSERT INTO transaction SELECT * EXCEPT copies, 1 FROM transaction LIMIT 1")
    found = differences(live)
    assert {each.table for each in found} == {"trait", "ledger", "series", "transaction"}
    assert [each.site for each in found if each.table == "ledger"] == ["site99"]


def test_parts_are_bounded_and_their_sum_is_everything(live: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store(live, traffic(6, 120), batch=60)
    whole: list[tuple[int, int]] = []
    assert list(verify(live, progress=lambda *told: whole.append(told))) == []
    for name, most in (("_EVENTS_A_PART", 40), ("_SESSIONS_A_PART", 5), ("_KEYS_A_PART", 10)):
        monkeypatch.setattr(f"rollups.verify.{name}", most)
    cut: list[tuple[int, int]] = []
    described: list[str] = []
    types = kept.types

    def watched(client: Client, one: Rollup) -> Types:
        described.append(one.name)
        return types(client, one)

    monkeypatch.setattr(kept, "types", watched)
    assert list(verify(live, progress=lambda *told: cut.append(told))) == []
    assert described == list(rollup.load())  # once, not for each part
    assert [done for done, _ in cut] == list(range(len(cut))) and {parts for _, parts in cut} == {len(cut)}
    assert len(cut) > 3 * len(whole)
    for table in ("series", "transaction", "trait", "element"):
        live.command(f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1")  # noqa: S608
    live.command("ALTER TABLE events UPDATE reason = 'late' WHERE id = 'e0' SETTINGS mutations_sync = 2")
    assert {each.table for each in differences(live)} >= {"series", "transaction", "trait", "element", "events"}


def test_a_wrong_reason_is_seen(live: Client) -> None:
    store(live, traffic(5, 200), batch=50)
    live.command("ALTER TABLE events UPDATE reason = 'late' WHERE id = 'e0' SETTINGS mutations_sync = 2")
    assert any(each.table == "events" and each.found == "late" for each in differences(live))
