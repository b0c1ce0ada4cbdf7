"""What a site has month by month, so that one sees what a setting of `retention` takes away."""

from pydantic import BaseModel

from api.endpoint import Asked, Endpoint
from api.span import iso


class Month(BaseModel):
    """Of a UTC month: raw events, and rows of sessions, with about the bytes that each take."""

    month: str
    events: int
    events_bytes: int
    sessions: int
    sessions_bytes: int


class Retention(BaseModel):
    """`events_since`, `sessions_since`: of before then they are gone, null: none are. `months`: what is there."""

    events_since: str | None
    sessions_since: str | None
    months: list[Month]


def retention(asked: Asked) -> Retention:
    """The months that the site has rows of, in order."""
    rows = asked.reader.rows("kept_months", site=asked.site.id)
    cut = asked.cut
    return Retention(
        events_since=iso(cut.events) if cut.events else None,
        sessions_since=iso(cut.sessions) if cut.sessions else None,
        months=[Month(**{**row, "month": f"{row['month'] // 100:04d}-{row['month'] % 100:02d}"}) for row in rows],
    )


RETENTION = Endpoint(
    "GET",
    "/sites/{site_id}/retention",
    "retention",
    "What the site has month by month, and since when",
    retention,
    of_data=True,
)
