"""The lines of an exported site, and the events of the log that they come from and become."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from ingest.contract.event import DIRECT, NO_CAMPAIGN, UNKNOWN, Event, Filtered, Reason, Revenue, Touch

FORMAT = 1


class Head(msgspec.Struct, frozen=True, tag_field="line", tag="site", omit_defaults=True):
    """The first line: the site. `throughline`: the format; `secret`: by which returning visitors are known, if it goes
    along.
    """

    throughline: int
    id: str
    tracking_id: str
    name: str
    domain: str
    created: int
    settings: dict[str, Any]
    secret: str = ""


class Sold(msgspec.Struct, frozen=True):
    amount: str
    currency: str
    transaction: str


class Counted(msgspec.Struct, frozen=True, tag_field="line", tag="event", omit_defaults=True):
    """One counted event, named and in units as at the tracking endpoint, with what was made of the request."""

    id: str
    type: str
    at: int
    visitor: str
    received: int
    seq: int = 0
    view: str = ""
    url: str = ""
    page: str = ""
    referrer: str = ""
    title: str = ""
    source: str = DIRECT
    campaign: str = NO_CAMPAIGN
    country: str = UNKNOWN
    device: str = ""
    browser: str = ""
    os: str = ""
    screen: tuple[int, int] = (0, 0)
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    revenue: Sold | None = None
    scroll: float | None = None
    engaged_ms: int | None = None
    touch: dict[str, str] = {}


class Uncounted(msgspec.Struct, frozen=True, tag_field="line", tag="filtered"):
    """So many lines of one receipt did not count, for a reason."""

    reason: Reason
    received: int
    count: int


class End(msgspec.Struct, frozen=True, tag_field="line", tag="end"):
    """The last line: how many of each there were."""

    events: int
    filtered: int


Line = Head | Counted | Uncounted | End
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Line).decode


def counted(row: Mapping[str, Any]) -> Counted:
    """Of a row of `site_events.sql`. Pure."""
    sold = row["ten_thousandths"]
    return Counted(
        **{name: row[name] for name in _SAME},
        at=row["time_ms"],
        received=row["received_ms"],
        screen=(row["screen_width"], row["screen_height"]),
        data=msgspec.Raw(row["data"]) if row["data"] else msgspec.UNSET,
        revenue=None if sold is None else Sold(_decimal(sold), row["currency"], row["transaction"]),
        scroll=None if row["scroll"] is None else row["scroll"] / 100,
        touch={name: row[name] for name in Touch.__struct_fields__ if row[name]},
    )


def event(line: Counted, site: str, settings: int) -> Event:
    """The event of the log, of a site at a revision of its settings. Pure; raises ValueError for a wrong amount."""
    sold = line.revenue
    return Event(
        **{name: getattr(line, name) for name in _SAME},
        site=site,
        time=line.at,
        received=line.received,
        screen=line.screen,
        data="" if isinstance(line.data, msgspec.UnsetType) else bytes(line.data).decode(),
        revenue=None if sold is None else Revenue(_amount(sold.amount), sold.currency, sold.transaction),
        scroll=None if line.scroll is None else round(line.scroll * 100),
        settings=settings,
        touch=Touch(**{name: text for name, text in line.touch.items() if name in Touch.__struct_fields__}),
    )


def filtered(line: Uncounted, site: str) -> Filtered:
    return Filtered(site, line.reason, line.received)


_SAME = (
    *("id", "type", "visitor", "seq", "view", "url", "page", "referrer", "title", "source", "campaign", "country"),
    *("device", "browser", "os", "engaged_ms"),
)


def _decimal(ten_thousandths: int) -> str:
    return f"{Decimal(ten_thousandths).scaleb(-4):f}"


def _amount(text: str) -> int:
    try:
        return int(Decimal(text).scaleb(4))
    except ArithmeticError:
        raise ValueError(f"{text!r} is no amount") from None
