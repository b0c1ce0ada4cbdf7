"""What a session has of each dimension of filters and breakdowns."""

from typing import Any

from tests.oracle.bucket import bucket
from tests.oracle.fact import Session

TOUCHED = (
    "source",
    "medium",
    "campaign",
    "term",
    "content",
    "channel",
    "country",
    "region",
    "city",
    "device",
    "hostname",
)


def values(session: Session, dimension: str, settings: dict[str, Any]) -> set[str]:
    """`settings`: of the site, its thresholds and pairs."""
    touch = session.first_touch
    pages = [view.fact.page for view in session.views]
    if dimension in TOUCHED:
        return {getattr(touch, dimension)}
    found: dict[str, set[str]] = {
        "browser": {touch.browser or "unknown"},
        "os": {touch.os or "unknown"},
        "entry_page": {pages[0] if pages else "(none)"},
        "exit_page": {pages[-1] if pages else "(none)"},
        "bucket": {bucket(session, settings)},
        "page": set(pages),
        "event": {fact.type for fact in session.custom},
    }
    return found[dimension]
