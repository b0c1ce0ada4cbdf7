"""Changes of who else sees a site: invitations, members and share links. Each blocks until it is stored."""

from api.registry import secret
from api.registry.account import Account, Link, Member, Role
from api.registry.change import email_taken, hashed, one_name, site_of, store_account, unused, usable_email
from api.registry.refusal import Refusal
from api.registry.state import State
from api.registry.store import Registry

INVITATION_MS = 7 * 86_400_000
MAX_OF_A_SITE = 200  # members and open invitations; links


def invite(registry: Registry, by: str, site_id: str, role: Role, email: str) -> tuple[Member, str]:
    """An invitation to the site, and the token of its link. Raises Refusal: invalid, forbidden, conflict if there are
    too many.
    """
    text = secret.new_token()
    meant = usable_email(email) if email else ""

    def make(state: State) -> Member:
        site_of(state, by, site_id, "owner")
        now = registry.now()
        if sum(each.account is not None or each.expires > now for each in state.members_of(site_id)) >= MAX_OF_A_SITE:
            raise Refusal("conflict", f"a site has at most {MAX_OF_A_SITE} members")
        return Member(
            id=unused(state, 12),
            site=site_id,
            role=role,
            created=now,
            by=by,
            email=meant,
            sha256=secret.sha256(text),
            expires=now + INVITATION_MS,
        )

    return registry.change(make), text


def invitation(state: State, token: str, now: int) -> Member:
    """The open invitation of the token. Raises Refusal (absent): used, expired, withdrawn, or never one.

    Who invited must still own the site: nobody who was removed leaves a door open.
    """
    found = state.member_by_sha256.get(secret.sha256(token))
    site = state.site_by_id.get(found.site) if found else None
    if found is None or site is None or now >= found.expires:
        raise Refusal("absent", "this invitation was used, withdrawn or has expired")
    if state.role(found.by, site) != "owner":
        raise Refusal("absent", "this invitation was used, withdrawn or has expired")
    return found


def accept(registry: Registry, token: str, account: str) -> Member:
    """The account is a member from now on; the invitation is used. Raises Refusal: absent, conflict if it is one."""

    def make(state: State) -> Member:
        if account not in state.account_by_id:
            raise Refusal("absent", "no such account")
        return _joined(registry, state, token, account)

    return registry.change(make)


def accept_as_new(registry: Registry, token: str, email: str, password: str) -> Account:
    """A new account that is a member. Raises Refusal: invalid, absent, conflict.

    The invitation is used before the account is made, so that of two at once one makes none.
    """
    address = usable_email(email)
    invitation(registry.state, token, registry.now())
    stored = hashed(password, "password")

    def make(state: State) -> Member:
        if address in state.account_by_email:
            raise email_taken()
        return _joined(registry, state, token, unused(state, 12))

    joined = registry.change(make)
    return store_account(registry, address, stored, id_=joined.account)


def _joined(registry: Registry, state: State, token: str, account: str) -> Member:
    held = invitation(state, token, registry.now())
    if state.role(account, state.site_by_id[held.site]) is not None:
        raise Refusal("conflict", "you are a member of this site already")
    return held.model_copy(update={"account": account, "sha256": "", "joined": registry.now()})


def remove(registry: Registry, by: str, site_id: str, member_id: str) -> Member:
    """End a membership, or withdraw an invitation; `member_id` may be that of the account too.

    Raises Refusal: forbidden, absent, conflict for the last owner.
    """

    def make(state: State) -> Member:
        site = site_of(state, by, site_id, "owner")
        found = next((each for each in state.members_of(site_id) if member_id in (each.id, each.account)), None)
        if found is None:
            if member_id != site.account or state.role(member_id, site) != "owner":
                raise Refusal("absent", "the site has no such member")
            created = registry.now()
            found = Member(id=unused(state, 12), site=site_id, role="owner", created=created, account=member_id)
        if found.role == "owner" and found.account and state.owners(site) == [found.account]:
            raise Refusal("conflict", "a site keeps at least one owner")
        return found.model_copy(update={"ended": True, "sha256": ""})

    return registry.change(make)


def add_link(
    registry: Registry, by: str, site_id: str, name: str, password: str | None, embed: bool
) -> tuple[Link, str]:
    """A share link, and its token. Slow with a password. Raises Refusal: invalid, forbidden, conflict if there are too
    many.
    """
    text, title = secret.new_token(), one_name(name)
    stored = secret.hash_any(password) if password else None

    def make(state: State) -> Link:
        site_of(state, by, site_id, "editor")
        if len(state.links_of(site_id)) >= MAX_OF_A_SITE:
            raise Refusal("conflict", f"a site has at most {MAX_OF_A_SITE} share links")
        return Link(
            id=unused(state, 12),
            site=site_id,
            name=title,
            sha256=secret.sha256(text),
            created=registry.now(),
            password=stored,
            embed=embed,
            by=by,
        )

    return registry.change(make), text


def revoke_link(registry: Registry, by: str, site_id: str, link_id: str) -> None:
    """End a share link for ever. Raises Refusal: forbidden, absent."""

    def make(state: State) -> Link:
        site_of(state, by, site_id, "editor")
        found = state.link_by_id.get(link_id)
        if found is None or found.site != site_id or found.revoked:
            raise Refusal("absent", "the site has no such link")
        return found.model_copy(update={"revoked": True})

    registry.change(make)
