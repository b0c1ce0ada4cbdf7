"""What lay of erased visitors leaves the tables, once their sessions are retracted and their events taken back.

Nothing of it changes a number: what goes adds up to nothing. Rollups go first, because what they hold of a visitor is
found by the days of the visitor's rows. Names of visitors are in no mutation, which ClickHouse keeps as a file: hashes
stand there. May be stopped anywhere and begun again.
"""
# ruff: noqa: S608 - names of our own tables; values are bound

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from rollups import control, erase, kept, retain, rollup
from rollups.client import TOKEN_SETTINGS, Client
from rollups.compared import difference
from rollups.erase import Stone
from rollups.rollup import SITE, Rollup
from rollups.sql import statement

_SECONDS = 600.0
_ASK = {"max_execution_time": 600, "max_memory_usage": 3_000_000_000}
_TABLES = ("events", "sessions", "decision", "erasure", "kept")  # that name visitors, beside rollups
_KNOWN = ("visitor_known", "visitor_stored")
_HASHES = 5_000  # in one mutation
_OF = f"site = {SITE} AND visitor = {{visitor:String}}"
_DAYS = f"SELECT toDate32(time) FROM events WHERE {_OF} UNION DISTINCT SELECT toDate32(start) FROM sessions WHERE {_OF}"
_LIVE = f"(session, version) IN (SELECT session, version FROM sessions WHERE {_OF} GROUP BY ALL HAVING sum(sign) > 0)"


State: TypeAlias = Literal["accepted", "removing", "done"]


class Wish(NamedTuple):
    """Somebody who is to be erased; `visitor` "": nothing but old files may hold anything, since `at` (ms)."""

    site: str
    erasure: str
    visitor: str
    at: int
    counted: bool


def wishes(client: Client) -> list[Wish]:
    """Whoever is still to be erased, the oldest wish first. Blocks; raises ClickHouseUnavailable."""
    return [Wish(*row.values()) for row in client.rows(statement("erasure_wishes"))]


def accept(client: Client, site: str, visitor: str, at: int) -> str | None:
    """Write down that a visitor is to be erased, and name the erasure; None for one of whom nothing is stored. One that
    is under way already is named again, unless the visitor came back since. Blocks; raises ClickHouseUnavailable.
    """
    where = {"site": site, "visitor": visitor}
    live = bool(client.rows(statement("visitor_known"), where))
    for row in client.rows(statement("erasure_open"), where):
        if not (row["counted"] and live):
            return str(row["erasure"])
    if not (live or client.rows(statement("visitor_stored"), where)):
        return None
    name = secrets.token_hex(8)
    _write(client, site, visitor, name, at)
    return name


def known(client: Client, site: str, visitor: str) -> bool:
    """Whether anything is stored of a visitor. Blocks; raises ClickHouseUnavailable."""
    return any(client.rows(statement(name), {"site": site, "visitor": visitor}) for name in _KNOWN)


def stands(client: Client, site: str, erasure: str) -> State | None:
    """How far an erasure is; None for one that nobody knows. Blocks; raises ClickHouseUnavailable."""
    row = client.rows(statement("erasure_stands"), {"site": site, "erasure": erasure})[0]
    if not (row["counted"] or row["open"]):
        return None
    return "done" if not row["open"] else "removing" if row["counted"] else "accepted"


def purge(client: Client, found: Sequence[Wish], wait_seconds: float = 30) -> None:
    """Take what lies of visitors who are counted as erased out of every table, and wait for it. Blocks.

    The workers hold still while it is found, not while it goes. Raises ClickHouseUnavailable, control.ClaimLost,
    control.Unfinished.
    """
    patient, every = client.patient(_SECONDS), erase.stones(client)
    stones = {name: [row for row in every if row.erasure == name] for name in {one.erasure for one in found}}
    with control.claim(client) as held:
        control.hold_still(client, held, wait_seconds)
        for one in found:
            _forget_kept(patient, one)
            for sql, params in [*_rollups(patient, one), *_sources(patient, one, stones[one.erasure])]:
                patient.command(sql, params)
        _forget_decided(patient, [stone for own in stones.values() for stone in own])


def nameless(client: Client, found: Sequence[Wish], at: int) -> None:
    """Remember only that something is left of them to wait for. Blocks; raises ClickHouseUnavailable."""
    for one in found:
        _write(client, one.site, "", one.erasure, at)
    client.command(statement("erasure_nameless"), {"erasures": [one.erasure for one in found]}, {"mutations_sync": 2})


def gone(client: Client, one: Wish) -> bool:
    """Whether no file is left of before `at`. Blocks; raises ClickHouseUnavailable."""
    return not control.mutating(client) and not client.rows(
        statement("parts_left"), {"at": one.at, "tables": [*rollup.load(), *_TABLES]}
    )


def done(client: Client, found: Sequence[Wish]) -> None:
    """Forget the wishes. Blocks; raises ClickHouseUnavailable."""
    client.command(statement("erasure_done"), {"erasures": [one.erasure for one in found]}, {"mutations_sync": 2})


def _write(client: Client, site: str, visitor: str, erasure: str, at: int) -> None:
    names, types = ("site", "visitor", "erasure", "at"), ("String", "String", "String", "DateTime64(3, 'UTC')")
    columns: list[list[Any]] = [[site], [visitor], [erasure], [at]]
    client.insert("erasure", names, types, columns, {**TOKEN_SETTINGS, "insert_deduplicate": 0})


