"""The channel of a visit: which kind of way it came by, the first rule of the definition that holds."""

from functools import lru_cache
from typing import NamedTuple

from ingest import rule
from ingest.contract.event import DIRECT, Touch
from ingest.contract.page import lowered, parameters, read_url

PAID = ("cpc", "ppc", "retargeting")  # media, and whatever begins with `paid`
_KINDS = {row.name: row.group for row in rule.read("source")}
_MAIL = ("email", "e-mail", "e_mail", "newsletter")


class Rule(NamedTuple):
    """Holds where the source is of the kind (a group of `rule/source.txt`), or one of `sources`, or the medium one of
    `media`; of a `paid` visit alone, if it says so.
    """

    channel: str
    kind: str = ""
    media: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    paid: bool = False


RULES = (
    Rule("Paid Search", "search", paid=True),
    Rule("Paid Social", "social", paid=True),
    Rule("Display", media=("display", "banner", "expandable", "interstitial", "cpm")),
    Rule("Paid Other", paid=True),
    Rule("Affiliates", media=("affiliate",)),
    Rule("Email", media=_MAIL, sources=_MAIL),
    Rule("AI Assistant", "assistant"),
    Rule("Organic Search", "search", ("organic",)),
    Rule("Organic Social", "social", ("social", "social-network", "social-media", "sm")),
    Rule("Video", "video", ("video",)),
)
REFERRAL, OF_DIRECT = "Referral", "Direct"


@lru_cache(4_096)  # of ≤ 400 characters
def channel(source: str, medium: str, ad: bool) -> str:
    """Of a source as attributed and a medium in lower case ("": none); `ad`: a click id of an ad was there."""
    paid = ad or medium in PAID or medium.startswith("paid")
    kind = _KINDS.get(source, "")
    for each in RULES:
        if each.paid:
            if paid and each.kind in ("", kind):
                return each.channel
        elif (kind and kind == each.kind) or medium in each.media or source in each.sources:
            return each.channel
    return OF_DIRECT if source == DIRECT and medium != "referral" else REFERRAL


def of_stored(url: str, source: str) -> Touch:
    """What the stored url of an event of an earlier build still tells; click ids and addresses are gone."""
    found = read_url(url)
    said: dict[str, str] = {}
    for name, value in parameters(found) if found.query else ():
        said.setdefault(name, value)
    medium = lowered(said.get("utm_medium", ""))
    return Touch(
        medium,
        said.get("utm_term", ""),
        said.get("utm_content", ""),
        channel(source, medium, ad=False),
        found.host.removeprefix("www."),
    )
