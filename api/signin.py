"""Signing in to the pages: sessions behind a cookie, and slowness for who guesses passwords. Blocks on Redis."""

import hashlib
import math
import secrets
from contextlib import suppress
from ipaddress import IPv6Address, ip_address

from redis import Redis

from api.problem import Problem
from api.registry.secret import sha256

COOKIE = "throughline_session"
SESSION_SECONDS = 14 * 86_400

_SESSION = "throughline:session:"
_GUESS = "throughline:guess:"
GUESS_SECONDS = 15 * 60
GUESSES_AN_ACCOUNT = 10
GUESSES_AN_ADDRESS = 50  # many people may share one


def start(redis: Redis, account: str) -> str:
    """Begin a session of the account; returns its token, which Redis holds only as a hash."""
    token = secrets.token_urlsafe(32)
    redis.set(_SESSION + sha256(token), account, ex=SESSION_SECONDS)
    return token


def account_of(redis: Redis, token: str) -> str | None:
    """The account that is signed in by this token."""
    found = redis.get(_SESSION + sha256(token))
    return found.decode() if isinstance(found, bytes) else found


def end(redis: Redis, token: str) -> None:
    """End the session for ever; no session is no error."""
    redis.delete(_SESSION + sha256(token))


def count_guess(redis: Redis, email: str, address: str) -> None:
    """Count an attempt before it is checked, so that many at once are counted too. Raises Problem (429)."""
    for key, limit in _limits(email, address):
        with redis.pipeline() as pipe:
            pipe.set(key, 0, ex=GUESS_SECONDS, nx=True)
            pipe.incr(key)
            pipe.pttl(key)
            _, attempts, ttl_ms = pipe.execute()
        if attempts > limit:
            seconds = max(1, math.ceil(ttl_ms / 1000))
            message = "too many attempts to sign in; try again later"
            raise Problem(429, "too_many_attempts", message, headers={"Retry-After": str(seconds)})


def forgive(redis: Redis, email: str, address: str) -> None:
    """Forget the attempts on the account after one that was right; those of the address stay."""
    _, (key, _) = _limits(email, address)
    redis.delete(key)


def _limits(email: str, address: str) -> list[tuple[str, int]]:
    # The address first: one that is over its limit makes no further keys, whatever emails it names.
    named = (("address", _network(address), GUESSES_AN_ADDRESS), ("account", email, GUESSES_AN_ACCOUNT))
    # Hashed: neither what was typed in as email nor an address belongs into a store.
    return [
        (f"{_GUESS}{kind}:{hashlib.blake2b(text.encode(errors='replace'), digest_size=16).hexdigest()}", limit)
        for kind, text, limit in named
    ]


def _network(address: str) -> str:
    """What counts as one address: of IPv6 a /64, since one host owns all of that."""
    with suppress(ValueError):
        found = ip_address(address)
        if isinstance(found, IPv6Address) and not found.ipv4_mapped:
            return found.packed[:8].hex()
    return address
