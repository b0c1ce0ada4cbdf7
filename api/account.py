"""Signing in and out, and the account's keys."""

from pydantic import BaseModel, Field
from starlette.requests import Request

from api import client, signin
from api.body import SignIn
from api.endpoint import Asked, Reply
from api.problem import Problem
from api.registry import change
from api.registry.account import Key
from api.registry.secret import is_password
from api.span import iso


class Me(BaseModel):
    """An account, as its owner sees it."""

    id: str
    email: str


class MaskedKey(BaseModel):
    """A key by its first and last four characters; nobody can tell the rest."""

    id: str
    masked: str = Field(examples=["sk_k3j9…Zq0w"])
    created_at: str


class NewKey(MaskedKey):
    """A new key; `key` is shown this once."""

    key: str


def login(asked: Asked) -> Reply:
    """Begin a session; whatever session the browser had before is over."""
    body: SignIn = asked.body
    redis = asked.parts.redis
    email = change.one_email(body.email)
    address = client.address(asked.request, asked.parts.trusted)
    account = asked.registry.state.account_by_email.get(email)
    signin.count_guess(redis, email, account, address)
    if not is_password(body.password, account.password if account else None) or account is None:
        raise Problem(401, "wrong_password", "no account has this email and password")
    signin.forgive(redis, email, account, address)
    signin.end(redis, cookie(asked.request))
    token = signin.start(redis, account.id)
    return Reply(Me(id=account.id, email=account.email), {"Set-Cookie": _cookie(asked, token, signin.SESSION_SECONDS)})


def logout(asked: Asked) -> Reply:
    """End the session of the cookie, if there is one."""
    signin.end(asked.parts.redis, cookie(asked.request))
    return Reply(None, {"Set-Cookie": _cookie(asked, "", 0)})


def me(asked: Asked) -> Me:
    """Who asks."""
    return Me(id=asked.caller.id, email=asked.caller.email)


def keys(asked: Asked) -> list[MaskedKey]:
    """The account's living keys, the oldest first."""
    return [MaskedKey(**_shown(key)) for key in asked.registry.state.keys_of(asked.caller.id)]


def add_key(asked: Asked) -> NewKey:
    """A new key of the account."""
    key, text = change.create_key(asked.registry, asked.caller.id)
    return NewKey(**_shown(key), key=text)


def revoke_key(asked: Asked) -> None:
    """End the key of the path."""
    change.revoke_key(asked.registry, asked.caller.id, asked.request.path_params["key_id"])


def cookie(request: Request) -> str:
    """The session token that the browser sent, or ""."""
    return request.cookies.get(signin.COOKIE, "")


def _shown(key: Key) -> dict[str, str]:
    return {"id": key.id, "masked": key.masked, "created_at": iso(key.created)}


def _cookie(asked: Asked, token: str, seconds: int) -> str:
    secure = "; Secure" if client.is_secure(asked.request, asked.parts.trusted) else ""
    return f"{signin.COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
