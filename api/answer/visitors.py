"""A site's visitors, page by page."""

from pydantic import BaseModel

from api.answer.sites import counts
from api.span import iso
from rollups.read import Reader

PER_PAGE = 50


class Visitor(BaseModel):
    """Counts over all time; country, device and source of the first session."""

    id: str
    first_seen: str
    last_seen: str
    sessions_count: int
    events_count: int
    country: str
    device: str
    source: str


class Visitors(BaseModel):
    page: int
    per_page: int
    total: int
    visitors: list[Visitor]


def visitors(reader: Reader, site: str, page: int) -> Visitors:
    """Page `page` (from 1) of all visitors, most recently seen first; beyond the end an empty one."""
    rows = reader.rows("visitors", site=site, skip=PER_PAGE * (page - 1))
    if not rows:
        return Visitors(page=page, per_page=PER_PAGE, total=counts(reader, [site])[site].visitors_count, visitors=[])
    first_touches = reader.rows(
        "visitors_first_touch",
        site=site,
        visitors=[row["visitor"] for row in rows],
        starts=[row["first_at"] for row in rows],
    )
    first_touch = {row["visitor"]: row for row in first_touches}
    return Visitors(
        page=page,
        per_page=PER_PAGE,
        total=rows[0]["total"],
        visitors=[
            Visitor(
                id=f"{site}-{row['visitor']}",
                first_seen=iso(row["first_at"]),
                last_seen=iso(row["last_at"]),
                sessions_count=row["sessions"],
                events_count=row["events"],
                country=first_touch[row["visitor"]]["country"],
                device=first_touch[row["visitor"]]["device"],
                source=first_touch[row["visitor"]]["source"],
            )
            for row in rows
        ],
    )
