"""Generated traffic of two sites over forty days, the model's view of it, and the same in a database."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from api.span import Span
from ingest.contract.site import Revenue, SiteSettings
from rollups.read import Reader
from tests.oracle import sessions as model
from tests.oracle.fact import DAY, HOUR
from tests.oracle.generate import Traffic
from tests.oracle.span import Range

START = 1_740_700_000_000  # 27 February 2025: both changes of the clocks, in New York and in Berlin, lie ahead
SETTINGS = SiteSettings(revenue=Revenue(currency="EUR", type="purchase"))
PLACES = [
    ("DE", "DE-BE", "Berlin"),
    ("DE", "DE-BY", "unknown"),
    ("FR", "FR-IDF", "Paris"),
    ("unknown", "unknown", "unknown"),
]
ZONES = ["UTC", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"]


@dataclass(frozen=True)
class World:
    """`ending_now`: a reader for which every range ends now, so that it looks for what lies behind the end."""

    reader: Reader
    ending_now: Reader
    sites: dict[str, model.Site]
    seed: int

    @property
    def settings(self) -> dict[str, Any]:
        return SETTINGS.model_dump()

    @cached_property
    def ranges(self) -> list[tuple[str, Span, Range]]:
        """(site, what is asked, the same for the model): from a millisecond to all of it, in many zones."""
        return list(self._ranges(Random(self.seed)))

    def _ranges(self, random: Random) -> Iterator[tuple[str, Span, Range]]:
        a_start = next(iter(self.sites["s1"].sessions)).start
        chosen = [
            (START - START % DAY, START - START % DAY + 35 * DAY, "UTC"),  # whole days: nothing but rollups
            (START + 9 * HOUR, START + 9 * HOUR + 400_000, "UTC"),  # within one quarter: nothing but edges
            (a_start, a_start + 1, "Asia/Kathmandu"),
            (START, START + 48 * HOUR, "Asia/Kathmandu"),
            (1_743_200_000_000, 1_743_200_000_000 + 30 * HOUR, "Europe/Berlin"),  # over 30 March, hour by hour
            (START + 1, START + 38 * DAY + 1, "America/New_York"),
        ]
        for _ in range(6):
            begin = START + random.randrange(-DAY, 40 * DAY)
            chosen.append((begin, begin + random.randrange(1, 40 * DAY), random.choice(ZONES)))
        for index, (begin, end, zone) in enumerate(chosen):
            yield ["s1", "s2"][index % 2], Span(begin, end, ZoneInfo(zone)), Range(begin, end, zone)


def facts(seed: int, events: int) -> dict[str, model.Site]:
    """The model of seeded traffic, with countries, receipt times and lines that admission filtered."""
    random = Random(seed)
    drawn = Traffic(seed, {"s1": "site_1", "s2": "site_2"}).draw(events, START, 36)
    arrivals = []
    for sent in drawn:
        country, region, city = random.choice(PLACES)
        received = sent.fact.time + random.randrange(2 * HOUR)
        arrivals.append(replace(sent.fact, received=received, country=country, region=region, city=city))
    admission = [
        (random.choice(["s1", "s2"]), START + random.randrange(40 * DAY), random.choice(["bot", "host"]))
        for _ in range(60)
    ]
    return model.sites(sorted(arrivals, key=lambda fact: fact.received), admission)
