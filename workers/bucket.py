"""The friction bucket of a session: six rules, the first that matches."""

from decimal import Decimal
from typing import NamedTuple

from ingest.contract.site import SiteSettings

BOUNCER, SKIMMER, HESITATOR, ENGAGED = "bouncer", "skimmer", "hesitator", "engaged"


class Thresholds(NamedTuple):
    """A site's friction settings in the units of rows (ms, pageviews, hundredths of a per cent), exact."""

    bouncer: int | Decimal
    skimmer: int | Decimal
    engaged_pageviews: int
    engaged: int | Decimal
    deep: int | Decimal
    depth: int | Decimal
    pairs: tuple[tuple[str, frozenset[str]], ...]


def thresholds(settings: SiteSettings) -> Thresholds:
    """What `bucket` compares with."""
    friction = settings.friction
    return Thresholds(
        bouncer=_times(friction.bouncer_seconds, 1000),
        skimmer=_times(friction.skimmer_seconds_per_page, 1000),
        engaged_pageviews=friction.engaged_pageviews,
        engaged=_times(friction.engaged_seconds, 1000),
        deep=_times(friction.deep_seconds, 1000),
        depth=_times(friction.deep_percent, 100),
        pairs=tuple((started, frozenset(finishing)) for started, finishing in settings.finished_by.items()),
    )


def bucket(
    limits: Thresholds, *, revenue: bool, types: set[str], customs: int, pageviews: int, milliseconds: int, depth: int
) -> str:
    """The bucket.

    `types`: of its interactive events; `customs`: how many of them are custom; `milliseconds`: engaged time, or the
    duration where none was reported; `depth`: of its deepest pageview, in hundredths of a per cent.
    """
    if revenue:
        return ENGAGED
    if any(started in types and types.isdisjoint(finishing) for started, finishing in limits.pairs):
        return HESITATOR
    if (
        customs
        or (pageviews >= limits.engaged_pageviews and milliseconds >= limits.engaged)
        or (milliseconds >= limits.deep and depth >= limits.depth)
    ):
        return ENGAGED
    if pageviews <= 1 and milliseconds < limits.bouncer:
        return BOUNCER
    if milliseconds < limits.skimmer * pageviews:
        return SKIMMER
    return HESITATOR


def _times(number: float, factor: int) -> int | Decimal:
    exact = Decimal(str(number)) * factor
    return int(exact) if exact == int(exact) else exact
