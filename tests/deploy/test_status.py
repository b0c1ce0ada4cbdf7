"""`throughline status` on real stores: what waits, what is unfinished, and that asking makes nothing."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from urllib.parse import urlsplit

import kafka
import pytest
from redis import Redis
from typer.testing import CliRunner

from api.registry.change import create_account, create_site
from deploy import event_log, wiring
from deploy.cli import app
from deploy.peek import log_state
from deploy.settings import Settings
from deploy.status import by_reason, status
from deploy.taken import _first
from ingest.contract.event import Event, encode
from ingest.log.dead import DeadLetter
from rollups.client import connect
from rollups.decided import Decided
from rollups.state import by_site, parts
from rollups.write import Writer
from tests.services.schema import migrated

pytestmark = pytest.mark.services

_topics = count(1)


def event(seconds_ago: float) -> bytes:
    received = int((time.time() - seconds_ago) * 1000)
    return encode([Event("abcdef", "0" * 16, "e", "pageview", received, received)])


def append(settings: Settings, *values: bytes) -> None:
    """To partition 1, as ingest does it."""

    async def send() -> None:
        producer = wiring.producer(settings)
        await producer.start()
        for value in values:
            await producer.append(1, value)
        await producer.close()

    asyncio.run(send())


@pytest.fixture(params=["redis", "kafka"])
def settings(request: pytest.FixtureRequest, redis_url: str, clickhouse_url: str) -> Settings:
    """An installation in which nothing was made yet."""
    log = redis_url
    if request.param == "kafka":
        log = f"kafka://{request.getfixturevalue('kafka_bootstrap')}/status-{next(_topics)}"
    return Settings(event_log=log, clickhouse=clickhouse_url, redis=redis_url, partitions=2)


def said(settings: Settings) -> str:
    flags = ["--event-log", settings.event_log, "--clickhouse", settings.clickhouse, "--redis", settings.redis]
    done = CliRunner().invoke(app, ["status", *flags], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def things(settings: Settings) -> list[str]:
    """Everything that there is: keys of Redis, the log's topics, tables of the database."""
    with Redis.from_url(settings.redis) as client:
        found = [key.decode() for key in client.scan_iter()]
    if settings.event_log.startswith("kafka://"):
        admin = kafka.KafkaAdminClient(bootstrap_servers=wiring.brokers(settings.event_log))
        found += [topic for topic in admin.list_topics() if topic.startswith(wiring.topic(settings.event_log))]
        admin.close()
    client = connect(settings.clickhouse, database="default")
    named = {"name": urlsplit(settings.clickhouse).path.strip("/")}
    found += [row["name"] for row in client.rows("SELECT name FROM system.databases WHERE name = {name:String}", named)]
    client.close()
    return sorted(found)


def test_an_empty_installation_stays_empty(settings: Settings) -> None:
    before = things(settings)
    text = said(settings)
    assert "no log there yet" in text
    assert "has no tables yet: throughline migrate" in text
    assert "dead letters  none" in text
    assert log_state(settings).id == ""
    assert things(settings) == before == []


def test_it_says_how_long_the_oldest_uncounted_event_waits(settings: Settings) -> None:
    append(settings, event(600), event(300), b"nobody reads this\n" + event(40))
    assert status(settings).waits[0] is None
    assert waits(settings) == pytest.approx(600, abs=60)
    migrated(settings.clickhouse)
    assert waits(settings) == pytest.approx(600, abs=60)
    with closing(connect(settings.clickhouse)) as client:
        offsets, writer = offsets_of(settings), Writer(client)
        mark = mark_up_to(settings, writer)
        mark(offsets[0], offsets[2])
        assert waits(settings) == pytest.approx(40, abs=30)
        assert "partition 1   the oldest uncounted event waits for " in said(settings)
        # All is counted: quiet minutes are no lag, however old the last event is.
        mark(offsets[2], log_state(settings).ends[1])
        assert status(settings).waits == [None, None]
        assert said(settings).count("nothing waits") == 2


def waits(settings: Settings) -> float | None:
    return status(settings).waits[1]


