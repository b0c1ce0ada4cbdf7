"""What commands that change the registry share: the registry itself, and whose it is."""

from api.registry.account import Account
from api.registry.store import Registry
from deploy import wiring
from deploy.folder import StackError
from deploy.settings import Settings
from ingest.contract.site import Site

_PATIENCE_SECONDS = 5.0


def registry(settings: Settings) -> Registry:
    """The registry, read. Raises StackError."""
    return wiring.patiently(settings, _PATIENCE_SECONDS, lambda: wiring.registry(settings))


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


def site(held: Registry, name: str) -> Site:
    """The living site with this id or tracking id. Raises StackError."""
    for found in held.state.site_by_id.values():
        if name in (found.id, found.tracking_id) and not found.deleted:
            return found
    raise StackError(f"there is no site {name}: throughline site list")
