"""What other thresholds would make of the sessions of a range, before anybody saves them."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

from pydantic import BaseModel

from api.answer.friction import BUCKETS, BucketPct, Buckets
from api.answer.within import within
from api.number import shares
from api.span import Span
from ingest.contract.site import Friction as Thresholds
from rollups.read import Reader


class FrictionPreview(BaseModel):
    """Sessions by bucket if the thresholds and the site's pairs of today had judged all of them; `changed`: those that
    have another bucket now, because others judged them.
    """

    thresholds: Thresholds
    total: int
    changed: int
    buckets: Buckets
    bucket_pct: BucketPct


def friction_preview(
    reader: Reader, site: str, span: Span, thresholds: Thresholds, finished_by: Mapping[str, Sequence[str]]
) -> FrictionPreview:
    """Of sessions that start in the range; `finished_by`: what finishes each started thing."""
    rows = reader.rows(
        "friction_preview",
        site=site,
        pairs=[[started, *finishing] for started, finishing in finished_by.items()],
        engaged_pageviews=thresholds.engaged_pageviews,
        engaged_ms=_whole(thresholds.engaged_seconds, 1_000),
        deep_ms=_whole(thresholds.deep_seconds, 1_000),
        deep=_whole(thresholds.deep_percent, 100),
        bouncer_ms=_whole(thresholds.bouncer_seconds, 1_000),
        skimmer_us=_whole(thresholds.skimmer_seconds_per_page, 1_000_000),
        **within(span),
    )
    counts = dict.fromkeys(BUCKETS, 0) | {row["made"]: row["sessions"] for row in rows}
    percents = dict(zip(BUCKETS, shares([counts[name] for name in BUCKETS]), strict=True))
    return FrictionPreview(
        thresholds=thresholds,
        total=sum(counts.values()),
        changed=sum(row["changed"] for row in rows),
        buckets=Buckets(**counts),
        bucket_pct=BucketPct(**percents),
    )


def _whole(limit: float, unit: int) -> int:
    """The least whole number of units that reaches the limit: what is compared with it is whole."""
    return int((Decimal(str(limit)) * unit).to_integral_value(ROUND_CEILING))
