"""Every change of the registry, as a person means it. Each blocks until it is stored and in force in this process."""

import re
from collections.abc import Callable

from api.problem import Problem, invalid
from api.registry import secret
from api.registry.account import Account, Key
from api.registry.domain import domain as one_spelling
from api.registry.state import State
from api.registry.store import Registry
from ingest.contract.site import Site, SiteSettings
from ingest.contract.text import name as name_of

MAX_NAME = 100
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")


def create_account(registry: Registry, email: str, password: str) -> Account:
    """A new account. Raises Problem: 400 for an email or password of no use, 409 for one that exists."""
    address = one_email(email)
    if not _EMAIL.fullmatch(address):
        raise invalid("email", "not an email address")
    try:
        hashed = secret.hash_password(password)
    except ValueError as error:
        raise invalid("password", str(error)) from None

    def make(state: State) -> Account:
        if address in state.account_by_email:
            raise Problem(409, "conflict", "an account with this email exists", "email")
        return Account(id=_unused(state, 12), email=address, password=hashed, created=registry.now())

    return registry.change(make)


def create_key(registry: Registry, account: str) -> tuple[Key, str]:
    """A new key of the account and the secret, which nobody can tell again. Raises Problem (404: no such account)."""
    text = secret.new_key()
    head, tail = secret.shown(text)

    def make(state: State) -> Key:
        if account not in state.account_by_id:
            raise Problem(404, "not_found", "no such account")
        return Key(
            id=_unused(state, 12),
            account=account,
            sha256=secret.sha256(text),
            head=head,
            tail=tail,
            created=registry.now(),
        )

    return registry.change(make), text


def revoke_key(registry: Registry, account: str, key_id: str) -> None:
    """End a key for ever. Raises Problem (404) unless it is a living one of the account."""

    def make(state: State) -> Key:
        key = state.key_by_id.get(key_id)
        if key is None or key.account != account or key.revoked:
            raise Problem(404, "not_found", "no such key")
        return key.model_copy(update={"revoked": True})

    registry.change(make)


def create_site(registry: Registry, account: str, name: str, domain: str) -> Site:
    """A new site of the account. Raises Problem: 400 naming the field, 409 if the account has the domain already."""
    title, host = one_name(name), _one_domain(domain)

    def make(state: State) -> Site:
        _refuse_taken(state, account, host, None)
        return Site(
            id=_unused(state, 8),
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

    Raises Problem as `create_site`, and 403 if the site is none of the account's.
    """
    title = None if name is None else one_name(name)
    host = None if domain is None else _one_domain(domain)

    def make(state: State) -> Site:
        site = owned(state, account, site_id)
        if host is not None:
            _refuse_taken(state, account, host, site_id)
        return site.model_copy(
            update={
                "name": title or site.name,
                "domain": host or site.domain,
                "settings": settings(site.settings) if settings else site.settings,
            }
        )

    return registry.change(make)


def delete_site(registry: Registry, account: str, site_id: str) -> Site:
    """Mark a site as deleted, for ever: the row stays as its tombstone. Raises Problem (403)."""
    return registry.change(lambda state: owned(state, account, site_id).model_copy(update={"deleted": True}))


def owned(state: State, account: str, site_id: str) -> Site:
    """The account's living site of this id. Raises the same Problem (403) for one of others, a deleted one and none."""
    site = state.site_by_id.get(site_id)
    if site is None or site.account != account or site.deleted:
        raise forbidden()
    return site


def forbidden() -> Problem:
    """403, word by word the same whether the thing exists or not."""
    return Problem(403, "forbidden", "this is not yours, or does not exist")


def one_email(text: str) -> str:
    """An email address as it is stored and looked up."""
    return text.strip().lower()


def one_name(text: str) -> str:
    """A site's name, trimmed, inner white space one space. Raises Problem (400) naming `name`."""
    try:
        return name_of(text, MAX_NAME)
    except ValueError as error:
        raise invalid("name", str(error)) from None


def _one_domain(text: str) -> str:
    try:
        return one_spelling(text)
    except ValueError as error:
        raise invalid("domain", str(error)) from None


def _refuse_taken(state: State, account: str, host: str, by: str | None) -> None:
    if any(site.domain == host and site.id != by for site in state.sites_of(account)):
        raise Problem(409, "conflict", "the account has a site of this domain already", "domain")


def _unused(state: State, length: int) -> str:
    used = state.used_ids()
    while (found := secret.name(length)) in used:
        continue
    return found
