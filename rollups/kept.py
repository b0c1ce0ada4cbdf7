"""What is kept of rows that are gone: a rollup's table is the facts of its source and these. SQL of one site.

`kept` holds, beside the grouped facts of each rollup, three kinds of rows that are no rollup's: of a pass, the
visitors whose session reaches over the cut with its start (CROSSING), and where every partition stood (PLACE); of all
passes, how many lines of which log are gone (LINES).
"""
# ruff: noqa: S608 - names of our own tables; values are bound

from collections.abc import Mapping

from rollups.client import Client
from rollups.rollup import SITE, SOURCES, Rollup

CROSSING, PLACE, LINES = "(crossing)", "(place)", "(lines)"
Types = Mapping[str, str]

_TEXT = ("String", "LowCardinality(String)")


def types(client: Client, one: Rollup) -> Types:
    """Column → type of a rollup's rows. Blocks; raises ClickHouseUnavailable."""
    return {row["name"]: row["type"] for row in client.rows(f"DESCRIBE TABLE ({one.grouped(one.source)})")}


def rows(one: Rollup, of: Types, where: str = f"site = {SITE}") -> str:
    """Selects what is kept of a rollup, by whatever definition: a column that it did not have then has its default."""
    columns = ["site", *(f"{_column(one, name, of[name])} AS `{name}`" for name in one.columns[1:])]
    committed = f"(site, pass) IN (SELECT site, pass FROM retained WHERE {where})"
    # `time` of the table, not the column that is made of it.
    source = f"SELECT site, time AS filed, row FROM kept WHERE {where} AND rollup = '{one.name}' AND {committed}"
    return f"SELECT {', '.join(columns)} FROM ({source})"


def backfill(one: Rollup, of: Types, table: str) -> str:
    """Inserts what is kept of a rollup, of every site, into a table of its columns."""
    names = ", ".join(f"`{name}`" for name in one.columns)
    # Grouped once more: its grain may have become a coarser one.
    every = f"({rows(one, of, '1')})"
    return f"INSERT INTO `{table}` ({names}) {one.grouped(every, of_facts=True)}"


def keep(one: Rollup, source: str) -> str:
    """Inserts what is kept of the rows of a subquery, all of one site, in `pass`."""
    time = "time" if one.grain_ms else "toDateTime64(0, 3, 'UTC')"
    named = ", ".join(f"'{name}', toString(`{name}`)" for name in one.columns[1:] if name != "time")
    counted = " OR ".join(f"{name} != 0" for name, function in one.measures.items() if function == "sum") or "1"
    return (
        f"INSERT INTO kept (site, pass, rollup, time, row) SELECT site, {{pass:String}}, '{one.name}', {time}, "
        f"map({named}) FROM ({one.grouped(source)}) WHERE {counted}"
    )


def going(table: str) -> str:
    """Which rows of events or sessions a pass takes away, of `site` by `pass`, its cuts `events` and `sessions` (ms).

    The same at every moment from the pass on: what is written meanwhile is not among them.
    """
    # Hashes, for ClickHouse keeps the text of a deletion as a file.
    starts = _pairs(CROSSING, "cityHash64(row['visitor'])", "toUInt64(0)", "start")
    floor = f"transform(cityHash64(visitor), {starts}, {{events:Int64}})"
    before = f"toUnixTimestamp64Milli({SOURCES[table]}) < {floor}"
    if table == "sessions":
        cut = "fromUnixTimestamp64Milli({sessions:Int64}, 'UTC')"
        return f"site = {SITE} AND start < {cut} AND end < {cut} AND {before}"
    places = _pairs(PLACE, "row['place']", "''", "position")
    place = f"transform(concat(log, '/', toString(partition)), {places}, 0)"
    cut = "fromUnixTimestamp64Milli({events:Int64}, 'UTC')"
    return f"site = {SITE} AND time < {cut} AND {before} AND erasure = '' AND offset < {place}"


def _pairs(kind: str, key: str, none: str, value: str) -> str:
    """Two arrays, keys and values, as `transform` wants them: with something in them, if only the key `none`."""
    where = f"site = {SITE} AND rollup = '{kind}' AND pass = {{pass:String}}"
    pairs = f"arrayPushBack(arraySort(groupArray(({key}, toInt64(row['{value}'])))), ({none}, toInt64(0)))"
    return ", ".join(f"(SELECT {pairs}.{side} FROM kept WHERE {where})" for side in (1, 2))


def _column(one: Rollup, name: str, type_: str) -> str:
    if name == "time" and one.grain_ms:
        return "filed"
    if type_ in _TEXT:
        return f"row['{name}']"
    default = type_.replace("'", "\\'")
    return f"ifNull(CAST(nullIf(row['{name}'], '') AS Nullable({type_})), defaultValueOfTypeName('{default}'))"
