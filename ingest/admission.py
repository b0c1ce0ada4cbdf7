"""Admission: what happens to a valid event before it may enter the log, step by step.

Each step adds what it finds out to the draft, or returns the reason for which the event is filtered; nothing vanishes
uncounted.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ingest.contract import visitor
from ingest.contract.event import VERSION, Event, Filtered, Reason, Revenue, Touch
from ingest.contract.page import Url, read_url, stored_referrer, stored_url
from ingest.contract.posted import Posted
from ingest.contract.site import Site
from ingest.enrich import NO_AGENT, NO_PLACE, Agent, Place, Places, read_agent
from ingest.source import NOWHERE_FROM, Attribution, attribute

MAX_DELAY_MS = 24 * 3_600_000


class Sender(NamedTuple):
    """What a request tells about who sent it: used here, never stored. `received` in ms; `gpc`: Sec-GPC was 1;
    `trusted`: it came with a key for posting events of the site.
    """

    received: int
    address: str
    agent: str
    gpc: bool = False
    trusted: bool = False


class Knowledge(NamedTuple):
    """What admission looks up: where an address is, the salt of a day by (time, received)."""

    places: Places
    salt: Callable[[int, int], bytes]


class Way(NamedTuple):
    """What differs by the way an event comes in; the steps are the same for all.

    `own_time`: `at` is the event's time, and not only a difference. `for_ever`: who has no name is the same visitor
    whenever a day is imported, by the site's secret. `programs`: HTTP libraries and nameless agents send events on
    purpose.
    """

    own_time: bool
    for_ever: bool
    programs: bool


ENDPOINT = Way(own_time=False, for_ever=False, programs=True)
EVENTS = Way(own_time=True, for_ever=True, programs=True)  # of an import
ACCESS_LOG = Way(own_time=True, for_ever=True, programs=False)  # whose lines name an agent


@dataclass(slots=True)
class Draft:
    """An event on its way through admission: what was posted, and what the steps find out."""

    posted: Posted
    site: Site
    sender: Sender
    knowledge: Knowledge
    way: Way
    url: Url
    referrer: Url
    time: int = 0
    stored_url: str = ""
    stored_referrer: str = ""
    attribution: Attribution = NOWHERE_FROM
    place: Place = NO_PLACE
    agent: Agent = NO_AGENT
    visitor: str = ""


Step: TypeAlias = Callable[[Draft], Reason | None]


def drop_bots(draft: Draft) -> Reason | None:
    return "bot" if is_bot(draft.sender.agent, draft.way) else None


def drop_foreign_hosts(draft: Draft) -> Reason | None:
    return None if draft.site.allows(draft.url.host) else "host"


def correct_time(draft: Draft) -> Reason | None:
    """The client's clock is never trusted, only its differences; history has no other time than its own."""
    at, sent_at = draft.posted.at, draft.posted.sent_at
    if draft.way.own_time:
        draft.time = at or 0
        return None
    delay = max(0, sent_at - at) if at is not None and sent_at is not None else 0
    draft.time = draft.sender.received - delay
    return "late" if delay > MAX_DELAY_MS else None


def strip_private(draft: Draft) -> Reason | None:
    draft.stored_url = stored_url(draft.url)
    draft.stored_referrer = stored_referrer(draft.referrer)
    return None


def attribute_source(draft: Draft) -> Reason | None:
    site = draft.site
    draft.attribution = attribute(draft.url, draft.referrer, site.domain, site.settings.direct)
    return None


def recognise_agent(draft: Draft) -> Reason | None:
    draft.agent = read_agent(draft.sender.agent)
    return None


def find_place(draft: Draft) -> Reason | None:
    draft.place = draft.knowledge.places(draft.sender.address)
    return None


def drop_excluded(draft: Draft) -> Reason | None:
    excluded = draft.site.settings.exclude
    return "excluded" if excluded.holds(draft.sender.address, draft.place.country, draft.url.page) else None


def identify_visitor(draft: Draft) -> Reason | None:
    """Where history names its visitor, it is the one whom the endpoint would know by that name: on a cookieless site
    nobody, unless a name is all that history tells.
    """
    site, sender, named = draft.site, draft.sender, draft.posted.visitor
    if draft.way.for_ever:
        cookieless = site.settings.cookieless and bool(sender.address or sender.agent)
    else:
        cookieless = site.settings.cookieless or sender.gpc
    if named and not cookieless:
        draft.visitor = visitor.own(site.secret, named)
    elif draft.way.for_ever:
        draft.visitor = visitor.imported(site.secret, draft.time, sender.address, sender.agent)
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
    find_place,
    drop_excluded,
    identify_visitor,
)


def admit(
    posted: Posted, site: Site, sender: Sender, knowledge: Knowledge, way: Way = ENDPOINT, id_: str = ""
) -> Event | Filtered:
    """A posted event as it enters the log, or what the ledger keeps of it. No I/O; random only where neither it nor the
    caller has an id.
    """
    draft = Draft(posted, site, sender, knowledge, way, read_url(posted.url), read_url(posted.referrer))
    for step in STEPS:
        reason = step(draft)
        if reason is not None:
            return Filtered(site=site.id, reason=reason, received=sender.received)
    return _event(draft, posted.id or id_ or secrets.token_hex(16))


def is_bot(agent: str, way: Way) -> bool:
    """Whether nobody looked at a page: in logs HTTP libraries and nameless agents are bots too."""
    known = read_agent(agent)
    return known.bot or (not way.programs and (known.library or agent in ("", "-")))


def no_salt(time: int, received: int) -> bytes:
    """The salt of an import, which never asks for one."""
    raise AssertionError("an import never asks for a day's salt")


def _event(draft: Draft, id_: str) -> Event:
    posted, agent, revenue = draft.posted, draft.agent, draft.posted.revenue
    source, campaign, medium, term, content, channel = draft.attribution
    country, region, city = draft.place
    if revenue is not None:
        if not (draft.sender.trusted or draft.way.own_time) and draft.site.settings.trusts_only_keys:
            revenue = None  # a plain event: whoever reads the page's source could claim an order's number in advance
        elif not revenue.transaction:
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
        source,
        campaign,
        country,
        agent.device,
        agent.browser,
        agent.os,
        posted.screen or (0, 0),
        posted.data,
        posted.scroll,
        posted.engaged_ms,
        revenue,
        draft.site.revision,
        Touch(medium, term, content, channel, draft.url.host.removeprefix("www."), region, city),
    )
