"""Tables that were there and are gone: nothing makes them again by itself, for what they held would be missed silently.

Rollups are not among them: they are made from the others, which `migrate` does.
"""

from rollups.client import NOT_MADE, ClickHouseUnavailable, Client
from rollups.sql import statement

# By the number of the file that makes each, or gives it its name. Until that one is recorded nothing is missed: a first
# start or an upgrade may have ended in between.
TABLES = {
    "control": 2,
    "decision": 14,
    "erased": 36,
    "erasure": 35,
    "events": 3,
    "kept": 39,
    "logs": 17,
    "progress": 14,
    "rebuild": 44,
    "registry": 7,
    "retained": 38,
    "sessions": 4,
}
# What needs nothing of what it held, or gets it back from elsewhere.
EMPTY_WILL_DO = {name: TABLES[name] for name in ("control", "rebuild", "registry", "logs")}


def lost(client: Client) -> list[str]:
    """Names of the tables that are gone. Blocks; raises ClickHouseUnavailable."""
    try:
        rows = client.rows(statement("lost"), {"names": list(TABLES), "numbers": list(TABLES.values())})
    except ClickHouseUnavailable as error:
        if error.code in NOT_MADE:
            return []
        raise
    return [row["name"] for row in rows]
