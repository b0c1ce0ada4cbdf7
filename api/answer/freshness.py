"""How fresh a site's numbers are, and since when there are any."""

from pydantic import BaseModel

from api.retained import Cut
from api.span import iso
from rollups.read import Reader


class Freshness(BaseModel):
    """`fresh_as_of` as in `Dashboard`; `since`: the quarter of an hour of the first session, null before it.

    `sessions_since`, `events_since`: where session rows and raw events begin of which earlier ones are gone, else null.
    """

    fresh_as_of: str | None
    since: str | None
    sessions_since: str | None = None
    events_since: str | None = None


def freshness(reader: Reader, site: str, cut: Cut) -> Freshness:
    """Of all the site's sessions, whatever its settings hide; `fresh_as_of` is left to who knows it."""
    found = reader.rows("since", site=site)
    return Freshness(
        fresh_as_of=None,
        since=iso(found[0]["since"]) if found else None,
        sessions_since=iso(cut.sessions) if cut.sessions else None,
        events_since=iso(cut.events) if cut.events else None,
    )
