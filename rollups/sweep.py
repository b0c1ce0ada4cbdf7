"""What grows and must not stay: decided batches whose work is done."""

from rollups.client import Client
from rollups.sql import statement


def drop_decided(client: Client) -> list[str]:
    """Begin to drop the finished batches of `decision` that are over a week old; returns their logs and partitions.

    An unfinished batch stays, however old: its rows are the only ones that may be inserted for it. Blocks; raises
    ClickHouseUnavailable. To be called now and then, by anybody.
    """
    old = client.rows(statement("decided_old"))
    if old:
        params = {
            "before": old[0]["before"],
            "logs": [row["log"] for row in old],
            "partitions": [row["partition"] for row in old],
            "positions": [row["position"] for row in old],
        }
        client.command(statement("decided_drop"), params)
    return [f"{row['log']}/{row['partition']}" for row in old]
