"""What a dashboard counts in all, bucket by bucket."""

from collections import Counter, defaultdict
from fractions import Fraction

from pydantic import BaseModel

from api.answer.within import starts, within
from api.number import percent, ratio
from api.span import Granularity, Span
from rollups.read import Reader


class Period(BaseModel):
    """Of sessions that start in the bucket, their visitors each once; `pageviews`: the views in it."""

    period: str
    sessions: int
    visitors: int
    pageviews: int
    bounce_rate: float
    avg_session_duration: float


class OverTime(BaseModel):
    """Every bucket that the range touches, as in `Dashboard`. Visitors of several buckets are in each of them."""

    granularity: Granularity
    over_time: list[Period]


def over_time(reader: Reader, site: str, span: Span) -> OverTime:
    """As `Dashboard` counts."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for row in reader.rows("over_time", site=site, starts=starts(span), **within(span)):
        found[row.pop("slot")].update(row)
    return OverTime(
        granularity=span.granularity,
        over_time=[
            Period(
                period=period,
                sessions=of["sessions"],
                visitors=of["visitors"],
                pageviews=of["viewed"],
                bounce_rate=percent(of["bounces"], of["sessions"]),
                avg_session_duration=ratio(Fraction(of["duration_ms"], 1000), of["sessions"]),
            )
            for start, period in span.buckets()
            for of in [found[start]]
        ],
    )
