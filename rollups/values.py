"""Which values of a site's day lie in the rollups."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rollups.client import Client
from rollups.sql import statement

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_values(client: Client, site: str, day: int, most: int) -> Mapping[str, Sequence[str]]:
    """dimension → its distinct values of the sessions that start in the day (its first ms), at most so many.

    Blocks; raises ClickHouseUnavailable.
    """
    start = _EPOCH + timedelta(milliseconds=day)
    [row] = client.rows(
        statement("day_values"),
        {"site": site, "from": start, "to": start + _DAY, "most": most},
        {"max_execution_time": 60},
    )
    return row
