"""What grows and must not stay: decided batches whose work is done."""

from rollups.client import Client
from rollups.sql import statement


def drop_decided(client: Client) -> list[str]:
    """Drop the days of `decided` that are over a week old and have no unfinished batch; returns them (YYYYMMDD).

    An unfinished batch keeps its whole day, however old: its rows are the only ones that may be inserted for it.
    Blocks; raises ClickHouseUnavailable. To be called now and then, by anybody.
    """
    days = [str(row["day"]) for row in client.rows(statement("decided_finished_days"))]
    for day in days:
        client.command("ALTER TABLE decided DROP PARTITION ID {day:String}", {"day": day})
    return days
