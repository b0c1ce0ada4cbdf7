"""A site as the API shows it."""

from pydantic import BaseModel

from api.answer.sites import Counts
from ingest.contract.site import Site, SiteSettings


class _Named(BaseModel):
    id: str
    name: str
    domain: str
    tracking_id: str
    visitors_count: int
    sessions_count: int
    events_count: int


class SiteInList(_Named):
    """Counts over all time; `sparkline`: sessions started per day, the last seven of the site's zone, today last."""

    sparkline: list[int]


class SiteWithSettings(_Named):
    """Counts over all time, and all settings with their defaults filled in."""

    settings: SiteSettings


NO_COUNTS = Counts(visitors_count=0, sessions_count=0, events_count=0)


def in_list(site: Site, counts: Counts, sparkline: list[int]) -> SiteInList:
    """The site as one of many."""
    return SiteInList(**dict(_named(site, counts)), sparkline=sparkline)


def with_settings(site: Site, counts: Counts) -> SiteWithSettings:
    """The site by itself."""
    return SiteWithSettings(**dict(_named(site, counts)), settings=site.settings)


def _named(site: Site, counts: Counts) -> _Named:
    return _Named(
        id=site.id,
        name=site.name,
        domain=site.domain,
        tracking_id=site.tracking_id,
        visitors_count=counts.visitors_count,
        sessions_count=counts.sessions_count,
        events_count=counts.events_count,
    )
