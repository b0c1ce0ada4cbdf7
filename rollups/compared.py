"""A rollup's table beside what its source and what is kept of gone rows say: what `verify` reports and a mend inserts.

SQL of one site.
"""
# ruff: noqa: S608 - names of our own tables; values are bound

from rollups import kept
from rollups.ends import REACH_MS
from rollups.kept import Types
from rollups.rollup import FROM, SITE, TO, Rollup, minus

_EXPECTED = "anyIf(toString(row), side = 1)"
_FOUND = "anyIf(toString(row), side = 0)"


def differing(one: Rollup, of: Types) -> str:
    """Rows of one site where the table is not what its source says: dimensions, `expected`, `found` (measures).

    Parameters: site, most; with a grain `from` and `to`, full grains; without one `chunks` and `chunk` of the keys.
    """
    dimensions = ", ".join(one.dimensions)
    return (
        f"SELECT {dimensions}, {_EXPECTED} AS expected, {_FOUND} AS found "
        f"FROM ({_sides(one, of)}) GROUP BY {dimensions} HAVING expected != found ORDER BY {dimensions} "
        f"LIMIT {{most:UInt32}}"
    )


def difference(one: Rollup, of: Types) -> str:
    """Inserts what makes the table what its source says, for one site; the parameters of `differing`, without most.

    Exact while nobody writes to either. What is short is added, what is too much taken away.
    """
    dimensions = ", ".join(one.dimensions)
    measures = [
        f"sumIf({name}, side = 1) - sumIf({name}, side = 0)" if function == "sum" else f"{function}({name})"
        for name, function in one.measures.items()
    ]
    names = ", ".join(f"`{name}`" for name in one.columns)
    return (
        f"INSERT INTO `{one.name}` ({names}) SELECT {SITE}, {dimensions}, {', '.join(measures)} "
        f"FROM ({_sides(one, of)}) GROUP BY {dimensions} HAVING {_EXPECTED} != {_FOUND}"
    )


def _sides(one: Rollup, of: Types) -> str:
    """Rows of one site: as the source says (`side` 1) and as the table has them (0); `row`: the measures."""
    dimensions = ", ".join(one.dimensions)
    columns = ", ".join(one.columns)
    facts = " UNION ALL ".join(
        f"SELECT {columns} FROM ({rows}) WHERE site = {SITE}"
        for rows in (one.facts_of(_site_source(one)), kept.rows(one, of))
    )
    here = f"site = {SITE}"
    if one.grain_ms:
        inside = f"time >= {FROM} AND time < {TO}"
    else:
        inside = f"cityHash64({dimensions}) % {{chunks:UInt32}} = {{chunk:UInt32}}"
    facts, here = f"SELECT * FROM ({facts}) WHERE {inside}", f"{here} AND {inside}"
    folded = ", ".join(f"{function}({name}) AS {name}" for name, function in one.measures.items())
    counted = " OR ".join(f"{name} != 0" for name, function in one.measures.items() if function == "sum") or "1"
    measures = ", ".join(one.measures)
    return " UNION ALL ".join(
        f"SELECT {dimensions}, {measures}, tuple({measures}) AS row, {side} AS side FROM ({rows}) WHERE {counted}"
        for side, rows in (
            (1, one.grouped(f"({facts})", of_facts=True)),
            (0, f"SELECT {dimensions}, {folded} FROM {one.name} WHERE {here} GROUP BY {dimensions}"),
        )
    )


def days(one: Rollup, of: Types) -> str:
    """The days on which a site has rows or facts, in order, each with the number of facts (`n`)."""
    facts = one.facts_of(_site_source(one, ranged=False))
    return (
        f"SELECT toDate32(time) AS day, sum(fact) AS n "
        f"FROM (SELECT time, 0 AS fact FROM {one.name} WHERE site = {SITE} "
        f"UNION ALL SELECT time, 1 FROM ({facts}) WHERE site = {SITE} "
        f"UNION ALL SELECT time, 1 FROM ({kept.rows(one, of)})) GROUP BY day ORDER BY day"
    )


def _site_source(one: Rollup, ranged: bool = True) -> str:
    near = f" AND start >= {minus(FROM, REACH_MS if one.element else 0)} AND start < {TO}"
    if one.source != "sessions" or not one.grain_ms or not ranged:
        near = ""
    return f"(SELECT * FROM {one.source} WHERE site = {SITE}{near})"
