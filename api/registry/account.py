"""Accounts and what they are let in by, as the registry stores them. Every secret is here only as its hash."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Role: TypeAlias = Literal["owner", "editor", "viewer"]
Scope: TypeAlias = Literal["read", "manage", "ingest"]

RANK: dict[Role, int] = {"viewer": 1, "editor": 2, "owner": 3}


class Account(BaseModel):
    """Owns sites and keys; `password` is an argon2id hash, `email` lower case.

    `epoch` grows when all sessions end: those that began under an earlier one are over. `temporary`: a machine made the
    password, and its owner is asked for another.
    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["account"] = "account"
    id: str
    email: str
    password: str
    created: int  # ms
    epoch: int = 0
    temporary: bool = False


class Key(BaseModel):
    """One API key: its SHA-256 (hex) and what people recognise it by: name, first and last characters.

    It may do what its account may, within `scope` and, if it has one, on `site` alone.
    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["key"] = "key"
    id: str
    account: str
    sha256: str
    head: str
    tail: str
    created: int  # ms
    name: str = ""
    scope: Scope = "manage"  # what keys could do before they had one
    site: str | None = None
    revoked: bool = False

    @property
    def masked(self) -> str:
        return f"{self.head}…{self.tail}"


class Member(BaseModel):
    """An invitation to a site, and from its acceptance on a membership: one row, so that it is accepted once.

    `sha256` is of the link's token, "" once it is used; `email` says whom it was meant for. The account that made a
    site is its owner without such an entry, until one says otherwise.
    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["member"] = "member"
    id: str
    site: str
    role: Role
    created: int  # ms
    by: str = ""  # the account that invited
    email: str = ""
    sha256: str = ""
    expires: int = 0  # ms; of the invitation
    account: str | None = None
    joined: int = 0  # ms
    ended: bool = False


class Link(BaseModel):
    """A share link: whoever has it reads one site's answers, while the account that made it (`by`; earlier versions did
    not note it) is a member of the site. `password`: an argon2id hash.
    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["link"] = "link"
    id: str
    site: str
    name: str
    sha256: str
    created: int  # ms
    password: str | None = None
    embed: bool = False
    by: str = ""
    revoked: bool = False
