"""Every change of the registry, as a person means it. Each blocks until it is stored and in force in this process."""

import re
from collections.abc import Callable

from api.registry import secret
from api.registry.account import Account, Key, Role, Scope
from api.registry.domain import domain as one_spelling
from api.registry.refusal import Refusal
from api.registry.state import State, at_least
from api.registry.store import Registry
from ingest.contract.site import Site, SiteSettings
from ingest.contract.text import name as name_of

MAX_NAME = 100
MAX_KEYS = 100  # of an account, that are not revoked
MAX_SITES = 1_000  # that an account made, and that are not deleted
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


def create_account(registry: Registry, email: str, password: str, *, temporary: bool = False) -> Account:
    """A new account. Raises Refusal: invalid for an email or password of no use, conflict for one that exists."""
    return store_account(registry, usable_email(email), hashed(password, "password"), temporary=temporary)


def store_account(
    registry: Registry, email: str, password: str, *, temporary: bool = False, id_: str | None = None
) -> Account:
    """As `create_account`, of an email and a password as they are stored; `id_`: one that was set aside for it."""

    def make(state: State) -> Account:
        if email in state.account_by_email:
            raise email_taken()
        own, now = id_ or unused(state, 12), registry.now()
        return Account(id=own, email=email, password=password, created=now, temporary=temporary)

    return registry.change(make)


def change_password(
    registry: Registry, account: str, password: str, *, was: str | None = None, temporary: bool = False
) -> Account:
    """Another password for the account; all its sessions end.

    `was`: the hash of the one that was shown for it. Raises Refusal: invalid naming `new`, conflict if it is another by
    now.
    """
    stored = hashed(password, "new")

    def make(state: State) -> Account:
        held = state.account_by_id[account]
        if was is not None and held.password != was:
            raise Refusal("conflict", "the password was changed meanwhile", "old")
        return _next_epoch(held, {"password": stored, "temporary": temporary})

    return registry.change(make)


def end_sessions(registry: Registry, account: str) -> Account:
    """End every session of the account, in every process and at once."""
    return registry.change(lambda state: _next_epoch(state.account_by_id[account], {}))


def _next_epoch(account: Account, change: dict[str, object]) -> Account:
    return account.model_copy(update={"epoch": account.epoch + 1, **change})


def hashed(password: str, field: str) -> str:
    """A person's password as it is stored. Slow. Raises Refusal (invalid) naming `field`."""
    try:
        return secret.hash_password(password)
    except ValueError as error:
        raise Refusal("invalid", str(error), field) from None


def create_key(
    registry: Registry, account: str, name: str = "", scope: Scope = "manage", site: str | None = None
) -> tuple[Key, str]:
    """A new key of the account and the secret, which nobody can tell again.

    Raises Refusal: absent if there is no such account, forbidden for a site that the account does not own, conflict if
    it has too many keys.
    """
    text = secret.new_key()
    head, tail = secret.shown(text)
    title = one_name(name) if name else ""

    def make(state: State) -> Key:
        if account not in state.account_by_id:
            raise Refusal("absent", "no such account")
        if site is not None:
            site_of(state, account, site, "owner")
        if len(state.keys_of(account)) >= MAX_KEYS:
            raise Refusal("conflict", f"an account has at most {MAX_KEYS:,} keys: revoke one that is used no longer")
        return Key(
            id=unused(state, 12),
            account=account,
            sha256=secret.sha256(text),
            head=head,
            tail=tail,
            created=registry.now(),
            name=title,
            scope=scope,
            site=site,
        )

    return registry.change(make), text


def revoke_key(registry: Registry, account: str, key_id: str) -> None:
    """End a key for ever. Raises Refusal (absent) unless it is a living one of the account."""

    def make(state: State) -> Key:
        key = state.key_by_id.get(key_id)
        if key is None or key.account != account or key.revoked:
            raise Refusal("absent", "no such key")
        return key.model_copy(update={"revoked": True})

    registry.change(make)


