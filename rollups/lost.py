"""Tables that were there and are gone: nothing makes them again by itself, for what they held would be missed silently.

Rollups are not among them: they are made from the others, which `migrate` does.
"""

from rollups.client import ClickHouseUnavailable, Client
from rollups.sql import statement

# What needs nothing of what it held, or gets it back from elsewhere, by the number of the file that makes it.
EMPTY_WILL_DO = {"control": 2, "registry": 7, "logs": 17}
TABLES = ("decision", "events", "progress", "sessions", *EMPTY_WILL_DO)
_NO_DATABASE = 81


def lost(client: Client) -> list[str]:
    """Names of the tables that are gone. Blocks; raises ClickHouseUnavailable."""
    try:
        return [row["name"] for row in client.rows(statement("lost"), {"tables": list(TABLES)})]
    except ClickHouseUnavailable as error:
        if error.code == _NO_DATABASE:
            return []
        raise
