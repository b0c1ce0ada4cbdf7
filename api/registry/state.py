"""The registry in memory: what all its rows up to one revision add up to."""

from typing import Annotated, TypeAlias, TypeVar

from pydantic import Field, TypeAdapter

from api.registry.account import RANK, Account, Key, Link, Member, Role
from ingest.contract.site import Site
from ingest.contract.snapshot import Poster, Snapshot

Entry: TypeAlias = Account | Key | Site | Member | Link
Some = TypeVar("Some", bound=Entry)

_entry: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


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
        self.member_by_id: dict[str, Member] = {}
        self.member_by_sha256: dict[str, Member] = {}  # invitations that are neither used nor withdrawn
        self.member_by_pair: dict[tuple[str, str], Member] = {}  # site, account; the latest to join
        self.link_by_id: dict[str, Link] = {}
        self.link_by_sha256: dict[str, Link] = {}

    def put(self, entry: Entry, revision: int) -> None:
        """Take in the entry of the next revision."""
        match entry:
            case Account():
                self.account_by_id[entry.id] = self.account_by_email[entry.email] = entry
            case Key():
                self.key_by_id[entry.id] = self.key_by_sha256[entry.sha256] = entry
            case Site():
                self.site_by_id[entry.id] = entry
            case Member():
                self._put_member(entry)
            case Link():
                self.link_by_id[entry.id] = self.link_by_sha256[entry.sha256] = entry
        self.revision = revision

    def _put_member(self, entry: Member) -> None:
        before = self.member_by_id.get(entry.id)
        if before is not None:
            self.member_by_sha256.pop(before.sha256, None)
        if entry.sha256 and not entry.ended:
            self.member_by_sha256[entry.sha256] = entry
        if entry.account is not None:
            self.member_by_pair[entry.site, entry.account] = entry
        self.member_by_id[entry.id] = entry

    def role(self, account: str, site: Site) -> Role | None:
        """What the account is on the site; None on a deleted one too."""
        if site.deleted:
            return None
        member = self.member_by_pair.get((site.id, account))
        if member is not None:
            return None if member.ended else member.role
        return "owner" if site.account == account else None

    def sites_of(self, account: str) -> list[Site]:
        """The sites on which the account has any role, the oldest first."""
        sites = [site for site in tuple(self.site_by_id.values()) if self.role(account, site) is not None]
        return sorted(sites, key=lambda site: site.created)

    def made_by(self, account: str) -> int:
        """How many living sites the account made, whoever owns them now."""
        return sum(site.account == account and not site.deleted for site in tuple(self.site_by_id.values()))

    def owners(self, site: Site) -> list[str]:
        """Accounts that own the site, and are there."""
        found = [each.account for each in self.members_of(site.id) if each.account and each.role == "owner"]
        if self.role(site.account, site) == "owner" and site.account not in found:
            found.append(site.account)
        return [account for account in found if account in self.account_by_id]

    def members_of(self, site: str) -> list[Member]:
        """Memberships and invitations that did not end, the oldest first; expired invitations too."""
        own = [each for each in tuple(self.member_by_id.values()) if each.site == site and not each.ended]
        return sorted(own, key=lambda each: each.created)

    def links_of(self, site: str) -> list[Link]:
        """The site's living share links, the oldest first."""
        own = [each for each in tuple(self.link_by_id.values()) if each.site == site and self._lives(each)]
        return sorted(own, key=lambda each: each.created)

    def link(self, sha256: str) -> Link | None:
        """The living link whose token has the hash."""
        found = self.link_by_sha256.get(sha256)
        return found if found is not None and self._lives(found) else None

    def _lives(self, link: Link) -> bool:
        """Nobody who was removed from a site leaves a door open."""
        site = self.site_by_id.get(link.site)
        if link.revoked or site is None or site.deleted:
            return False
        return not link.by or self.role(link.by, site) is not None

    def keys_of(self, account: str) -> list[Key]:
        """The account's keys that are not revoked, the oldest first."""
        keys = [key for key in tuple(self.key_by_id.values()) if key.account == account and not key.revoked]
        return sorted(keys, key=lambda key: key.created)

    def deleted_sites(self) -> list[str]:
        """Ids of all tombstones."""
        return [site.id for site in tuple(self.site_by_id.values()) if site.deleted]

    def snapshot(self) -> Snapshot:
        """What ingest and workers need to know: every site, deleted ones too, and which keys post for which."""
        keys = [key for key in tuple(self.key_by_id.values()) if key.scope == "ingest" and not key.revoked]
        posters = {key.sha256: Poster(key.id, self._posted_by(key)) for key in keys}
        return Snapshot(self.revision, tuple(self.site_by_id.values()), posters)

    def _posted_by(self, key: Key) -> frozenset[str]:
        """Sites that the key's account may change, within what the key is for."""
        own = [site for site in self.sites_of(key.account) if at_least(self.role(key.account, site), "editor")]
        return frozenset(site.id for site in own if key.site in (None, site.id))

    def used_ids(self) -> set[str]:
        """Every id that was ever used, by the deleted and revoked too."""
        reserved = {each.account for each in self.member_by_id.values() if each.account}
        return {
            *self.account_by_id,
            *self.key_by_id,
            *self.site_by_id,
            *self.member_by_id,
            *self.link_by_id,
            *reserved,
        }


def at_least(role: Role | None, least: Role) -> bool:
    """Whether the role may do what `least` may."""
    return role is not None and RANK[role] >= RANK[least]
