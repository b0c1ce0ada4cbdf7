"""What a site's setting `retention` takes away: raw events, then session rows; what rollups hold of them is kept.

A pass moves a site's cuts forward, while workers hold still: it writes down what is kept of the rows that go, says so
(from then on nothing before the cut counts, and sessions that end before it are nobody's to change), and lets the rows
be deleted. A session that reaches over the cut keeps all its events, for it may still change: so of each visitor there
is a *floor*, the start of that session, or else the cut. What lies before it is gone or going.

May be stopped anywhere: what is kept counts from the word on that it is all there, and to delete again changes nothing.
"""
# ruff: noqa: S608 - names of our own tables; values are bound

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rollups import control, damage, kept, rollup
from rollups.client import TOKEN_SETTINGS, Client
from rollups.kept import CROSSING, LINES, PLACE
from rollups.rollup import SOURCES
from rollups.sql import statement, utc

KEPT, DONE = "kept", "done"
HOLD_SECONDS = 20.0  # workers hold still no longer than this and one month more
_SECONDS = 3_600.0  # that one statement may take
_TIME = "DateTime64(3, 'UTC')"
_ROW = {"site": "String", "pass": "String", "events": _TIME, "sessions": _TIME, "state": "String", "at": _TIME}
_SETTINGS = {
    "insert_deduplicate": 0,
    "async_insert": 0,
    "max_memory_usage": 3_000_000_000,
    "max_bytes_before_external_group_by": 500_000_000,
}
# The conditions ask `kept`: now, so that no replica that lags behind answers otherwise.
_DELETE = {
    "allow_nondeterministic_mutations": 1,
    "mutations_execute_subqueries_on_initiator": 1,
    "mutations_max_literal_size_to_replace": 900_000,
}


_STALE = ("uncommitted", "followed")


class Cut(NamedTuple):
    """The first ms of which a site keeps raw events, and of which it keeps sessions that end there; 0: of all."""

    events: int
    sessions: int


ALL = Cut(0, 0)


class Floor(NamedTuple):
    """Of a visitor, ms: nothing before `live` changes any more; no session that ends before `sessions` is there."""

    live: int
    sessions: int


class Pass(NamedTuple):
    """One that is committed: what went or goes of a site, by its cuts."""

    site: str
    name: str
    cut: Cut

    @property
    def params(self) -> dict[str, Any]:
        return {"site": self.site, "pass": self.name, "events": self.cut.events, "sessions": self.cut.sessions}


class Damaged(Exception):
    """Parts of what says what is gone are broken, so nobody knows what rollups should hold."""


