"""Who asks: the account behind a bearer key or a session cookie, or whoever has a share link."""

import hmac
from dataclasses import dataclass
from typing import Literal

from redis import Redis
from starlette.requests import Request

from api import signin
from api.problem import Problem, unavailable
from api.registry import secret
from api.registry.account import Account, Key, Link
from api.registry.state import State
from api.registry.store import Registry
from ingest.contract.site import Site

_OPENED = b"throughline share link"


@dataclass(frozen=True)
class Caller:
    """How somebody showed who they are: as an account, by a `key` of it or the cookie, or by a share link only."""

    given_account: Account | None
    by: Literal["key", "cookie", "link"]
    key: Key | None = None
    link: Link | None = None

    @property
    def account(self) -> Account:
        """Whoever has only a link has none; asking is a bug."""
        assert self.given_account is not None  # noqa: S101
        return self.given_account

    @property
    def name(self) -> str:
        """Of all callers who see the same."""
        if self.link is not None:
            return f"link {self.link.id}"
        return self.account.id if self.key is None or self.key.site is None else f"{self.account.id} {self.key.site}"

    def sites(self, state: State) -> list[Site]:
        """The sites that the caller may see, the oldest first."""
        if self.link is not None:
            return [state.site_by_id[self.link.site]]
        own = state.sites_of(self.account.id)
        return own if self.key is None or self.key.site is None else [site for site in own if site.id == self.key.site]


def caller(request: Request, registry: Registry, redis: Redis) -> Caller:
    """Who sent the request. Raises Problem (401; 503 before the registry was read). Blocks on Redis for a cookie only.

    A key that is given decides alone: a wrong one is not saved by a cookie.
    """
    if not registry.loaded:
        raise unavailable("accounts and keys are not read yet")
    if "authorization" in request.headers:
        found = _by_bearer(request.headers["authorization"], registry.state)
    else:
        found = _by_cookie(request, registry.state, redis)
    if found is None:
        raise Problem(
            401, "unauthorized", "a valid API key or session is needed", headers={"WWW-Authenticate": "Bearer"}
        )
    return found


def opened(link: Link, token: str) -> str:
    """What whoever knows the link's token, and its password if it has one, asks with: over when the link is."""
    return token if link.password is None else f"{token}.{_proof(link.password, token)}"


def _proof(password_hash: str, token: str) -> str:
    # Only the server can know the hash, whose salt is random: nothing has to be kept of who gave the password.
    return hmac.digest(password_hash.encode(), _OPENED + token.encode(errors="surrogatepass"), "sha256").hex()


def _by_bearer(header: str, state: State) -> Caller | None:
    scheme, _, given = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    token, _, proof = given.strip().partition(".")
    digest = secret.sha256(token)
    key = state.key_by_sha256.get(digest)
    if key is not None and not proof and not key.revoked and hmac.compare_digest(key.sha256, digest):
        account = state.account_by_id.get(key.account)
        return None if account is None else Caller(account, "key", key)
    link = state.link(digest)
    if link is None or not hmac.compare_digest(link.sha256, digest):
        return None
    good = hmac.compare_digest(opened(link, token).encode(), given.strip().encode())  # as text it must be ASCII
    return Caller(None, "link", link=link) if good else None


def _by_cookie(request: Request, state: State, redis: Redis) -> Caller | None:
    token = request.cookies.get(signin.COOKIE, "")
    held = signin.session(redis, token) if token else None
    account = state.account_by_id.get(held.account) if held else None
    return None if account is None or held is None or held.epoch != account.epoch else Caller(account, "cookie")
