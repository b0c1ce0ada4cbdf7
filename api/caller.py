"""Who asks: the account behind a bearer key or a session cookie."""

import hmac
from typing import Literal, NamedTuple

from redis import Redis
from starlette.requests import Request

from api import signin
from api.problem import Problem, unavailable
from api.registry import secret
from api.registry.account import Account
from api.registry.store import Registry


class Caller(NamedTuple):
    """An account, and how it showed who it is."""

    account: Account
    by: Literal["key", "cookie"]


def caller(request: Request, registry: Registry, redis: Redis) -> Caller:
    """Who sent the request. Raises Problem (401; 503 before the registry was read). Blocks on Redis for a cookie only.

    A key that is given decides alone: a wrong one is not saved by a cookie.
    """
    if not registry.loaded:
        raise unavailable("accounts and keys are not read yet")
    if "authorization" in request.headers:
        account = _by_key(request.headers["authorization"], registry)
        by: Literal["key", "cookie"] = "key"
    else:
        account, by = _by_cookie(request, registry, redis), "cookie"
    if account is None:
        raise Problem(
            401, "unauthorized", "a valid API key or session is needed", headers={"WWW-Authenticate": "Bearer"}
        )
    return Caller(account, by)


def _by_key(header: str, registry: Registry) -> Account | None:
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    digest = secret.sha256(token.strip())
    key = registry.state.key_by_sha256.get(digest)
    if key is None or key.revoked or not hmac.compare_digest(key.sha256, digest):
        return None
    return registry.state.account_by_id.get(key.account)


def _by_cookie(request: Request, registry: Registry, redis: Redis) -> Account | None:
    token = request.cookies.get(signin.COOKIE, "")
    account = signin.account_of(redis, token) if token else None
    return registry.state.account_by_id.get(account) if account else None
