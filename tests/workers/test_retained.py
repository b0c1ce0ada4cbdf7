"""Months of a live system go: what a worker counts afterwards, and what it leaves alone."""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import pytest

from ingest.contract.event import Erase, Event, Filtered, Logged, Rebuild
from ingest.contract.site import SiteSettings
from ingest.log.protocol import LogUnavailable
from rollups import control, mend, purge, retain
from rollups.client import Client, connect
from rollups.retain import Cut
from rollups.verify import verify
from tests.rollups.test_retain import left, totals
from tests.workers.place import Place, taken
from tests.workers.streams import SITE
from tests.workers.test_real import Stack, stack
from workers import put_back
from workers import repair as bring
from workers.batch import count
from workers.memory import DAY, HOUR, MINUTE
from workers.state import Moved
from workers.world import World

pytestmark = pytest.mark.services
__all__ = ["stack"]

EVE, ANN, BOB = "e" * 16, "a" * 16, "b" * 16
CUT = 1_764_547_200_000  # 1 December 2025
NOW = CUT + 100 * DAY


@pytest.fixture
def place(redis_url: str, clickhouse_url: str) -> Iterator[Place]:
    with taken(redis_url, clickhouse_url) as made:
        made.world = replace(made.world, now=lambda: NOW, cuts=partial(retain.cuts, made.client))
        yield made


def event(visitor: str, at: int, name: str = "", type_: str = "pageview", **more: Any) -> Event:
    """Received when the system was set up, long after it happened."""
    page = f"/{name or at}"
    return Event(
        SITE,
        visitor,
        name or f"{visitor[0]}{at}",
        type_,
        at,
        NOW - DAY,
        url=f"https://x.example{page}",
        page=page,
        **more,
    )


def counted(place: Place, lines: Sequence[Logged]) -> None:
    count(place.world, place.held, place.append(lines))


def gone(client: Client, events: int = CUT, sessions: int = CUT) -> None:
    """All of before goes."""
    wanted = {SITE: Cut(events, sessions)}
    while retain.due(client, wanted):
        assert retain.advance(client, wanted, NOW, wait_seconds=120)
        while not retain.settle(client, NOW):
            client.rows("SELECT sleep(0.05)")


def sessions(client: Client) -> list[tuple[str, int, int, int]]:
    rows = client.rows(
        "SELECT visitor, toUnixTimestamp64Milli(start) AS s, toUnixTimestamp64Milli(end) AS e, events "
        "FROM sessions FINAL WHERE sign = 1 ORDER BY s, visitor"
    )
    return [(row["visitor"][0], row["s"] - CUT, row["e"] - CUT, row["events"]) for row in rows]


def ids(client: Client) -> list[str]:
    return [row["id"] for row in client.rows("SELECT id FROM events WHERE visitor != '' ORDER BY time, id")]


def ledger(client: Client) -> dict[str, int]:
    rows = client.rows("SELECT reason, sum(events) AS n FROM ledger GROUP BY reason HAVING n != 0")
    return {row["reason"]: row["n"] for row in rows}


def purged(client: Client) -> None:
    for _ in range(2):
        purge.purge(client, purge.wishes(client), wait_seconds=30)
        while control.mutating(client):
            client.rows("SELECT sleep(0.05)")


def right(client: Client) -> None:
    assert list(verify(client, wait_seconds=1)) == []
    assert client.rows("SELECT count() AS n FROM events WHERE visitor = '' AND id != ''")[0]["n"] == 0


def test_what_is_gone_does_not_count_again_and_leaves_nothing(place: Place) -> None:
    old = [
        event(ANN, CUT - 3 * DAY),
        event(ANN, CUT - DAY),
        event(BOB, CUT - HOUR, data='{"k":1}'),
        event(EVE, CUT + HOUR),
    ]
    counted(place, old)
    before = totals(place.client, SITE)
    gone(place.client)
    assert totals(place.client, SITE) == before
    right(place.client)
    counted(place, old)
    assert {name: rows for name, rows in totals(place.client, SITE).items() if name != "ledger"} == {
        name: rows for name, rows in before.items() if name != "ledger"
    }
    assert ledger(place.client) == {"": 4, "late": 3, "duplicate": 1}
    assert ids(place.client) == [f"e{CUT + HOUR}"] * 2
    right(place.client)


