"""Which schema and rollups a database has, beside those of this version, and what `migrate` would do about it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rollups import rollup
from rollups.client import NOT_MADE, ClickHouseUnavailable, Client, connect
from rollups.engine import ONE_SERVER, Engines
from rollups.migrate import (
    _DECIDED_ASIDE,
    SchemaRefused,
    _digest,
    _files,
    _gone,
    _missing,
    _not_durable,
    _record,
    _refuse_newer,
    _stale,
    _stands_for,
    _there,
)
from rollups.rollup import Rollup
from rollups.sql import statement


class Step(NamedTuple):
    """What `migrate` would do; `rows`: of the table that it reads; `pauses`: workers hold still meanwhile."""

    name: str
    rows: int = 0
    pauses: bool = False


def plan(url: str, *, engines: Engines = ONE_SERVER, rollups: Mapping[str, Rollup] | None = None) -> list[Step]:
    """What `migrate` would do now. Changes nothing; blocks; raises SchemaRefused, ClickHouseUnavailable."""
    client = connect(url)
    wanted = rollup.load() if rollups is None else rollups
    try:
        if not _has_tables(client):
            names = [path.stem for path in _files().values()] + [f"rollup {name}" for name in wanted]
            return [Step(name) for name in names]
        _refuse_newer(client)
        rows = {row["table"]: row["rows"] for row in client.rows(statement("table_rows"))}
        steps = [Step(_files()[number].stem, pauses=number == _DECIDED_ASIDE) for number in _missing(client)]
        steps += [Step(f"durable {table}") for table in _not_durable(client, engines)]
        steps += [Step(f"rollup {name} dropped") for name in _gone(client, wanted)]
        return steps + [
            Step(f"rollup {name}", rows.get(wanted[name].source, 0), True) for name in _stale(client, wanted)
        ]
    finally:
        client.close()


def refuse_other(client: Client) -> None:
    """Raises SchemaRefused unless the database has just the schema of this version. Blocks; raises
    ClickHouseUnavailable.
    """
    if not _has_tables(client):
        raise SchemaRefused(f"the database {client.database} has no tables yet: throughline migrate")
    _refuse_newer(client)
    if missing := _missing(client):
        raise SchemaRefused(
            f"the database {client.database} lacks step {missing[0]} of this version's schema: throughline migrate"
        )


def newest() -> int:
    """The schema that this version knows."""
    return max(_files())


def definitions() -> dict[str, str]:
    """Every rollup of this version, and what is recorded of one that was built from it."""
    return {name: _digest(made.definition) for name, made in rollup.load().items()}


def built(client: Client) -> dict[str, str]:
    """Every rollup that is whole, and what was recorded when it was built. Blocks; raises ClickHouseUnavailable."""
    return {row.name: row.hash for row in _there(client) if row.has_table and row.has_view}


def stand(client: Client, names: Iterable[str], engines: Engines) -> None:
    """Say of rollups whose tables were filled that they are built. While workers hold still; blocks."""
    wanted = rollup.load()
    for name in names:
        client.command(wanted[name].create_view(engines))
        _record(client, [_stands_for(name, _digest(wanted[name].definition))])


def _has_tables(client: Client) -> bool:
    try:
        return bool(client.rows("EXISTS TABLE migrations")[0]["result"])
    except ClickHouseUnavailable as error:
        if error.code in NOT_MADE:
            return False
        raise
