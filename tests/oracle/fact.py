"""An acknowledged event with everything that is known about it, in plain units."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str  # "": the site's
    transaction: str


@dataclass(frozen=True)
class Fact:
    """`time` and `received` in ms; `scroll` in per cent; a list of facts is in order of arrival."""

    site: str
    visitor: str
    id: str
    type: str
    time: int
    received: int
    seq: int = 0
    view: str = ""
    page: str = "/"
    url: str = ""
    title: str = ""
    source: str = "direct"
    campaign: str = "(none)"
    medium: str = "(none)"
    term: str = "(none)"
    content: str = "(none)"
    channel: str = "Direct"
    hostname: str = "unknown"
    country: str = "unknown"
    region: str = "unknown"
    city: str = "unknown"
    device: str = "Desktop"
    browser: str = ""
    os: str = ""
    data: dict[str, Any] | None = None
    scroll: Decimal | None = None
    engaged_ms: int | None = None
    money: Money | None = None

    @property
    def order(self) -> tuple[int, int, str]:
        return (self.time, self.seq, self.id)

    @property
    def passive(self) -> bool:
        return self.type == "engagement"


@dataclass
class View:
    """A pageview of a session with what engagement credited to it."""

    fact: Fact
    depth: Decimal | None = None
    engaged_ms: int = 0


@dataclass
class Session:
    """The events of one visitor without a gap, in order."""

    facts: list[Fact] = field(default_factory=list)
    views: list[View] = field(default_factory=list)

    @property
    def interactive(self) -> list[Fact]:
        return [fact for fact in self.facts if not fact.passive]

    @property
    def custom(self) -> list[Fact]:
        return [fact for fact in self.interactive if fact.type != "pageview"]

    @property
    def start(self) -> int:
        return self.facts[0].time

    @property
    def end(self) -> int:
        return self.facts[-1].time

    @property
    def first_touch(self) -> Fact:
        return self.views[0].fact if self.views else self.facts[0]

    @property
    def bounce(self) -> bool:
        return len(self.views) <= 1
