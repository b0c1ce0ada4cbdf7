"""An account and its API keys, as the registry stores them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Account(BaseModel):
    """Owns sites and keys; `password` is an argon2id hash, `email` lower case."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["account"] = "account"
    id: str
    email: str
    password: str
    created: int  # ms


class Key(BaseModel):
    """One API key: its SHA-256 (hex) and what people recognise it by, its first and last characters."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["key"] = "key"
    id: str
    account: str
    sha256: str
    head: str
    tail: str
    created: int  # ms
    revoked: bool = False

    @property
    def masked(self) -> str:
        return f"{self.head}…{self.tail}"