def create_site(registry: Registry, account: str, name: str, domain: str) -> Site:
    """A new site of the account. Raises Refusal: invalid naming the field, conflict if it has the domain already, or
    too many sites.
    """
    title, host = one_name(name), _one_domain(domain)

    def make(state: State) -> Site:
        _refuse_taken(state, account, host, None)
        if state.made_by(account) >= MAX_SITES:
            raise Refusal("conflict", f"an account makes at most {MAX_SITES:,} sites")
        return Site(
            id=unused(state, 8),
            account=account,
            name=title,
            domain=host,
            tracking_id="site_" + secret.name(16),
            secret=secret.name(40),
            created=registry.now(),
        )

    return registry.change(make)


def change_site(
    registry: Registry,
    account: str,
    site_id: str,
    *,
    name: str | None = None,
    domain: str | None = None,
    settings: Callable[[SiteSettings], SiteSettings] | None = None,
) -> Site:
    """Change what is given of a site; `settings` makes the new ones of those in force when the change is stored.

    Raises Refusal as `create_site`, and forbidden unless the account is an editor of the site.
    """
    title = None if name is None else one_name(name)
    host = None if domain is None else _one_domain(domain)

    def make(state: State) -> Site:
        site = site_of(state, account, site_id, "editor")
        if host is not None:
            _refuse_taken(state, account, host, site)
        return site.model_copy(
            update={
                "name": title or site.name,
                "domain": host or site.domain,
                "settings": settings(site.settings) if settings else site.settings,
            }
        )

    return registry.change(make)


def delete_site(registry: Registry, account: str, site_id: str) -> Site:
    """Mark a site as deleted, for ever: the row stays as its tombstone. Raises Refusal (forbidden)."""
    return registry.change(lambda state: site_of(state, account, site_id, "owner").model_copy(update={"deleted": True}))


def site_of(state: State, account: str, site_id: str, least: Role) -> Site:
    """The living site of this id on which the account is at least that.

    Raises Refusal (forbidden): the same one for a site of others, a deleted one and none.
    """
    site = state.site_by_id.get(site_id)
    role = None if site is None else state.role(account, site)
    if site is None or role is None:
        raise forbidden()
    if not at_least(role, least):
        raise Refusal("forbidden", f"your role on this site, {role}, does not allow this")
    return site


def forbidden() -> Refusal:
    """Forbidden, word by word the same whether the thing exists or not."""
    return Refusal("forbidden", "this is not yours, or does not exist")


def email_taken() -> Refusal:
    """A conflict."""
    return Refusal("conflict", "an account with this email exists", "email")


def usable_email(text: str) -> str:
    """An email address as it is stored. Raises Refusal (invalid) naming `email`."""
    address = one_email(text)
    if not _EMAIL.fullmatch(address):
        raise Refusal("invalid", "not an email address", "email")
    return address


def one_email(text: str) -> str:
    """An email address as it is stored and looked up."""
    return text.strip().lower()


def one_name(text: str) -> str:
    """A name for people, trimmed, inner white space one space. Raises Refusal (invalid) naming `name`."""
    try:
        return name_of(text, MAX_NAME)
    except ValueError as error:
        raise Refusal("invalid", str(error), "name") from None


def _one_domain(text: str) -> str:
    try:
        return one_spelling(text)
    except ValueError as error:
        raise Refusal("invalid", str(error), "domain") from None


def _refuse_taken(state: State, account: str, host: str, by: Site | None) -> None:
    """Within what one account made; of that, nobody is told of what they do not see."""
    whose, own = (by.account, by.id) if by else (account, "")
    if any(site.domain == host and site.id != own and site.account == whose for site in state.sites_of(account)):
        raise Refusal("conflict", "the account has a site of this domain already", "domain")


def unused(state: State, length: int) -> str:
    """An id that was never used."""
    used = state.used_ids()
    while (found := secret.name(length)) in used:
        continue
    return found
