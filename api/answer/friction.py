"""Sessions of a range by friction bucket, for every source and campaign."""

from itertools import groupby
from operator import itemgetter
from typing import Any

from pydantic import BaseModel

from api.answer.touch import FEW, by_touch, in_order
from api.answer.within import within
from api.number import shares
from api.retained import Plain
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


class Friction(Plain):
    """`thresholds` are the site's now; a session keeps the bucket that the thresholds of its own time gave it.

    Lists by total descending, then key; `(other)` is last and sums what is past 1,000 sources, 1,000 campaigns of a
    source, and 10,000 campaigns of all sources together, of which each source then shows equally many.
    """

    sources: list[Source]
    thresholds: Thresholds


def friction(reader: Reader, site: str, span: Span, thresholds: Thresholds) -> Friction:
    """Sessions that start in the range, in lists as `Friction` says."""
    few = reader.rows("friction_few", site=site, **within(span))
    found = by_touch(few, "value")
    rows = [_NONE | row | {"total": sum(row.get(each, 0) for each in BUCKETS)} for row in found]
    if len(few) > FEW * len(BUCKETS) or len(rows) > FEW:
        rows = reader.rows("friction", site=site, **within(span))
    else:
        rows = in_order(rows)
    sources = [
        Source(
            **dict(_described(source, campaigns)),
            campaigns=[_described(row["campaign"], [row]) for row in campaigns],
        )
        for source, campaigns in ((source, list(rows)) for source, rows in groupby(rows, itemgetter("source")))
    ]
    return Friction(sources=sources, thresholds=thresholds)


_NONE = dict.fromkeys(BUCKETS, 0)


def _described(key: str, rows: list[dict[str, Any]]) -> Campaign:
    in_order = [sum(row[bucket] for row in rows) for bucket in BUCKETS]
    return Campaign(
        key=key,
        total=sum(in_order),
        buckets=Buckets(**dict(zip(BUCKETS, in_order, strict=True))),
        bucket_pct=BucketPct(**dict(zip(BUCKETS, shares(in_order), strict=True))),
    )