def test_a_session_that_ends_before_the_cut_stays_as_it_is(place: Place) -> None:
    """Although what comes right behind the cut would have belonged to it."""
    counted(place, [event(ANN, CUT - 30 * MINUTE), event(ANN, CUT - 10 * MINUTE)])
    gone(place.client, sessions=0)
    sealed = ("a", -30 * MINUTE, -10 * MINUTE, 2)
    assert sessions(place.client) == [sealed]
    counted(place, [event(ANN, CUT + 5 * MINUTE), event(ANN, CUT)])
    assert sessions(place.client) == [sealed, ("a", 0, 5 * MINUTE, 2)]
    right(place.client)
    # Nor does judging all of them anew.
    counted(place, [Rebuild(SITE, [ANN], 0, NOW)])
    assert sessions(place.client) == [sealed, ("a", 0, 5 * MINUTE, 2)]
    right(place.client)
    gone(place.client)
    assert sessions(place.client) == [("a", 0, 5 * MINUTE, 2)]
    right(place.client)


def test_a_session_that_reaches_over_the_cut_can_still_grow(place: Place) -> None:
    counted(place, [event(ANN, CUT - 40 * MINUTE), event(ANN, CUT - 20 * MINUTE), event(ANN, CUT + MINUTE)])
    counted(place, [event(ANN, CUT - 5 * HOUR), event(BOB, CUT - 5 * HOUR)])
    gone(place.client)
    assert sessions(place.client) == [("a", -40 * MINUTE, MINUTE, 3)]
    assert ids(place.client) == [f"a{CUT - 40 * MINUTE}", f"a{CUT - 20 * MINUTE}", f"a{CUT + MINUTE}"]
    right(place.client)
    counted(place, [event(ANN, CUT + 31 * MINUTE), event(ANN, CUT - 30 * MINUTE)])
    assert sessions(place.client) == [("a", -40 * MINUTE, 31 * MINUTE, 4)]
    right(place.client)
    # And goes with the next month, as all of that one.
    counted(place, [event(BOB, CUT + 40 * DAY)])
    before = totals(place.client, SITE)
    after = retain.cut_at(CUT, -1)
    gone(place.client, after, after)
    assert sessions(place.client) == [("b", 40 * DAY, 40 * DAY, 1)]
    assert ids(place.client) == [f"b{CUT + 40 * DAY}"]
    assert totals(place.client, SITE) == before
    right(place.client)


def test_a_session_that_no_longer_reaches_over_the_cut_is_still_one_that_may_change(place: Place) -> None:
    """Its tail goes to a session that starts behind the cut, over 24 h after its own start."""
    start = CUT - 25 * HOUR + 5 * MINUTE
    tail = [event(ANN, at, type_="engagement") for at in range(start + 20 * MINUTE, CUT + 11 * MINUTE, 20 * MINUTE)]
    last = tail[-1].time
    assert last >= CUT > tail[-2].time
    counted(place, [event(ANN, start), *tail])
    gone(place.client)
    assert sessions(place.client) == [("a", start - CUT, last - CUT, 1)]
    counted(place, [event(ANN, last - 1)])
    parted = [("a", start - CUT, tail[-2].time - CUT, 1), ("a", last - 1 - CUT, last - CUT, 1)]
    assert sessions(place.client) == parted
    right(place.client)
    counted(place, [Rebuild(SITE, [ANN], 0, NOW)])
    assert sessions(place.client) == parted
    right(place.client)


