"""Signing in to the pages: sessions behind a cookie, and slowness for who guesses passwords. Blocks on Redis."""

import hashlib
import math
import secrets
from typing import NamedTuple

from redis import Redis

from api.problem import Problem
from api.registry.account import Account
from api.registry.secret import sha256
from ingest.contract.address import Address, bucket

COOKIE = "throughline_session"
SESSION_SECONDS = 14 * 86_400

_SESSION = "throughline:session:"
_GUESS = "throughline:guess:"
GUESS_SECONDS = 15 * 60
GUESSES_AN_ADDRESS = 50  # many people may share one
GUESSES_AN_ACCOUNT = 10  # from one address
GUESSES_OF_STRANGERS = 100  # of an account's password, from all addresses that never signed in to it

# One that ended meanwhile is not begun without an end.
_TAKE_BACK = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('DECR', KEYS[1]) or 0"

_KNOWN = "throughline:known:"
KNOWN_SECONDS = 90 * 86_400


class Session(NamedTuple):
    """Whose it is, and the account's epoch when it began."""

    account: str
    epoch: int


def start(redis: Redis, account: Account) -> str:
    """Begin a session of the account as it was when it showed its password; returns the token, of which Redis holds
    only a hash.
    """
    token = secrets.token_urlsafe(32)
    redis.set(_SESSION + sha256(token), f"{account.id} {account.epoch}", ex=SESSION_SECONDS)
    return token


def session(redis: Redis, token: str) -> Session | None:
    """The session of this token. It is over if the account's epoch is another."""
    found = redis.get(_SESSION + sha256(token))
    if found is None:
        return None
    account, _, epoch = (found.decode() if isinstance(found, bytes) else str(found)).partition(" ")
    return Session(account, int(epoch or 0))


def end(redis: Redis, token: str) -> None:
    """End the session for ever; no session is no error."""
    redis.delete(_SESSION + sha256(token))


def count_guess(redis: Redis, of: str, password: str | None, address: Address) -> None:
    """Count an attempt before it is checked, so that many at once are counted too. Raises Problem (429).

    `of`: the email or whatever else the password is of; `password`: its hash, None if there is no such thing.
    An address is a /64 of IPv6. What strangers guess keeps the owner out of no address that the owner came from before.
    """
    where = bucket(address)
    _count(redis, "address", where, GUESSES_AN_ADDRESS)
    _count(redis, "account", _pair(of, where), GUESSES_AN_ACCOUNT)
    if password is None or not redis.exists(_known(password, address)):
        _count(redis, "strangers", of.encode(errors="replace"), GUESSES_OF_STRANGERS)


def forgive(redis: Redis, of: str, password: str, address: Address) -> None:
    """After the right password: forget the attempts on it from this address, know the address, and take back what this
    one counted, so that many who know a password are no guessers.
    """
    where = bucket(address)
    redis.delete(_guess("account", _pair(of, where)))
    _take_back(redis, "address", where)
    if redis.set(_known(password, address), 1, ex=KNOWN_SECONDS, get=True) is None:
        _take_back(redis, "strangers", of.encode(errors="replace"))


def _take_back(redis: Redis, kind: str, of: bytes) -> None:
    redis.eval(_TAKE_BACK, 1, _guess(kind, of))


def _count(redis: Redis, kind: str, of: bytes, limit: int) -> None:
    key = _guess(kind, of)
    with redis.pipeline() as pipe:
        pipe.set(key, 0, ex=GUESS_SECONDS, nx=True)
        pipe.incr(key)
        pipe.pttl(key)
        _, attempts, ttl_ms = pipe.execute()
    if ttl_ms > GUESS_SECONDS * 1000:  # begun under a clock that was ahead
        redis.expire(key, GUESS_SECONDS)
        ttl_ms = GUESS_SECONDS * 1000
    if attempts > limit:
        seconds = max(1, math.ceil(ttl_ms / 1000))
        message = "too many attempts to sign in; try again later"
        raise Problem(429, "too_many_attempts", message, headers={"Retry-After": str(seconds)})


def _pair(of: str, where: bytes) -> bytes:
    return where + b" " + of.encode(errors="replace")


def _guess(kind: str, of: bytes) -> str:
    # Hashed: neither what was typed in as email nor an address belongs into a store.
    return f"{_GUESS}{kind}:{hashlib.blake2b(of, digest_size=16).hexdigest()}"


def _known(password: str, address: Address) -> str:
    # Keyed, as it stays for long; another password knows no address.
    key = hashlib.blake2b(password.encode()).digest()
    return _KNOWN + hashlib.blake2b(bucket(address), key=key, digest_size=16).hexdigest()
