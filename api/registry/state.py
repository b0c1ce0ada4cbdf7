"""The registry in memory: what all its rows up to one revision add up to."""

from typing import TypeAlias, TypeVar

from pydantic import TypeAdapter

from api.registry.account import Account, Key
from ingest.contract.site import Site
from ingest.contract.snapshot import Snapshot

Entry: TypeAlias = Account | Key | Site
Some = TypeVar("Some", bound=Entry)

_entry: TypeAdapter[Account | Key | Site] = TypeAdapter(Entry)


def read(body: str, revision: int) -> Entry:
    """The entry that a row's body holds; a site knows its revision."""
    return numbered(_entry.validate_json(body), revision)


def numbered(entry: Some, revision: int) -> Some:
    """The entry as it is once stored at the revision."""
    return entry.model_copy(update={"revision": revision}) if isinstance(entry, Site) else entry


class State:
    """The latest entry of every id. Changed only by `put`; readers on other threads see an entry before or after it."""

    def __init__(self) -> None:
        self.revision = 0
        self.account_by_id: dict[str, Account] = {}
        self.account_by_email: dict[str, Account] = {}
        self.key_by_id: dict[str, Key] = {}
        self.key_by_sha256: dict[str, Key] = {}
        self.site_by_id: dict[str, Site] = {}

    def put(self, entry: Entry, revision: int) -> None:
        """Take in the entry of the next revision."""
        match entry:
            case Account():
                self.account_by_id[entry.id] = self.account_by_email[entry.email] = entry
            case Key():
                self.key_by_id[entry.id] = self.key_by_sha256[entry.sha256] = entry
            case Site():
                self.site_by_id[entry.id] = entry
        self.revision = revision

    def sites_of(self, account: str) -> list[Site]:
        """The account's sites that are not deleted, the oldest first."""
        sites = [site for site in tuple(self.site_by_id.values()) if site.account == account and not site.deleted]
        return sorted(sites, key=lambda site: site.created)

    def keys_of(self, account: str) -> list[Key]:
        """The account's keys that are not revoked, the oldest first."""
        keys = [key for key in tuple(self.key_by_id.values()) if key.account == account and not key.revoked]
        return sorted(keys, key=lambda key: key.created)

    def deleted_sites(self) -> list[str]:
        """Ids of all tombstones."""
        return [site.id for site in tuple(self.site_by_id.values()) if site.deleted]

    def snapshot(self) -> Snapshot:
        """What ingest and workers need to know: every site, deleted ones too."""
        return Snapshot(self.revision, tuple(self.site_by_id.values()))

    def used_ids(self) -> set[str]:
        """Every id that was ever used, by the deleted and revoked too."""
        return {*self.account_by_id, *self.key_by_id, *self.site_by_id}
