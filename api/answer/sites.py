"""Counts of sites over all time, and their last seven days."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from api.span import first_instant, local
from rollups.read import Reader

DAYS = 7


class Counts(BaseModel):
    visitors_count: int
    sessions_count: int
    events_count: int


def counts(reader: Reader, sites: Sequence[str]) -> dict[str, Counts]:
    """Visitors, sessions and interactive events of each of the sites."""
    found = {row["site"]: row for row in reader.rows("sites", sites=list(sites))} if sites else {}
    return {
        site: Counts(
            visitors_count=found[site]["visitors"],
            sessions_count=found[site]["sessions"],
            events_count=found[site]["events"],
        )
        if site in found
        else Counts(visitors_count=0, sessions_count=0, events_count=0)
        for site in sites
    }


def sparklines(reader: Reader, zones: Mapping[str, ZoneInfo], now: int) -> dict[str, list[int]]:
    """Sessions started on each of the last seven days of each site's own zone, the day of `now` (ms) last."""
    starts = {zone: _starts(zone, now) for zone in dict.fromkeys(zones.values())}
    place = {zone: index for index, zone in enumerate(starts, 1)}  # many sites, few zones
    found = {site: [0] * DAYS for site in zones}
    if not found:
        return found
    for row in reader.rows(
        "sites_sparkline",
        sites=list(zones),
        calendars=[place[zone] for zone in zones.values()],
        starts=list(starts.values()),
        **{"from": min(each[0] for each in starts.values()), "to": max(each[-1] for each in starts.values())},
    ):
        if 1 <= row["day"] <= DAYS:
            found[row["site"]][row["day"] - 1] = row["sessions"]
    return found


def _starts(zone: ZoneInfo, now: int) -> list[int]:
    """First instants of the last seven days, and of tomorrow."""
    today = local(now, zone).date()
    return [first_instant(today + timedelta(days=ahead), zone) for ahead in range(1 - DAYS, 2)]
