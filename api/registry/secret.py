"""Random names and secrets, and how they are stored."""

import hashlib
import secrets
import string
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

KEY_PREFIX = "sk_"
_ALPHABET = string.ascii_lowercase + string.digits
MIN_PASSWORD = 12  # characters
_MAX_PASSWORD = 1_000  # characters; longer ones only cost time to hash

_hasher = PasswordHasher()  # argon2id, RFC 9106's second choice: 64 MiB


def name(length: int) -> str:
    """`length` random characters of [a-z0-9]."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_key() -> str:
    """An API key: 256 random bits, url-safe."""
    return KEY_PREFIX + new_token()


def new_token() -> str:
    """What a link carries: 256 random bits, url-safe."""
    return secrets.token_urlsafe(32)


def new_password() -> str:
    """A password for somebody who is asked for another."""
    return secrets.token_urlsafe(15)


def sha256(secret: str) -> str:
    """How a key or a session token is stored: random secrets of this length need no salt."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def shown(key: str) -> tuple[str, str]:
    """The first (behind the prefix that all keys share) and last four characters of a key."""
    return key[: len(KEY_PREFIX) + 4], key[-4:]


def hash_password(password: str) -> str:
    """An argon2id hash of a person's password. Takes about 50 ms and 64 MiB.

    Raises ValueError for a password too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
        raise ValueError(f"a password has {MIN_PASSWORD} to {_MAX_PASSWORD} characters")
    return hash_any(password)


def hash_any(password: str) -> str:
    """An argon2id hash of a password of any length that is no account's. Takes about 50 ms and 64 MiB."""
    return _hasher.hash(password.encode(errors="surrogatepass"))


def is_password(password: str, hashed: str | None) -> bool:
    """Whether the password is the one that was hashed; as slow for None (no such account) as for a real hash."""
    try:
        matches = _hasher.verify(hashed or _nobody(), password[: _MAX_PASSWORD + 1].encode(errors="surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return matches and hashed is not None


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
