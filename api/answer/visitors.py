"""A site's visitors, page by page."""

from typing import Any

from pydantic import BaseModel

from api.answer.sites import counts
from api.answer.visitor import Sought
from api.span import iso
from ingest.contract.event import DIRECT, UNKNOWN
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


def visitors(reader: Reader, site: str, page: int, sought: Sought | None = None) -> Visitors:
    """Page `page` (from 1) of all visitors, or of whom is sought, most recently seen first; beyond the end an empty
    one.
    """
    rows, first_touch = _page(reader, site, page, sought)
    if len(first_touch) < len(rows):
        # A late event moved a first session between the two questions; whose moves again is told as unknown.
        rows, first_touch = _page(reader, site, page, sought)
    return Visitors(
        page=page,
        per_page=PER_PAGE,
        total=rows[0]["total"] if rows else _total(reader, site, page, sought),
        visitors=[
            Visitor(
                id=f"{site}-{row['visitor']}",
                first_seen=iso(row["first_at"]),
                last_seen=iso(row["last_at"]),
                sessions_count=row["sessions"],
                events_count=row["events"],
                **first_touch.get(row["visitor"], _UNKNOWN),
            )
            for row in rows
        ],
    )


_UNKNOWN = {"country": UNKNOWN, "device": "Desktop", "source": DIRECT}


def _total(reader: Reader, site: str, page: int, sought: Sought | None) -> int:
    """Of a page that is empty."""
    if sought is None:
        return counts(reader, [site])[site].visitors_count
    return visitors(reader, site, 1, sought).total if page > 1 else 0


def _page(
    reader: Reader, site: str, page: int, sought: Sought | None
) -> tuple[list[dict[str, Any]], dict[str, dict[str, str]]]:
    """The page's rows, and of their visitors the country, device and source of the first session."""
    named, begins = sought or ("", "")
    rows = reader.rows("visitors", site=site, skip=PER_PAGE * (page - 1), named=named, begins=begins)
    if not rows:
        return [], {}
    found = reader.rows(
        "visitors_first_touch",
        site=site,
        visitors=[row["visitor"] for row in rows],
        starts=[row["first_at"] for row in rows],
    )
    return rows, {row["visitor"]: {name: row[name] for name in _UNKNOWN} for row in found}
