"""Share links of a site: made, listed, revoked; and what they open."""

from pydantic import BaseModel, Field

from api import client, signin
from api.body import NewLink as LinkAsked
from api.body import Opening
from api.caller import opened
from api.endpoint import AnyAsked, Asked
from api.parameter import Nothing
from api.problem import Problem
from api.registry import sharing
from api.registry.account import Link
from api.registry.secret import is_password, sha256
from api.span import iso


class ShareLink(BaseModel):
    """A share link; nobody can tell its address again."""

    id: str
    name: str
    password: bool = Field(description="Whether it asks for one.")
    embed: bool = Field(description="Whether pages of other sites may show it in a frame.")
    created_at: str
    made_by: str | None = Field(description="Email of the member who made it; null if that was not noted.")


class NewLink(ShareLink):
    """A new share link; `url` is shown this once."""

    url: str


class SharedSite(BaseModel):
    """As much of a site as its dashboard needs."""

    id: str
    name: str
    domain: str
    timezone: str
    currency: str | None = Field(description="Of its revenue; null until that is set up.")
    goals: int = Field(description="How many goals it has.")


class Shared(BaseModel):
    """What a share link opens: ask the site's analytics with `access` as bearer token."""

    access: str
    site: SharedSite


def links(asked: Asked) -> list[ShareLink]:
    """The site's living links, the oldest first."""
    return [_shown(asked, link) for link in asked.registry.state.links_of(asked.site.id)]


def add(asked: Asked[Nothing, LinkAsked]) -> NewLink:
    """A new link of the site."""
    body, site = asked.body, asked.site.id
    link, token = sharing.add_link(asked.registry, asked.caller.id, site, body.name, body.password, body.embed)
    return NewLink(**dict(_shown(asked, link)), url=asked.url(f"/share/{token}"))


def revoke(asked: Asked) -> None:
    """End the link of the path."""
    sharing.revoke_link(asked.registry, asked.caller.id, asked.site.id, asked.request.path_params["link_id"])


def open_(asked: Asked[Nothing, Opening]) -> Shared:
    """What the token of the path opens, with the password if it needs one. Who guesses is slowed as at sign-in."""
    state, token = asked.registry.state, asked.request.path_params["token"]
    link = state.link(sha256(token))
    if link is None:
        raise Problem(404, "not_found", "this link leads nowhere, or no longer")
    if link.password is not None:
        _check(asked, link, link.password, asked.body.password)
    site = state.site_by_id[link.site]
    own = site.settings
    shared = SharedSite(
        id=site.id,
        name=site.name,
        domain=site.domain,
        timezone=own.timezone,
        currency=own.revenue.currency if own.revenue else None,
        goals=len(own.goals),
    )
    return Shared(access=opened(link, token), site=shared)


def _check(asked: AnyAsked, link: Link, held: str, given: str | None) -> None:
    if given is None:
        raise Problem(401, "password_needed", "this link needs its password", "password")
    redis, address = asked.parts.redis, client.address(asked.request, asked.parts.trusted)
    signin.count_guess(redis, f"link {link.id}", held, address)
    if not is_password(given, held):
        raise Problem(401, "wrong_password", "this is not the link's password", "password")
    signin.forgive(redis, f"link {link.id}", held, address)


def _shown(asked: AnyAsked, link: Link) -> ShareLink:
    maker = asked.registry.state.account_by_id.get(link.by)
    return ShareLink(
        id=link.id,
        name=link.name,
        password=link.password is not None,
        embed=link.embed,
        created_at=iso(link.created),
        made_by=maker.email if maker else None,
    )
