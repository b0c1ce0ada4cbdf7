"""What commands that change the registry share: the registry itself, and whose it is."""

import re

from api.registry.account import Account
from api.registry.store import Registry
from deploy import wiring
from deploy.folder import StackError
from deploy.patience import patiently
from deploy.settings import Settings
from ingest.contract.site import Site

_PATIENCE_SECONDS = 5.0


def registry(settings: Settings) -> Registry:
    """The registry, read. Raises StackError."""
    return patiently(settings, _PATIENCE_SECONDS, lambda: wiring.registry(settings))


def account(held: Registry, email: str | None) -> Account:
    """The account meant. Raises StackError when that is unclear."""
    accounts = list(held.state.account_by_id.values())
    if email is not None:
        found = held.state.account_by_email.get(email.strip().lower())
        if found is None:
            raise StackError(f"there is no account {email}")
        return found
    if not accounts:
        raise StackError("there is no account yet: throughline account create EMAIL")
    if len(accounts) > 1:
        raise StackError("there are several accounts: name one with --account EMAIL")
    return accounts[0]


def visitor(held: Registry, name: str) -> tuple[Site, str]:
    """The living site of a visitor's public id, and the visitor within it. Raises StackError."""
    site_id, _, own = name.partition("-")
    if not re.fullmatch("[0-9a-f]{16}", own):
        raise StackError(f"{name} is not the id of a visitor, which is like k3v9x1c7-0123456789abcdef")
    return site(held, site_id), own


def site(held: Registry, name: str) -> Site:
    """The living site with this id or tracking id. Raises StackError."""
    for found in held.state.site_by_id.values():
        if name in (found.id, found.tracking_id) and not found.deleted:
            return found
    raise StackError(f"there is no site {name}: throughline site list")
