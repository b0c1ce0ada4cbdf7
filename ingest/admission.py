"""Admission: what happens to a valid event before it may enter the log, step by step.

Each step returns the draft, maybe changed, or the reason for which the event is filtered; nothing vanishes uncounted.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace as with_fields

from ingest import visitor
from ingest.contract.event import Event, Filtered, Reason, Revenue
from ingest.contract.incoming import Incoming, IncomingImport, Problem
from ingest.contract.page import Url, read_url, stored_referrer, stored_url
from ingest.contract.site import Site
from ingest.enrich import Country, read_agent
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


class Draft(NamedTuple):
    """An event on its way through admission."""

    event: Event
    posted: Incoming
    site: Site
    sender: Sender
    knowledge: Knowledge
    url: Url
    referrer: Url


Step: TypeAlias = Callable[[Draft], Draft | Reason]


def drop_bots(draft: Draft) -> Draft | Reason:
    return "bot" if read_agent(draft.sender.agent).bot else draft


def drop_foreign_hosts(draft: Draft) -> Draft | Reason:
    return draft if draft.site.allows(draft.url.host) else "host"


def correct_time(draft: Draft) -> Draft | Reason:
    """The client's clock is never trusted, only its differences."""
    at, sent_at = draft.posted.at, draft.posted.sent_at
    delay = max(0, sent_at - at) if at is not None and sent_at is not None else 0
    return "late" if delay > MAX_DELAY_MS else _with(draft, time=draft.sender.received - delay)


def strip_private(draft: Draft) -> Draft | Reason:
    return _with(draft, url=stored_url(draft.url), page=draft.url.page, referrer=stored_referrer(draft.referrer))


def attribute_source(draft: Draft) -> Draft | Reason:
    source, campaign = attribute(draft.url, draft.referrer, draft.site.domain)
    return _with(draft, source=source, campaign=campaign)


def recognise_agent(draft: Draft) -> Draft | Reason:
    agent = read_agent(draft.sender.agent)
    return _with(draft, device=agent.device, browser=agent.browser, os=agent.os)


def find_country(draft: Draft) -> Draft | Reason:
    return _with(draft, country=draft.knowledge.country(draft.sender.address))


def identify_visitor(draft: Draft) -> Draft | Reason:
    site, sender = draft.site, draft.sender
    if draft.posted.visitor and not site.settings.cookieless and not sender.gpc:
        return _with(draft, visitor=visitor.own(site.secret, draft.posted.visitor))
    salt = draft.knowledge.salt(draft.event.time, sender.received)
    return _with(draft, visitor=visitor.cookieless(salt, site.id, sender.address, sender.agent))


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


def take_own_time(draft: Draft) -> Draft | Reason:
    return _with(draft, time=draft.posted.at)


def identify_imported(draft: Draft) -> Draft | Reason:
    """An import has no day's salt; where a line names its visitor, it is the one whom the endpoint would know by it."""
    secret, sender = draft.site.secret, draft.sender
    if draft.posted.visitor:
        return _with(draft, visitor=visitor.own(secret, draft.posted.visitor))
    return _with(draft, visitor=visitor.imported(secret, sender.address, sender.agent))


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


def admit(posted: Incoming, site: Site, sender: Sender, knowledge: Knowledge) -> Event | Filtered:
    """A posted event as it enters the log, or what the ledger keeps of it. No I/O; random only for a missing id."""
    return _run(STEPS, posted, posted.id or secrets.token_hex(16), site, sender, knowledge)


def admit_import(
    posted: IncomingImport, line_id: str, site: Site, received: int, country: Country
) -> Event | Filtered | Problem:
    """A line of `import --format events`; `line_id` stands in for a missing id: the same file counts once. Pure."""
    if posted.at > received:
        return Problem(0, "at", "lies in the future")
    if not posted.visitor and not posted.ip:
        return Problem(0, "visitor", "is missing, and so is ip")
    sender = Sender(received, posted.ip, posted.user_agent)
    return _run(IMPORT_STEPS, posted, posted.id or line_id, site, sender, Knowledge(country, _no_salt))


def _run(
    steps: tuple[Step, ...], posted: Incoming, id_: str, site: Site, sender: Sender, knowledge: Knowledge
) -> Event | Filtered:
    event = _begin(posted, id_, site, sender.received)
    draft = Draft(event, posted, site, sender, knowledge, read_url(posted.url), read_url(posted.referrer))
    for step in steps:
        outcome = step(draft)
        if isinstance(outcome, str):
            return Filtered(site=site.id, reason=outcome, received=sender.received)
        draft = outcome
    return draft.event


def _begin(posted: Incoming, id_: str, site: Site, received: int) -> Event:
    revenue = None
    if posted.revenue is not None:
        amount, currency, transaction = posted.revenue.amount, posted.revenue.currency, posted.revenue.transaction
        revenue = Revenue(amount, currency, transaction or id_)
    return Event(
        site=site.id,
        visitor="",
        id=id_,
        type=posted.type,
        time=received,
        received=received,
        seq=posted.seq,
        view=posted.view,
        title=posted.title,
        screen=(posted.screen[0], posted.screen[1]) if posted.screen else (0, 0),
        data=posted.data,
        scroll=posted.scroll,
        engaged_ms=posted.engaged_ms,
        revenue=revenue,
        settings=site.revision,
    )


def _with(draft: Draft, **fields: object) -> Draft:
    return Draft(with_fields(draft.event, **fields), *draft[1:])


def _no_salt(time: int, received: int) -> bytes:
    raise AssertionError("an import never asks for a day's salt")
