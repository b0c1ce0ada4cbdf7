"""A site and its settings: what the registry stores, the snapshot publishes, admission and the workers obey."""

import re
from functools import cache, cached_property
from typing import Annotated, Any, Literal, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from ingest.contract.address import Network, is_in, network, networks, read_address
from ingest.contract.page import host, page
from ingest.contract.text import spaced

_FROZEN = ConfigDict(frozen=True, extra="forbid", strict=True)


def _one_name(text: str) -> str:
    return spaced(text, 64)  # no more than that, as what is stored already must be read


def _one_host(text: str) -> str:
    name = text.strip()
    found = "" if re.search(r"[/?#@\\*]", name) else host("http://" + name)
    if not found:
        raise ValueError("must be a host such as example.com")
    return found


_Name = Annotated[str, AfterValidator(_one_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64})]
_Host = Annotated[str, AfterValidator(_one_host), WithJsonSchema({"type": "string", "minLength": 1})]
_Number = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] | Annotated[int, Field(ge=0, le=86_400)]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks a folder of 600 files


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("not an IANA time zone")
    return name


class Revenue(BaseModel):
    """Whose amounts are summed; `type` null: any event that carries revenue is a transaction.

    `trusted`: from then on only events that came with a key of scope `ingest` carry any; it is shown only if it is on.
    """

    model_config = _FROZEN
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    type: _Name | None = None
    trusted: Annotated[bool, Field(exclude_if=lambda trusted: not trusted)] = False


class Friction(BaseModel):
    """Thresholds of the friction buckets; seconds, pageviews, per cent."""

    model_config = _FROZEN
    bouncer_seconds: _Number = 10
    skimmer_seconds_per_page: _Number = 15
    engaged_pageviews: Annotated[int, Field(ge=1, le=1000)] = 3
    engaged_seconds: _Number = 30
    deep_seconds: _Number = 60
    deep_percent: Annotated[float, Field(ge=0, le=100)] | Annotated[int, Field(ge=0, le=100)] = 50


class PageGoal(BaseModel):
    """Reached by a view of a page; `*` stands for any run of characters."""

    model_config = _FROZEN
    name: _Name
    page: Annotated[str, Field(min_length=1, max_length=2000)]


class EventGoal(BaseModel):
    """Reached by a custom event; `*` stands for any run of characters."""

    model_config = _FROZEN
    name: _Name
    event: _Name


Goal: TypeAlias = PageGoal | EventGoal


_Named = TypeVar("_Named", PageGoal | EventGoal, "Segment")


def _network(text: str) -> str:
    try:
        return str(network(text.strip()))
    except ValueError:
        raise ValueError("must be an address or a network such as 203.0.113.0/24") from None


def _is_like(text: str, parts: list[str]) -> bool:
    """Whether the parts with anything between them are the text; no regular expression, which stars make try all."""
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if not text.startswith(first):
        return False
    at = len(first)
    for part in middle:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(text) - at >= len(last) and text.endswith(last)


class Exclude(BaseModel):
    """Whose events are not counted; a page may hold `*`, any run of characters."""

    model_config = _FROZEN
    addresses: Annotated[list[Annotated[str, AfterValidator(_network)]], Field(max_length=200)] = []
    countries: Annotated[list[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]], Field(max_length=200)] = []
    pages: Annotated[list[Annotated[str, Field(min_length=1, max_length=2000)]], Field(max_length=200)] = []

    @cached_property
    def _networks(self) -> tuple[Network, ...]:
        return networks(self.addresses)

    @cached_property
    def _pages(self) -> tuple[list[str], ...]:
        return tuple((each if "*" in each else page(each)).split("*") for each in self.pages)

    def holds(self, address: str, country: str, page_: str) -> bool:
        """Whether an event from the address and country, on the page (all as admission finds them), is excluded."""
        if country in self.countries or (self.pages and any(_is_like(page_, parts) for parts in self._pages)):
            return True
        if not self.addresses or (found := read_address(address)) is None:
            return False
        return is_in(found, self._networks)


