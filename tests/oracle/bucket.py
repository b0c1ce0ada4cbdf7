"""Friction buckets, straight from the semantics page."""

from decimal import Decimal
from typing import Any

from tests.oracle.fact import Session

BUCKETS = ("bouncer", "skimmer", "hesitator", "engaged")


def bucket(session: Session, settings: dict[str, Any]) -> str:
    """The first rule that matches, of six."""
    limits = settings["friction"]
    types = {fact.type for fact in session.interactive}
    if any(fact.money for fact in session.facts):
        return "engaged"
    begun = {started for started, *_ in settings["pairs"]} & types
    finished = {started for started, *finishing in settings["pairs"] if types & set(finishing)}
    if begun - finished:
        return "hesitator"
    told = [fact.engaged_ms for fact in session.facts if fact.passive and fact.engaged_ms is not None]
    seconds = Decimal(sum(told) if told else session.end - session.start) / 1000
    depth = max((view.depth for view in session.views if view.depth is not None), default=Decimal(0))
    pageviews = len(session.views)
    if (
        session.custom
        or (pageviews >= limits["engaged_pageviews"] and seconds >= _exact(limits["engaged_seconds"]))
        or (seconds >= _exact(limits["deep_seconds"]) and depth >= _exact(limits["deep_percent"]))
    ):
        return "engaged"
    if pageviews <= 1 and seconds < _exact(limits["bouncer_seconds"]):
        return "bouncer"
    if seconds < _exact(limits["skimmer_seconds_per_page"]) * pageviews:
        return "skimmer"
    return "hesitator"


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
