"""Admission: what happens to a valid event before it may enter the log, step by step.

Each step adds what it finds out to the draft, or returns the reason for which the event is filtered; nothing vanishes
uncounted.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ingest import visitor
from ingest.contract.event import DIRECT, NO_CAMPAIGN, UNKNOWN, VERSION, Event, Filtered, Reason, Revenue
from ingest.contract.incoming import IncomingImport, Problem
from ingest.contract.page import Url, read_url, stored_referrer, stored_url
from ingest.contract.posted import Posted
from ingest.contract.site import Site
from ingest.enrich import NO_AGENT, Agent, Country, read_agent
from ingest.source import attribute

MAX_DELAY_MS = 24 * 3_600_000


class Sender(NamedTuple):
    """What a request tells about who sent it: used here, never stored. `received` in ms; `gpc`: Sec-GPC was 1."""

    received: int
    address: str
    agent: str
    gpc: bool = False


class Knowledge(NamedTuple):
    """What admission looks up: an address's country, the salt of a day by (time, received)."""

    country: Country
    salt: Callable[[int, int], bytes]


@dataclass(slots=True)
class Draft:
    """An event on its way through admission: what was posted, and what the steps find out."""

    posted: Posted
    site: Site
    sender: Sender
    knowledge: Knowledge
    url: Url
    referrer: Url
    time: int = 0
    stored_url: str = ""
    stored_referrer: str = ""
    source: str = DIRECT
    campaign: str = NO_CAMPAIGN
    country: str = UNKNOWN
    agent: Agent = NO_AGENT
    visitor: str = ""


Step: TypeAlias = Callable[[Draft], Reason | None]


def drop_bots(draft: Draft) -> Reason | None:
    return "bot" if read_agent(draft.sender.agent).bot else None


def drop_foreign_hosts(draft: Draft) -> Reason | None:
    return None if draft.site.allows(draft.url.host) else "host"


def correct_time(draft: Draft) -> Reason | None:
    """The client's clock is never trusted, only its differences."""
    at, sent_at = draft.posted.at, draft.posted.sent_at
    delay = max(0, sent_at - at) if at is not None and sent_at is not None else 0
    draft.time = draft.sender.received - delay
    return "late" if delay > MAX_DELAY_MS else None


def strip_private(draft: Draft) -> Reason | None:
    draft.stored_url = stored_url(draft.url)
    draft.stored_referrer = stored_referrer(draft.referrer)
    return None


def attribute_source(draft: Draft) -> Reason | None:
    site = draft.site
    draft.source, draft.campaign = attribute(draft.url, draft.referrer, site.domain, site.settings.direct)
    return None


def recognise_agent(draft: Draft) -> Reason | None:
    draft.agent = read_agent(draft.sender.agent)
    return None


def find_country(draft: Draft) -> Reason | None:
    draft.country = draft.knowledge.country(draft.sender.address)
    return None


def identify_visitor(draft: Draft) -> Reason | None:
    site, sender, named = draft.site, draft.sender, draft.posted.visitor
    if named and not site.settings.cookieless and not sender.gpc:
        draft.visitor = visitor.own(site.secret, named)
    else:
        salt = draft.knowledge.salt(draft.time, sender.received)
        draft.visitor = visitor.cookieless(salt, site.id, sender.address, sender.agent)
    return None


STEPS: tuple[Step, ...] = (
    drop_bots,
    drop_foreign_hosts,
    correct_time,  # drops what is late
    strip_private,
    attribute_source,
    recognise_agent,
    find_country,
    identify_visitor,
)


def take_own_time(draft: Draft) -> Reason | None:
    draft.time = draft.posted.at or 0
    return None


def identify_imported(draft: Draft) -> Reason | None:
    """An import has no day's salt; where a line names its visitor, it is the one whom the endpoint would know by it."""
    secret, sender, named = draft.site.secret, draft.sender, draft.posted.visitor
    draft.visitor = visitor.own(secret, named) if named else visitor.imported(secret, sender.address, sender.agent)
    return None


IMPORT_STEPS: tuple[Step, ...] = (
    drop_bots,
    drop_foreign_hosts,
    take_own_time,
    strip_private,
    attribute_source,
    recognise_agent,
    find_country,
    identify_imported,
)


def admit(posted: Posted, site: Site, sender: Sender, knowledge: Knowledge) -> Event | Filtered:
    """A posted event as it enters the log, or what the ledger keeps of it. No I/O; random only for a missing id."""
    return _run(STEPS, posted, posted.id or secrets.token_hex(16), site, sender, knowledge)


def admit_import(
    line: IncomingImport, line_id: str, site: Site, received: int, country: Country
) -> Event | Filtered | Problem:
    """A line of `import --format events`; `line_id` stands in for a missing id: the same file counts once. Pure."""
    if line.at > received:
        return Problem(0, "at", "lies in the future")
    if not line.visitor and not line.ip:
        return Problem(0, "visitor", "is missing, and so is ip")
    sender = Sender(received, line.ip, line.user_agent)
    return _run(IMPORT_STEPS, line.posted, line.id or line_id, site, sender, Knowledge(country, _no_salt))


def _run(
    steps: tuple[Step, ...], posted: Posted, id_: str, site: Site, sender: Sender, knowledge: Knowledge
) -> Event | Filtered:
    draft = Draft(posted, site, sender, knowledge, read_url(posted.url), read_url(posted.referrer))
    for step in steps:
        reason = step(draft)
        if reason is not None:
            return Filtered(site=site.id, reason=reason, received=sender.received)
    return _event(draft, id_)


def _event(draft: Draft, id_: str) -> Event:
    posted, agent, revenue = draft.posted, draft.agent, draft.posted.revenue
    if revenue is not None and not revenue.transaction:
        revenue = Revenue(revenue.amount, revenue.currency, id_)
    # In the order of its fields: naming all of them takes four times as long.
    return Event(
        draft.site.id,
        draft.visitor,
        id_,
        posted.type,
        draft.time,
        draft.sender.received,
        VERSION,
        posted.seq or 0,
        posted.view,
        draft.stored_url,
        draft.url.page,
        draft.stored_referrer,
        posted.title,
        draft.source,
        draft.campaign,
        draft.country,
        agent.device,
        agent.browser,
        agent.os,
        posted.screen or (0, 0),
        posted.data,
        posted.scroll,
        posted.engaged_ms,
        revenue,
        draft.site.revision,
    )


def _no_salt(time: int, received: int) -> bytes:
    raise AssertionError("an import never asks for a day's salt")
