"""Signing in and out, the password, and the account's keys."""

from pydantic import BaseModel, Field
from starlette.requests import Request

from api import client, signin, uses
from api.body import NewKey as KeyAsked
from api.body import NewPassword, SignIn
from api.endpoint import AnyAsked, Asked, Reply
from api.parameter import Nothing
from api.problem import Problem
from api.registry import change
from api.registry.account import Account, Key, Role, Scope
from api.registry.secret import is_password
from api.span import iso


class Me(BaseModel):
    """An account, as its owner sees it."""

    id: str
    email: str
    must_change_password: bool = Field(description="A machine made the password: its owner should choose another.")


class Whoami(Me):
    """Who asks, and as what."""

    roles: dict[str, Role] = Field(description="By the id of each site that the caller may see.")


class MaskedKey(BaseModel):
    """A key by its name and its first and last four characters; nobody can tell the rest."""

    id: str
    name: str
    masked: str = Field(examples=["sk_k3j9…Zq0w"])
    scope: Scope
    site: str | None = Field(description="Id of the one site that it is good for; null: all of the account.")
    created_at: str
    last_used_at: str | None = Field(description="The day, in UTC.", examples=["2026-05-17"])


class NewKey(MaskedKey):
    """A new key; `key` is shown this once."""

    key: str


def login(asked: Asked[Nothing, SignIn]) -> Reply[Me]:
    """Begin a session; whatever session the browser had before is over."""
    account = by_password(asked, asked.body.email, asked.body.password)
    signin.end(asked.parts.redis, cookie(asked.request))
    return signed_in(asked, account)


def by_password(asked: AnyAsked, email: str, password: str) -> Account:
    """The account that has both. Raises Problem: 401, 429 for who guesses."""
    redis, address = asked.parts.redis, client.address(asked.request, asked.parts.trusted)
    email = change.one_email(email)
    account = asked.registry.state.account_by_email.get(email)
    held = account.password if account else None
    signin.count_guess(redis, email, held, address)
    if not is_password(password, held) or account is None:
        raise Problem(401, "wrong_password", "no account has this email and password")
    signin.forgive(redis, email, account.password, address)
    return account


def signed_in(asked: AnyAsked, account: Account) -> Reply[Me]:
    """A new session of the account."""
    token = signin.start(asked.parts.redis, account)
    return Reply(about(account), set_cookie(asked, token, signin.SESSION_SECONDS))


def logout(asked: Asked) -> Reply[None]:
    """End the session of the cookie, if there is one."""
    signin.end(asked.parts.redis, cookie(asked.request))
    return Reply(None, set_cookie(asked, "", 0))


def me(asked: Asked) -> Whoami:
    """Who asks."""
    state, account = asked.registry.state, asked.caller
    roles = {site.id: role for site in asked.who.sites(state) if (role := state.role(account.id, site))}
    return Whoami(**dict(about(account)), roles=roles)


def password(asked: Asked[Nothing, NewPassword]) -> Reply[None]:
    """Another password: every other session of the account ends, and this one goes on under another token."""
    redis, account, body = asked.parts.redis, asked.caller, asked.body
    address = client.address(asked.request, asked.parts.trusted)
    signin.count_guess(redis, account.email, account.password, address)
    if not is_password(body.old, account.password):
        raise Problem(400, "wrong_password", "this is not the password", "old")
    if body.new == body.old:
        raise Problem(400, "invalid_parameter", "must be another than the old one", "new")
    changed = change.change_password(asked.registry, account.id, body.new, was=account.password)
    signin.forgive(redis, changed.email, changed.password, address)
    signin.end(redis, cookie(asked.request))
    if asked.who.by != "cookie":
        return Reply(None)
    return Reply(None, set_cookie(asked, signin.start(redis, changed), signin.SESSION_SECONDS))


def sign_out_everywhere(asked: Asked) -> Reply[None]:
    """End every session of the account, this one too; keys go on."""
    change.end_sessions(asked.registry, asked.caller.id)
    return Reply(None, set_cookie(asked, "", 0))


def keys(asked: Asked) -> list[MaskedKey]:
    """The account's living keys, the oldest first."""
    own = asked.registry.state.keys_of(asked.caller.id)
    days = uses.last_used(asked.parts.redis, [key.id for key in own])
    return [_shown(key, days.get(key.id)) for key in own]


def add_key(asked: Asked[Nothing, KeyAsked]) -> NewKey:
    """A new key of the account."""
    body = asked.body
    key, text = change.create_key(asked.registry, asked.caller.id, body.name, body.scope, body.site)
    return NewKey(**dict(_shown(key, None)), key=text)


def revoke_key(asked: Asked) -> None:
    """End the key of the path."""
    change.revoke_key(asked.registry, asked.caller.id, asked.request.path_params["key_id"])


def cookie(request: Request) -> str:
    """The session token that the browser sent, or ""."""
    return request.cookies.get(signin.COOKIE, "")


def set_cookie(asked: AnyAsked, token: str, seconds: int) -> dict[str, str]:
    """The header that gives the browser the token, or takes it away with 0 seconds."""
    secure = "; Secure" if client.is_secure(asked.request, asked.parts.trusted) else ""
    value = f"{signin.COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return {"Set-Cookie": value}


def is_known(asked: AnyAsked, email: str) -> bool:
    """Whether an account has the email."""
    return change.one_email(email) in asked.registry.state.account_by_email


def about(account: Account) -> Me:
    """The account, to its owner."""
    return Me(id=account.id, email=account.email, must_change_password=account.temporary)


def _shown(key: Key, last_used: str | None) -> MaskedKey:
    return MaskedKey(
        id=key.id,
        name=key.name,
        masked=key.masked,
        scope=key.scope,
        site=key.site,
        created_at=iso(key.created),
        last_used_at=last_used,
    )