def offsets_of(settings: Settings) -> list[int]:
    with closing(wiring.consumer(settings)) as consumer:
        bounds = consumer.bounds(1)
        return [record.offset for record in consumer.read(1, bounds.begin, bounds.end)]


def mark_up_to(settings: Settings, writer: Writer) -> Callable[[int, int], None]:
    log = log_state(settings).id
    return lambda a, b: writer.mark(log, 1, a, b, 0, {})


def test_it_lists_unfinished_batches_and_dead_letters(settings: Settings) -> None:
    migrated(settings.clickhouse)
    append(settings, event(5))
    log = log_state(settings).id
    assert "unfinished    no batch" in said(settings)
    with closing(connect(settings.clickhouse)) as client:
        writer = Writer(client)
        writer.decide(Decided(log, 1, 0, 7, "n", b""))
        writer.decide(Decided("gone", 0, 3, 9, "n", b""))
    with closing(wiring.dead_letters(settings)) as dead:
        for number in range(3):
            dead.append(DeadLetter(f"a line of {200_000 + number} bytes, over 131072", log, 1, number, 0, b"x"))
        dead.append(DeadLetter("not an event: JSON is malformed", log, 1, 3, 0, b"x"))
    text = said(settings)
    assert "unfinished    partition 1: the batch at 0, decided 20" in text
    assert "unfinished    partition 0 of another log, gone: the batch at 3, decided 20" in text
    assert "dead letters  4\n              3  a line of N bytes, over N\n              1  not an event\n" in text
    assert "throughline dead-letters replay" in text
    found = status(settings)
    assert found.unfinished is not None
    assert all(0 <= batch.seconds < 120 for batch in found.unfinished)


def test_it_tells_of_a_log_that_was_put_back_and_of_a_clock_that_was_ahead(settings: Settings) -> None:
    append(settings, event(5))
    migrated(settings.clickhouse)
    assert "put back" not in said(settings) and "clock  " not in said(settings)
    log, now = log_state(settings).id, int(time.time() * 1000)
    with closing(connect(settings.clickhouse)) as client:
        writer = Writer(client)
        writer.mark(log, 1, 0, 1, now + 25 * 3_600_000, {})
        for _ in range(2):
            writer.put_back(log, 1, 1_800_000_000_000 << 20, 1_800_000_020_000 << 20)
        writer.put_back("another", 1, 0, 1)
    text = said(settings)
    assert text.count("put back  ") == 1
    assert "found as it was at 2027-01-15T08:00:00+00:00; what came after 2027-01-15T08:00:20+00:00 and" in text
    assert "clock         events were received up to 25.0 h ahead of this clock" in text


def test_it_says_what_takes_the_disk_by_table_and_site(redis_url: str, clickhouse_url: str) -> None:
    settings = Settings(event_log=redis_url, clickhouse=clickhouse_url, redis=redis_url, partitions=2)
    migrated(clickhouse_url)
    assert "\nsite " not in said(settings)
    held = wiring.registry(settings)
    account = create_account(held, "a@example.com", "a long password").id
    large, small = (create_site(held, account, name, f"{name}.example").id for name in ("large", "small"))
    with closing(connect(clickhouse_url)) as client:
        for _ in range(2):  # two parts, and then one
            client.command("INSERT INTO events (site, data) SELECT 'any', toString(rand64()) FROM numbers(50000)")
        client.command("INSERT INTO sessions (site, sign) SELECT 'any', 1")
        client.command("OPTIMIZE TABLE events FINAL")
        client.command("TRUNCATE TABLE ledger")
        client.command("TRUNCATE TABLE series")
        for site, events, sessions in ((large, 4, 3), (large, 5, 0), (small, 3, 3), ("gone99", 0, 0)):
            row = {"site": site, "events": events, "sessions": sessions}
            client.command("INSERT INTO ledger (site, events) SELECT {site:String}, {events:Int64}", row)
            client.command("INSERT INTO series (site, sessions) SELECT {site:String}, {sessions:Int64}", row)
        tables = {each.table: each for each in parts(client)}
        raw, rest = tables["events"].bytes, sum(each.bytes for each in tables.values() if each.of_sites)
        rest -= raw
        assert tables["events"].parts == 1 and 0.5 * raw < tables["events"].inactive < 2 * raw
        assert not tables["migrations"].of_sites and tables["ledger"].of_sites and rest > 0
        assert by_site(client, tables.values()) == {
            large: raw * 9 // 12 + rest // 2,
            small: raw * 3 // 12 + rest // 2,
            "gone99": 0,
        }
        told = said(settings)
        every = sum(each.bytes for each in tables.values())
        assert f"\nClickHouse    {every / 1e6:,.1f} MB in tables, compressed, and " in told
        assert f"\ntable         events: {raw / 1e6:,.1f} MB, and {tables['events'].inactive / 1e6:,.1f} MB in" in told
        assert f"\nsite          {large} large.example: about {(raw * 9 // 12 + rest // 2) / 1e6:,.1f} MB\n" in told
        assert "\nsite          gone99: about 0.0 MB\n              sites: estimated, `events` by" in told
        client.command(
            "INSERT INTO retained (site, events) SELECT {site:String}, toDateTime64('1970-01-02 00:00:00', 3, 'UTC')",
            {"site": small},
        )
        assert by_site(client, tables.values())[small] == rest // 2  # its events are gone, its sessions are not
        client.command("DROP TABLE series")  # as before a migration
        assert by_site(client, tables.values()) == {}
    said(settings)