def _rollups(client: Client, one: Wish) -> list[tuple[str, Mapping[str, Any]]]:
    """What takes out of the rollups, of the days of the visitor, all rows that add up to nothing: nothing tells whose
    they were, once the sessions that they came from are merged away with what retracted them.
    """
    where = {"site": one.site, "visitor": one.visitor}
    found: list[tuple[str, Mapping[str, Any]]] = []
    for each in rollup.load().values():
        key = f"cityHash64({', '.join(each.dimensions)})"
        nothing = " AND ".join(f"sum({name}) = 0" for name, function in each.measures.items() if function == "sum")
        rows = client.rows(
            f"SELECT {key} AS hash FROM {each.name} WHERE site = {SITE} AND {_near(each)} "
            f"GROUP BY {', '.join(each.dimensions)} HAVING {nothing}",
            where,
            _ASK,
        )
        found += _deletions(each.name, one.site, key, [row["hash"] for row in rows])
        found += _again(client, each, where)
    return found


def _forget_kept(client: Client, one: Wish) -> None:
    """What is kept of visitors by their names goes, and out of the rollups that have it; sums that name nobody stay."""
    if not retain.cuts(client, [one.site]):
        return
    hash_ = client.rows("SELECT cityHash64({visitor:String}) AS hash", {"visitor": one.visitor})[0]["hash"]
    where = {"site": one.site, "hash": hash_}
    named = f"site = {SITE} AND mapContains(row, 'visitor') AND cityHash64(row['visitor']) = {{hash:UInt64}}"
    if client.rows(f"SELECT 1 FROM kept WHERE {named} LIMIT 1", where):
        client.command(f"ALTER TABLE kept DELETE WHERE {named}", where, {"mutations_sync": 2})
    for each in rollup.load().values():
        if each.key == ("visitor",):
            # One part of so many is this visitor.
            part = {"site": one.site, "chunks": 2**32 - 1, "chunk": hash_ % (2**32 - 1)}
            client.command(difference(each, kept.types(client, each)), part, {**_ASK, "insert_deduplicate": 0})


def _near(one: Rollup) -> str:
    if "visitor" in one.key:
        return "visitor = {visitor:String}"
    return f"toDate32(time) IN ({_DAYS})" if "time" in one.dimensions else "1"


def _again(client: Client, one: Rollup, where: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """A visitor who came again since was first seen then; no sign takes back the earliest of something."""
    earliest = [name for name, function in one.measures.items() if function == "min"]
    if not earliest or one.key != ("visitor",):
        return []
    facts = one.facts_of(f"(SELECT * FROM {one.source} WHERE {_OF} AND {_LIVE})")
    measures = ", ".join(f"toUnixTimestamp64Milli(min({name})) AS {name}" for name in earliest)
    row = client.rows(f"SELECT {measures}, count() AS n, cityHash64({{visitor:String}}) AS hash FROM ({facts})", where)[
        0
    ]
    if not row["n"]:
        return []
    sets = ", ".join(f"{name} = fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')" for name in earliest)
    sql = f"ALTER TABLE {one.name} UPDATE {sets} WHERE site = {SITE} AND cityHash64(visitor) = {{hash:UInt64}}"
    return [(sql, {"site": where["site"], "hash": row["hash"], **{name: row[name] for name in earliest}})]


def _sources(client: Client, one: Wish, stones: Sequence[Stone]) -> list[tuple[str, Mapping[str, Any]]]:
    """What takes out the visitor's retracted sessions, and the raw events with the rows that take them back."""
    where = {"site": one.site, "visitor": one.visitor}
    dead = f"SELECT cityHash64(session, version) AS hash FROM sessions WHERE {_OF} GROUP BY ALL HAVING sum(sign) = 0"
    rows = client.rows(dead.replace(" AS hash", " AS hash, session, version"), where, _ASK)
    hash_ = client.rows("SELECT cityHash64({visitor:String}) AS hash", where)[0]["hash"]
    sql = statement("erase_events")
    return [
        *_deletions("sessions", one.site, "cityHash64(session, version)", [row["hash"] for row in rows]),
        *((sql, {**stone._asdict(), "hash": hash_, "own": f"/{one.erasure}"}) for stone in stones),
    ]


def _deletions(table: str, site: str, key: str, hashes: Sequence[int]) -> list[tuple[str, Mapping[str, Any]]]:
    sql = f"ALTER TABLE {table} DELETE WHERE site = {SITE} AND {key} IN {{hashes:Array(UInt64)}}"
    parts = [hashes[at : at + _HASHES] for at in range(0, len(hashes), _HASHES)]
    return [(sql, {"site": site, "hashes": list(part)}) for part in parts]


def _forget_decided(client: Client, stones: Sequence[Stone]) -> None:
    """What finished batches held of them: those of their partitions, and of other logs."""
    logs, partitions = {stone.log for stone in stones}, {(stone.log, stone.partition) for stone in stones}
    own = [
        row
        for row in client.rows(statement("decided_finished_at"))
        if row["log"] not in logs or (row["log"], row["partition"]) in partitions
    ]
    if own:
        columns = {f"{name}s": [row[name] for row in own] for name in ("log", "partition", "position")}
        client.command(statement("decided_forget"), columns)
