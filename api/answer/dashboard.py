"""Sessions of a range: over time, in all, and by where they come from and what they hold."""

from fractions import Fraction
from functools import partial

from pydantic import BaseModel, ConfigDict, Field

from api.answer.touch import OTHER
from api.answer.within import starts, within
from api.number import percent, ratio
from api.panels import together
from api.retained import Plain
from api.span import Granularity, Span, iso
from rollups.read import Reader

DEVICES = ("Desktop", "Phone", "Tablet")
TOP = 10
_QUESTIONS = ("dashboard", "dashboard_visitors")


class PeriodCount(BaseModel):
    period: str
    count: int


class SourceCount(BaseModel):
    source: str
    count: int


class PageCount(BaseModel):
    page: str
    count: int


class TypeCount(BaseModel):
    type: str
    count: int


class CountryCount(BaseModel):
    country: str
    count: int


class DeviceCount(BaseModel):
    device: str
    count: int


class Dashboard(Plain):
    """`fresh_as_of`: every event received before it is in the numbers; null while no worker has said so. `visitors`:
    null where session rows of the range are gone, for no sum tells who came twice.
    """

    model_config = ConfigDict(serialize_by_alias=True)
    sessions_over_time: list[PeriodCount]
    granularity: Granularity
    total_sessions: int
    bounce_rate: float
    avg_session_duration: float
    referrers: list[SourceCount]
    top_pages: list[PageCount]
    top_events: list[TypeCount]
    countries: list[CountryCount]
    devices: list[DeviceCount]
    visitors: int | None
    pageviews: int
    from_: str = Field(serialization_alias="from")
    to: str
    timezone: str
    fresh_as_of: str | None


def dashboard(reader: Reader, site: str, span: Span, fresh_as_of: int | None, *, told: bool = True) -> Dashboard:
    """The dashboard's numbers; `fresh_as_of` in ms, `told`: whether the range has its session rows. Sessions are filed
    at their start, pageviews at their own time.
    """
    asked = {"site": site, "starts": starts(span), **within(span)}
    rows, visitors = together(partial(reader.rows, name, **asked) for name in _QUESTIONS)
    series, total, bounces, duration = {}, 0, 0, 0
    counts: dict[str, dict[str, int]] = {kind: {} for kind in ("bucket", "country", "device", "event", "page")}
    pageviews = 0
    for row in rows:
        if row["kind"] == "time":
            series[int(row["name"])] = row["count"]
            total, bounces, duration = total + row["count"], bounces + row["bounced"], duration + row["lasted"]
        else:
            counts[row["kind"]][row["name"]] = row["count"]
            pageviews = max(pageviews, row["every"])
    devices = sorted((dict.fromkeys(DEVICES, 0) | counts["device"]).items(), key=lambda item: (-item[1], item[0]))
    return Dashboard(
        sessions_over_time=[PeriodCount(period=period, count=series.get(start, 0)) for start, period in span.buckets()],
        granularity=span.granularity,
        total_sessions=total,
        bounce_rate=percent(bounces, total),
        avg_session_duration=ratio(Fraction(duration, 1000), total),
        referrers=[SourceCount(source=name, count=count) for name, count in _listed(counts["bucket"])[:TOP]],
        top_pages=[PageCount(page=name, count=count) for name, count in _listed(counts["page"])],
        top_events=[TypeCount(type=name, count=count) for name, count in _listed(counts["event"])[:TOP]],
        countries=[CountryCount(country=name, count=count) for name, count in _listed(counts["country"])],
        devices=[DeviceCount(device=device, count=count) for device, count in devices],
        visitors=visitors[0]["visitors"] if told else None,
        pageviews=pageviews,
        from_=iso(span.start),
        to=iso(span.end),
        timezone=span.zone.key,
        fresh_as_of=None if fresh_as_of is None else iso(fresh_as_of),
    )


def _listed(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (item[0] == OTHER, -item[1], item[0]))