def test_who_is_erased_leaves_the_sessions_whose_events_are_gone_too(place: Place) -> None:
    counted(
        place, [event(EVE, CUT - 70 * DAY), event(EVE, CUT - DAY), event(EVE, CUT - MINUTE), event(EVE, CUT + MINUTE)]
    )
    counted(place, [event(ANN, CUT - 70 * DAY), event(ANN, CUT - DAY), event(ANN, CUT + DAY)])
    gone(place.client, sessions=retain.cut_at(CUT, 1))
    right(place.client)
    wish = purge.accept(place.client, SITE, EVE, NOW)
    assert wish
    counted(place, [Erase(SITE, EVE, wish, NOW)])
    assert ledger(place.client) == {"": 5, "erased": 2}
    assert [each for each in sessions(place.client) if each[0] == "e"] == []
    right(place.client)
    # Until it is through, nothing else goes.
    after = retain.cut_at(CUT, -1)
    assert retain.advance(place.client, {SITE: Cut(after, CUT)}, NOW, wait_seconds=5) == []
    purged(place.client)
    right(place.client)
    for table in ("events", "sessions", "visitor", "kept"):
        rows = place.client.rows(f"SELECT toString(tuple(*)) AS row FROM {table}")  # noqa: S608
        assert not any(EVE in row["row"] for row in rows), table
    assert ledger(place.client) == {"": 5, "erased": 2}
    purge.nameless(place.client, purge.wishes(place.client), NOW)
    gone(place.client, after, after)
    right(place.client)
    counted(place, [event(EVE, CUT + 60 * DAY, "again")])
    assert ledger(place.client) == {"": 5, "erased": 3}
    right(place.client)


OTHER = "ghijkl"


