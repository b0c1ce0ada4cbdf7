"""The record of accounts, keys and sites: numbered rows that are never changed; who writes a number first has it."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rollups.client import TOKEN_SETTINGS, Client
from rollups.life import life

_QUERY = Path(__file__).parent / "query"
_TYPES = {"kind": "String", "id": "String", "revision": "UInt64", "body": "String", "at": "DateTime64(3, 'UTC')"}


class RegistryRow(NamedTuple):
    """One revision: `kind` is account, key or site; `body` is JSON."""

    kind: str
    id: str
    revision: int
    body: str


def since(client: Client, revision: int) -> list[RegistryRow]:
    """All rows after a revision (0 = all), in order. Blocks; raises ClickHouseUnavailable."""
    return [RegistryRow(**row) for row in client.rows(_sql("registry_since"), {"revision": revision})]


def append(client: Client, row: RegistryRow, at: int) -> bool:
    """Write a row at its revision, `at` in ms; False if somebody else's row has that revision. Blocks.

    Raises ClickHouseUnavailable; the row may have been written all the same, which `since` will tell.
    """
    if not (found := _at(client, row.revision)):
        settings = {**TOKEN_SETTINGS, "insert_deduplication_token": f"registry/{row.revision}/{life(client)}"}
        columns: Sequence[Sequence[object]] = [[row.kind], [row.id], [row.revision], [row.body], [at]]
        client.insert("registry", tuple(_TYPES), tuple(_TYPES.values()), columns, settings)
        # A second row under the same token is dropped without a word, so only reading back tells whose it is.
        found = _at(client, row.revision)
    return found == [row]


def _at(client: Client, revision: int) -> list[RegistryRow]:
    return [RegistryRow(**found) for found in client.rows(_sql("registry_at"), {"revision": revision})]


def put_back(client: Client, rows: Sequence[RegistryRow], at: int) -> None:
    """Write rows that were lost, all or none, at the revisions that they had, where now is nothing. Blocks.

    Raises ClickHouseUnavailable.
    """
    columns: list[Sequence[object]] = [*zip(*rows, strict=True), [at] * len(rows)]
    settings = {**TOKEN_SETTINGS, "insert_deduplicate": 0}
    client.insert("registry", tuple(_TYPES), tuple(_TYPES.values()), columns, settings)


def body_as_of(client: Client, kind: str, id_: str, revision: int) -> str | None:
    """The body that an id had at a revision: a site's settings as an event of that revision met them. Blocks.

    Where what was before is lost, the first that there is.
    """
    rows = client.rows(_sql("registry_as_of"), {"kind": kind, "id": id_, "revision": revision})
    return str(rows[0]["body"]) if rows else None


@cache
def _sql(name: str) -> str:
    return (_QUERY / f"{name}.sql").read_text()