def test_only_the_largest_are_named_one_by_one() -> None:
    found = [(f"t{number}", 12_000_000 - number * 1_000_000, number * 50_000) for number in range(12)]
    told = [text for _, text in _first("table", found)]
    assert len(told) == 11 and told[0] == "t0: 12.0 MB"
    assert told[1] == "t1: 11.0 MB, and 0.1 MB inactive" and told[-1] == "2 more: 3.0 MB, and 1.1 MB inactive"


def test_it_tells_which_log_is_counted_first_and_that_it_is_open_still(settings: Settings) -> None:
    append(settings, event(5))
    migrated(settings.clickhouse)
    with closing(event_log.succession(settings)) as logs, closing(connect(settings.clickhouse)) as client:
        (log,) = logs.chain()
        Writer(client).mark(log.log, 0, 0, 1, 1, {})
        logs.extend(log, 3)
        text = said(settings)
        assert (
            f"counted first: {log.log}, 2 of its 2 partitions, still open: run throughline repartition 3 again" in text
        )
        assert "3 partitions" in text and "log forget" not in text
        logs.seal(log)
        text = said(settings)
        assert f"counted first: {log.log}, 1 of its 2 partitions" in text and "still open" not in text
        Writer(client).mark(log.log, 1, 0, 2**62, 1, {})
        assert "counted first" not in said(settings)
        counted = event_log.counting(logs, client)
    assert counted is not None and counted.partitions == 3


def test_reasons_are_gathered_by_kind() -> None:
    letters = [DeadLetter(reason, "log", 0, 0, 0, b"") for reason in ("future: 1 s", "NUL in a text", "future: 2 s")]
    assert by_reason(letters) == {"future": 2, "NUL in a text": 1}


def test_verify_that_could_not_say_is_no_difference(clickhouse_url: str, redis_url: str) -> None:
    def verified(clickhouse: str, *flags: str) -> tuple[int, str]:
        stores = ["--clickhouse", clickhouse, "--redis", redis_url]
        done = CliRunner().invoke(app, ["verify", *stores, *flags], catch_exceptions=False)
        return done.exit_code, done.output

    migrated(clickhouse_url)
    assert verified(clickhouse_url) == (0, "no difference\n")
    code, told = verified("http://127.0.0.1:1/nowhere")
    assert code == 2 and told.startswith("throughline: ClickHouse cannot be used: ") and told.count("\n") == 1
    code, told = verified(clickhouse_url, "--site", "nobody")
    assert code == 2 and told.startswith("throughline: ") and told.count("\n") == 1
    connect(clickhouse_url).command("INSERT INTO trait (site, time, sessions) VALUES ('site99', 0, 1)")
    assert verified(clickhouse_url)[0] == 1