def test_months_go_while_workers_count(stack: Stack) -> None:
    """A site that lets them go says what one says that keeps all."""
    draw = random.Random(7)
    visitors = [f"{number:016x}" for number in range(12)]
    old = [CUT + draw.randrange(-70 * DAY, 10 * DAY) // (10 * MINUTE) * 10 * MINUTE for _ in range(150)]
    new = [NOW - 20 * DAY + draw.randrange(15 * DAY) // (10 * MINUTE) * 10 * MINUTE for _ in range(300)]

    def both(times: Sequence[int], name: str) -> list[Event]:
        made: list[Event] = []
        for number, at in enumerate(times):
            one = event(draw.choice(visitors), at, f"{name}{number}", draw.choice(["pageview", "signup", "engagement"]))
            made += [one, msgspec.structs.replace(one, site=OTHER)]
        return made

    def counted_lines() -> int:
        return int(stack.client.rows("SELECT sum(arraySum(mapValues(counts))) AS n FROM progress")[0]["n"])

    history, lately = both(old, "old"), both(new, "new")

    def world() -> World:
        own = {"now": lambda: NOW, "lookup": lambda *_: SiteSettings(), "cuts": partial(retain.cuts, stack.client)}
        return replace(stack.world(), **own)  # type: ignore[arg-type]

    stack.append([*history])
    stack.run(lambda: counted_lines() == len(history), world())
    failed: list[Exception] = []

    def let_go() -> None:
        client = connect(stack.client.url)
        try:
            for months in (1, 0, -1):
                cut = retain.cut_at(CUT, months)
                gone(client, cut, retain.cut_at(cut, 1))
        except Exception as error:
            failed.append(error)
        finally:
            client.close()

    thread = threading.Thread(target=let_go)
    waiting = [lately[begin : begin + 40] for begin in range(0, len(lately), 40)]

    def over() -> bool:
        """Called again and again while the worker works."""
        if waiting:
            with suppress(LogUnavailable):
                stack.append([*waiting[0]])
                del waiting[0]
        return not waiting and not thread.is_alive() and counted_lines() >= len(history) + len(lately)

    thread.start()
    stack.run(over, world())
    thread.join()
    assert failed == []
    assert totals(stack.client, SITE) == totals(stack.client, OTHER)
    assert left(stack.client, retain.cuts(stack.client, [SITE])[SITE], SITE)[2] == 0
    right(stack.client)


def test_what_is_gone_is_neither_missed_nor_brought_back(place: Place) -> None:
    """By a repair of raw events that were lost, nor by who finds the log put back."""
    client, held = place.client, place.held
    lines = [event(ANN, CUT - DAY), event(ANN, CUT - MINUTE), event(ANN, CUT + MINUTE), event(BOB, CUT + DAY)]
    counted(place, lines)
    gone(client)
    counted(place, [lines[0], event(EVE, CUT - DAY)])
    assert bring.missing(client, False, False) == 0
    assert not put_back.look(place.world, held.log, 0, 0, held.offset, sure=False)
    assert place.world.dead.count() == 0
    before = totals(client, SITE)
    for visitor in (ANN, BOB):
        sql = "ALTER TABLE events DELETE WHERE visitor = {visitor:String}"
        client.command(sql, {"visitor": visitor}, {"mutations_sync": 2})
    assert bring.missing(client, False, False) == 3
    for name in ("ledger", "data_key"):
        client.command(f"TRUNCATE TABLE {name}")
    bring.doubt(client)
    assert bring.events(client, place.world.consumer).lines == 3
    assert bring.missing(client, False, False) == 0
    told = "SELECT sum(arraySum(mapValues(counts))) AS n FROM progress"
    lines_counted = client.rows(told)[0]["n"]
    bring.recount(client, bring.Placed(held.log, 0, held.offset))
    assert client.rows(told)[0]["n"] == lines_counted == 6
    assert mend.settle(client, wait_seconds=5)
    assert totals(client, SITE) == before
    right(client)


@pytest.mark.parametrize("decided", [True, False])
def test_where_counting_stood_is_found_although_its_rows_are_gone(place: Place, decided: bool) -> None:
    client, held = place.client, place.held
    counted(place, [event(BOB, CUT + DAY), event(ANN, CUT - 2 * DAY)])
    known = held.offset
    counted(place, [event(ANN, CUT - DAY), event(ANN, CUT - MINUTE), Filtered(SITE, "bot", CUT - DAY)])
    gone(client)
    told = "SELECT sumMap(counts) AS n FROM progress"
    before = client.rows(told)
    client.command("TRUNCATE TABLE progress")
    if decided:  # then a part of it is still there
        where = {"log": held.log, "b": known}
        sql = "INSERT INTO progress (log, partition, b, counts) SELECT {log:String}, 0, {b:UInt64}, map('counted', 2)"
        client.command(sql, where)
    else:
        client.command("TRUNCATE TABLE decision")
    (placed,) = bring.places(client, "another", decided)
    assert placed == bring.Placed(held.log, 0, held.offset)
    bring.recount(client, placed)
    assert client.rows(told) == before
    assert bring.missing(client, False, False) == 0


def test_what_is_counted_while_rows_are_still_going(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stop between what is kept and the deletions; the deletions come later, and take no more than that."""
    client = place.client
    counted(place, [*(event(EVE, CUT + at) for at in (-DAY, -MINUTE, MINUTE)), event(ANN, CUT - DAY)])
    with monkeypatch.context() as patched:
        patched.setattr(retain, "_delete", lambda *_, **__: None)
        assert retain.advance(client, {SITE: Cut(CUT, CUT)}, NOW, wait_seconds=5)
    wish = purge.accept(client, SITE, EVE, NOW)
    assert wish
    counted(place, [Erase(SITE, EVE, wish, NOW), Filtered(SITE, "bot", CUT - DAY), event(BOB, CUT - HOUR)])
    assert ids(client) == [f"a{CUT - DAY}", f"e{CUT - DAY}", f"e{CUT - MINUTE}", f"e{CUT + MINUTE}"]
    retain.finish(client)
    assert ids(client) == [f"e{CUT - MINUTE}", f"e{CUT + MINUTE}"]
    assert ledger(client) == {"": 2, "erased": 2, "bot": 1, "late": 1}
    right(client)
    purged(client)
    assert ids(client) == []
    assert ledger(client) == {"": 2, "erased": 2, "bot": 1, "late": 1}
    right(client)


def test_a_batch_that_read_a_month_before_it_went_is_not_decided(place: Place) -> None:
    answers = iter([{}, {SITE: Cut(CUT, 0)}])
    place.world = replace(place.world, cuts=lambda _: next(answers))
    with pytest.raises(Moved):
        counted(place, [event(ANN, CUT - DAY)])
    assert place.client.rows("SELECT 1 FROM decision") == []
