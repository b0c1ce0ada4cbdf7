"""Who else sees a site: members and invitations, as the API shows and changes them."""

from typing import Literal

from pydantic import BaseModel, Field

from api import account, client
from api.body import Acceptance
from api.body import Invitation as Invited
from api.caller import caller
from api.endpoint import AnyAsked, Asked, Reply
from api.parameter import MemberOf, Nothing
from api.problem import Problem, invalid
from api.registry import sharing
from api.registry.account import Member, Role
from api.rights import ACCOUNT, allowed
from api.span import iso


class SiteMember(BaseModel):
    """A member of a site, or an invitation to be one."""

    id: str
    account: str | None = Field(description="Id of the member's account; null while invited.")
    email: str = Field(description="The member's; of an invitation whom it is meant for, or empty.")
    role: Role
    state: Literal["member", "invited", "expired"]
    created_at: str = Field(description="When the invitation was made; of who made the site, when that was.")
    expires_at: str | None = Field(description="Of an invitation.")


class NewInvitation(SiteMember):
    """An invitation; `url` is shown this once, and good for one acceptance within seven days."""

    url: str


class OpenInvitation(BaseModel):
    """What somebody is invited to."""

    site: str = Field(description="The site's name.")
    domain: str
    role: Role
    email: str = Field(description="Whom it is meant for, or empty.")
    expires_at: str


class Accepted(account.Me):
    """The account that is a member of the site now."""

    site: str = Field(description="The site's id.")
    role: Role


def members(asked: Asked) -> list[SiteMember]:
    """Owners by having made the site first, then members and invitations, the oldest first."""
    state, site = asked.registry.state, asked.site
    found = [_shown(asked, each) for each in state.members_of(site.id)]
    if state.role(site.account, site) == "owner" and site.account not in [each.account for each in found]:
        maker = Member(id=site.account, site=site.id, role="owner", created=site.created, account=site.account)
        found.insert(0, _shown(asked, maker))
    return found


def invite(asked: Asked[Nothing, Invited]) -> NewInvitation:
    """An invitation of the site."""
    body = asked.body
    made, token = sharing.invite(asked.registry, asked.caller.id, asked.site.id, body.role, body.email.strip())
    return NewInvitation(**dict(_shown(asked, made)), url=asked.url(f"/invite/{token}"))


def remove(asked: Asked) -> None:
    """End the membership or withdraw the invitation that the path names."""
    _remove(asked, asked.request.path_params["member_id"])


def remove_of_query(asked: Asked[MemberOf]) -> None:
    """As `remove`, of the parameter."""
    _remove(asked, asked.parameters.id)


def _remove(asked: AnyAsked, member: str) -> None:
    sharing.remove(asked.registry, asked.caller.id, asked.site.id, member)


def invitation(asked: Asked) -> OpenInvitation:
    """What the token of the path invites to."""
    state = asked.registry.state
    held = sharing.invitation(state, asked.request.path_params["token"], asked.now)
    site = state.site_by_id[held.site]
    expires = iso(held.expires)
    return OpenInvitation(site=site.name, domain=site.domain, role=held.role, email=held.email, expires_at=expires)


def accept(asked: Asked[Nothing, Acceptance]) -> Reply[Accepted]:
    """With an email: the account that has it and the password, or a new one; else whoever is signed in."""
    body = asked.body
    registry, token = asked.registry, asked.request.path_params["token"]
    held = sharing.invitation(registry.state, token, asked.now)
    if (body.email is None) != (body.password is None):
        raise invalid("password" if body.password is None else "email", "email and password go together")
    headers: dict[str, str] = {}
    if body.email is None or body.password is None:
        who = caller(asked.request, registry, asked.parts.redis)
        allowed(registry.state, who, ACCOUNT, None)
        if who.by == "cookie" and not client.is_same_origin(asked.request, asked.parts.trusted):
            raise Problem(403, "forbidden_origin", "a change with a session cookie must come from a page of this host")
        own = who.account
        sharing.accept(registry, token, own.id)
    else:
        if account.is_known(asked, body.email):
            own = account.by_password(asked, body.email, body.password)
            sharing.accept(registry, token, own.id)
        else:
            own = sharing.accept_as_new(registry, token, body.email, body.password)
        headers = dict(account.signed_in(asked, own).headers)
    return Reply(Accepted(**dict(account.about(own)), site=held.site, role=held.role), headers)


def _shown(asked: AnyAsked, member: Member) -> SiteMember:
    known = asked.registry.state.account_by_id.get(member.account or "")
    invited = member.account is None
    return SiteMember(
        id=member.id,
        account=member.account,
        email=known.email if known else member.email,
        role=member.role,
        state="member" if not invited else "invited" if asked.now < member.expires else "expired",
        created_at=iso(member.created),
        expires_at=iso(member.expires) if invited else None,
    )