_Months = Annotated[int, Field(ge=1, le=120)] | None


class Retention(BaseModel):
    """For how many whole months raw events, and session rows, are kept; null: for ever. What rollups hold stays."""

    model_config = _FROZEN
    events_months: _Months = None
    sessions_months: _Months = None

    @field_validator("sessions_months")
    @classmethod
    def _no_less_than_events(cls, months: int | None, info: ValidationInfo) -> int | None:
        if months is not None and "events_months" in info.data:
            events = info.data["events_months"]
            if events is None or events > months:
                raise ValueError("must be no less than events_months: sessions are made from them")
        return months


class Segment(BaseModel):
    """Filters that are saved under a name, as the API's parameter `filter` has them."""

    model_config = _FROZEN
    name: _Name
    filter: Annotated[list[Annotated[str, Field(max_length=25_000)]], Field(min_length=1, max_length=10)]


class SiteSettings(BaseModel):
    """Settings of a site with their defaults; unknown keys are refused."""

    model_config = _FROZEN
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    cookieless: bool = False
    hosts: Annotated[list[_Host | Literal["*"]], Field(max_length=100)] = []
    # Subdomains included; a visit from there is direct.
    ignored_referrers: Annotated[list[_Host], Field(max_length=100)] = []
    revenue: Revenue | None = None
    friction: Friction = Friction()
    # [started, finishing event, another finishing event …]
    pairs: Annotated[list[Annotated[list[_Name], Field(min_length=2, max_length=10)]], Field(max_length=50)] = [
        ["form_start", "form_submit"],
        ["add_to_cart", "purchase"],
        ["checkout_start", "purchase"],
    ]
    goals: Annotated[list[Goal], Field(max_length=50)] = []
    exclude: Exclude = Exclude()
    # Filters, as the API's parameter: sessions for which one holds are in no answer.
    hide: Annotated[list[Annotated[str, Field(max_length=25_000)]], Field(max_length=20)] = []
    segments: Annotated[list[Segment], Field(max_length=50)] = []
    retention: Retention = Retention()

    @field_validator("goals", "segments")
    @classmethod
    def _told_apart(cls, named: list[_Named]) -> list[_Named]:
        names = [each.name for each in named]
        if len(set(names)) < len(names):
            raise ValueError("two of them have the same name")
        return named

    @property
    def finished_by(self) -> dict[str, list[str]]:
        """What finishes each started thing of `pairs`: any finishing event of all that begin with it."""
        found: dict[str, list[str]] = {}
        for started, *finishing in self.pairs:
            found.setdefault(started, []).extend(finishing)
        return found

    @property
    def trusts_only_keys(self) -> bool:
        return self.revenue is not None and self.revenue.trusted

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def direct(self) -> frozenset[str]:
        """Hosts from where, subdomains included, a visit is direct; "*" is nobody's."""
        return frozenset((*self.hosts, *self.ignored_referrers))


class Site(BaseModel):
    """One revision of a site. `secret` keys the visitor hashes that stay the same for ever; it leaves no service."""

    model_config = ConfigDict(frozen=True)
    id: str
    account: str
    name: str
    domain: str
    tracking_id: str
    secret: str
    settings: SiteSettings = SiteSettings()
    revision: int = 0
    created: int = 0  # ms
    deleted: bool = False
    kind: Literal["site"] = "site"

    def allows(self, host: str) -> bool:
        """Whether pages on `host` (lower case) are the site's: its domain, a subdomain, or in its setting `hosts`."""
        hosts = self.settings.hosts
        return (
            host == self.domain
            or host.endswith("." + self.domain)
            or "*" in hosts
            or any(host == allowed or host.endswith("." + allowed) for allowed in hosts)
        )


def merge_patch(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396): objects merge key by key, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
