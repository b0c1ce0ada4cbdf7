"""Sessions of a range by friction bucket, for every source and campaign."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel

from api.answer.within import within
from api.number import shares
from api.span import Span
from ingest.contract.site import Friction as Thresholds
from rollups.read import Reader

BUCKETS = ("bouncer", "skimmer", "hesitator", "engaged")  # in the order in which ties of percentages are settled


class Buckets(BaseModel):
    bouncer: int
    skimmer: int
    hesitator: int
    engaged: int


class BucketPct(BaseModel):
    """Shares of the total in per cent; they sum to 100.00, or are all 0."""

    bouncer: float
    skimmer: float
    hesitator: float
    engaged: float


class Campaign(BaseModel):
    key: str
    total: int
    buckets: Buckets
    bucket_pct: BucketPct


class Source(Campaign):
    campaigns: list[Campaign]


Group = TypeVar("Group", bound=Campaign)


class Friction(BaseModel):
    """`thresholds` are the site's now; a session keeps the bucket that the thresholds of its own time gave it."""

    sources: list[Source]
    thresholds: Thresholds


def friction(reader: Reader, site: str, span: Span, thresholds: Thresholds) -> Friction:
    """Sessions that start in the range. Lists by total descending, then key."""
    by_source: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in reader.rows("friction", site=site, **within(span)):
        by_source[row["source"]][row["campaign"]][row["bucket"]] = row["sessions"]
    sources = [
        Source(
            **_described(source, sum(campaigns.values(), Counter())),
            campaigns=_ranked(Campaign(**_described(campaign, counts)) for campaign, counts in campaigns.items()),
        )
        for source, campaigns in by_source.items()
    ]
    return Friction(sources=_ranked(sources), thresholds=thresholds)


def _described(key: str, counts: Counter[str]) -> dict[str, Any]:
    in_order = [counts[bucket] for bucket in BUCKETS]
    return {
        "key": key,
        "total": sum(in_order),
        "buckets": Buckets(**dict(zip(BUCKETS, in_order, strict=True))),
        "bucket_pct": BucketPct(**dict(zip(BUCKETS, shares(in_order), strict=True))),
    }


def _ranked(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-group.total, group.key))