def cut_at(now_ms: int, months: int | None) -> int:
    """The begin (ms) of the month up to which whole months are older than so many; 0 for None. Pure."""
    if months is None:
        return 0
    now = datetime.fromtimestamp(now_ms // 1000, UTC)
    return _month(now.year * 12 + now.month - 1 - months)


def believed(client: Client, now: int) -> int:
    """The earlier of our clock and the server's, ms: one that is ahead takes nothing away. Blocks; raises
    ClickHouseUnavailable.
    """
    return min(now, _clock(client))


def cuts(client: Client, sites: Sequence[str]) -> dict[str, Cut]:
    """What is gone or going of the sites, without those of which nothing is. Blocks; raises ClickHouseUnavailable."""
    if not sites:
        return {}
    found = client.rows(statement("retained"), {"sites": list(sites)})
    return {row["site"]: Cut(row["events_ms"], row["sessions_ms"]) for row in found}


def floors(client: Client, visitors: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Floor]:
    """Those of visitors (site, visitor) of sites of which something is gone. Blocks; raises ClickHouseUnavailable."""
    asked = list(dict.fromkeys(visitors))
    of = cuts(client, sorted({site for site, _ in asked}))
    asked = [each for each in asked if each[0] in of]
    if not asked:
        return {}
    sites, names = zip(*asked, strict=True)
    rows = client.rows(statement("crossing"), {"sites": list(sites), "visitors": list(names), "kind": CROSSING})
    starts = {(row["site"], row["visitor"]): row["start"] for row in rows}
    return {each: Floor(starts.get(each, of[each[0]].events), of[each[0]].sessions) for each in asked}


def unfinished(client: Client) -> list[Pass]:
    """Committed passes whose rows may not all be deleted. Blocks; raises ClickHouseUnavailable."""
    return [
        Pass(row["site"], row["pass"], Cut(row["events_ms"], row["sessions_ms"]))
        for row in client.rows(statement("retained_open"))
    ]


def due(client: Client, wanted: Mapping[str, Cut]) -> dict[str, Cut]:
    """The sites whose cuts are to move further, and whereto. Blocks; raises ClickHouseUnavailable."""
    asked = {site: cut for site, cut in wanted.items() if cut.events}
    of = cuts(client, sorted(asked))
    return {site: cut for site, cut in asked.items() if any(to > at for to, at in zip(cut, _of(of, site), strict=True))}


def advance(
    client: Client, wanted: Mapping[str, Cut], now: int, wait_seconds: float = 30, hold_seconds: float = HOLD_SECONDS
) -> list[Pass]:
    """Move the cuts of sites forward, each by the oldest month that it has, and begin to delete; returns what was done.

    To be called until nothing is `due`, and `settle` in between: while rows are being deleted nothing else goes.
    Blocks, while workers hold still. Leaves sites alone of which somebody is just being erased. Raises
    ClickHouseUnavailable, control.ClaimLost, control.Unfinished, Damaged.
    """
    made: list[Pass] = []
    client = client.patient(_SECONDS)
    with control.claim(client) as held:
        control.hold_still(client, held, wait_seconds)
        begun = time.monotonic()
        if unfinished(client):
            return []
        _refuse_damaged(client)
        _tidy(client)
        wishes = client.rows(statement("erasure_wishes"))
        erased = {row["site"] for row in wishes if row["visitor"] and row["counted"]}
        for site, target in due(client, wanted).items():
            if site in erased:
                continue
            if made and time.monotonic() - begun > hold_seconds:
                break
            one = Pass(site, _name(client, now), _next(client, site, target))
            _keep(client, one, held)
            held.check()  # lost on the way, workers may have gone on
            _write(client, one, KEPT, now)
            made.append(one)
            _delete(client, one)
    return made


def settle(client: Client, now: int) -> bool:
    """Look after what is being deleted; returns whether that is all done. Blocks; raises ClickHouseUnavailable."""
    found = unfinished(client)
    if found and control.mutating(client):
        return False
    left = [one for one in found if _left(client, one)]
    for one in found:
        if one in left:
            _delete(client, one)
        else:
            _write(client, one, DONE, now)
    return not left


def wait(client: Client, seconds: float = _SECONDS) -> None:
    """Return once nothing is being deleted, while workers go on; to be asked before they are to hold still for that.

    Blocks; raises ClickHouseUnavailable, and control.Unfinished after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not settle(client, _clock(client)) or control.mutating(client):
        if time.monotonic() > deadline:
            raise control.Unfinished("rows are still being removed: try again later")
        time.sleep(0.2)


def finish(client: Client) -> None:
    """Delete what committed passes have left, and wait for it: then a rollup is what lies there and what is kept. While
    workers hold still. Blocks; raises ClickHouseUnavailable, Damaged.
    """
    if client.rows("SELECT 1 FROM retained LIMIT 1"):
        _refuse_damaged(client)
    for one in unfinished(client):
        _delete(client.patient(_SECONDS), one, wait=True)
        _write(client, one, DONE, _clock(client))


def _refuse_damaged(client: Client) -> None:
    if broken := {part.table for part in damage.aside(client)} & {"kept", "retained"}:
        raise Damaged(
            f"parts of {' and '.join(sorted(broken))} are broken: what rollups hold of months that are gone cannot be "
            f"made again; put the table back from a backup"
        )


def _keep(client: Client, one: Pass, held: control.Claim) -> None:
    """Write down which rows go, and what is kept of them."""
    for name, kind in (("keep_crossing", CROSSING), ("keep_places", PLACE)):
        client.command(statement(name), {**one.params, "kind": kind}, _SETTINGS)
    for table, cut in (("events", one.cut.events), ("sessions", one.cut.sessions)):
        rollups = [each for each in rollup.load().values() if each.source == table]
        for month in _months(client, table, one.site, cut):
            held.check()
            where = {**one.params, "month": month}
            gone = f"SELECT * FROM {table} WHERE toYYYYMM({SOURCES[table]}) = {{month:UInt32}} AND {kept.going(table)}"
            for each in rollups:
                client.command(kept.keep(each, f"({gone})"), where, _SETTINGS)
            if table == "events":
                sql = statement("keep_lines").replace("{gone}", f"({gone})")
                client.command(sql, {**where, "kind": LINES}, _SETTINGS)


def _delete(client: Client, one: Pass, wait: bool = False) -> None:
    for table in ("events", "sessions"):
        sql = f"ALTER TABLE {table} DELETE WHERE {kept.going(table)}"
        client.command(sql, one.params, {**_DELETE, "mutations_sync": 2 if wait else 0})


def _left(client: Client, one: Pass) -> bool:
    return any(
        client.rows(f"SELECT 1 FROM {table} WHERE {kept.going(table)} LIMIT 1", one.params, {"max_execution_time": 600})
        for table in ("events", "sessions")
    )


def _next(client: Client, site: str, target: Cut) -> Cut:
    """The cuts one month further: behind the oldest month of which there is anything to go."""
    at = _of(cuts(client, [site]), site)
    oldest: list[int] = []
    for table, begin, end in zip(("events", "sessions"), at, target, strict=True):
        time_ = SOURCES[table]
        sql = (
            f"SELECT toUnixTimestamp64Milli(min({time_})) AS oldest, count() AS n FROM {table} WHERE site = "
            f"{{site:String}} AND {time_} >= {{from:DateTime64(3, 'UTC')}} AND {time_} < {{to:DateTime64(3, 'UTC')}}"
        )
        row = client.rows(sql, {"site": site, "from": utc(begin), "to": utc(end)})[0]
        oldest += [row["oldest"]] if row["n"] and end > begin else []
    limit = min((cut_at(each, -1) for each in oldest), default=max(target))
    return Cut(max(at.events, min(target.events, limit)), max(at.sessions, min(target.sessions, limit)))


def _months(client: Client, table: str, site: str, cut: int) -> list[int]:
    """YYYYMM of the site's rows before the cut."""
    time_ = SOURCES[table]
    sql = (
        f"SELECT DISTINCT toYYYYMM({time_}) AS month FROM {table} "
        f"WHERE site = {{site:String}} AND {time_} < {{cut:DateTime64(3, 'UTC')}} ORDER BY month"
    )
    return [row["month"] for row in client.rows(sql, {"site": site, "cut": utc(cut)})]


def _tidy(client: Client) -> None:
    """Forget what passes that were stopped had kept, and which rows went of those that others followed."""
    kinds = [CROSSING, PLACE]
    if found := client.rows(statement("kept_stale"), {"kinds": kinds}):
        passes = {name: [row["pass"] for row in found if row["committed"] == (name == "followed")] for name in _STALE}
        client.command(statement("kept_drop"), {"kinds": kinds, **passes}, {"mutations_sync": 2})


def _clock(client: Client) -> int:
    """What time it is on the server, ms."""
    return int(client.rows("SELECT toUnixTimestamp64Milli(now64(3)) AS at")[0]["at"])


def _name(client: Client, now: int) -> str:
    """A pass's, behind those of all before it, and unlike that of any which was stopped: of one that was given up, a
    statement may still run.
    """
    last = client.rows("SELECT max(pass) AS last FROM retained")[0]["last"]
    return f"{max(now, int(last[:15] or 0) + 1):015d}-{secrets.token_hex(4)}"


def _write(client: Client, one: Pass, state: str, now: int) -> None:
    columns: list[list[Any]] = [[one.site], [one.name], [one.cut.events], [one.cut.sessions], [state], [now]]
    settings = {**TOKEN_SETTINGS, "insert_deduplicate": 0}
    client.insert("retained", tuple(_ROW), tuple(_ROW.values()), columns, settings)


def _of(of: Mapping[str, Cut], site: str) -> Cut:
    return of.get(site, ALL)


def _month(number: int) -> int:
    """The begin, ms, of a month counted from the year 0."""
    return round(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000)
