"""The rows of deleted sites leave the database: raw events, sessions and every rollup."""

from collections.abc import Sequence
from pathlib import Path

from rollups.client import Client

_QUERY = Path(__file__).parent / "query"


def remove(client: Client, sites: Sequence[str]) -> list[str]:
    """Begin to remove every row of the sites; returns the tables that held some. Blocks; raises ClickHouseUnavailable.

    Rows that workers write afterwards need another call: call it again until it finds nothing, and from time to time.
    It leaves a database alone where an earlier removal is still at work.
    """
    if not sites:
        return []
    tables = client.rows(_sql("remove_tables"))
    if any(row["busy"] for row in tables):
        return []
    changed = []
    for row in tables:
        table = row["table"]
        held = [found["site"] for found in client.rows(_sql("remove_found"), {"table": table, "sites": list(sites)})]
        if held:
            client.command(_sql("remove"), {"table": table, "sites": held})
            changed.append(table)
    return changed


def _sql(name: str) -> str:
    return (_QUERY / f"{name}.sql").read_text()
