"""Who is on a site now."""

from collections.abc import Sequence

from pydantic import BaseModel

from api.span import iso
from rollups.read import Reader

LAST_MS = 5 * 60_000
TOP = 10


class PageNow(BaseModel):
    page: str
    visitors: int


class SourceNow(BaseModel):
    source: str
    visitors: int


class Now(BaseModel):
    """Visitors with an event in the five minutes before `as_of`, by their latest page and their session's source."""

    visitors: int
    pageviews: int
    pages: list[PageNow]
    sources: list[SourceNow]
    as_of: str


def now(reader: Reader, site: str, moment: int) -> Now:
    """As of `moment`, ms; the ten largest pages and sources."""
    (row,) = reader.rows("now", site=site, since=moment - LAST_MS)
    return Now(
        visitors=row["visitors"],
        pageviews=row["pageviews"],
        pages=[PageNow(page=name, visitors=count) for name, count in _top(row["pages"])],
        sources=[SourceNow(source=name, visitors=count) for name, count in _top(row["sources"])],
        as_of=iso(moment),
    )


def _top(found: tuple[Sequence[str], Sequence[int]]) -> list[tuple[str, int]]:
    named = [(name, count) for name, count in zip(*found, strict=True) if name]
    return sorted(named, key=lambda item: (-item[1], item[0]))[:TOP]
