"""Addresses of stores: what is wrong with one, and how it may be shown. Nothing but the standard library here."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_FILES = ("ca", "cert", "key")
_ENCRYPTED = ("rediss", "https", "kafka+ssl", "smtp", "smtps")
# redis-py's own, which an address could always have.
_REDIS = (
    *("db", "username", "password", "protocol", "client_name", "health_check_interval", "max_connections"),
    *("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"),
)
_KAFKA = ("sasl", "token_file", "token_url", "scope")
_OPTIONS = {
    **dict.fromkeys(("redis", "rediss", "unix"), _REDIS),
    **dict.fromkeys(("kafka", "kafka+ssl"), _KAFKA),
    **dict.fromkeys(("smtp", "smtps"), ("from",)),
}


_PLACE = r"([^:,\[\]]+|\[[^\]]*\])(:[0-9]{1,5})?"
_PLACES = re.compile(rf"({_PLACE}(,{_PLACE})*)?")


def wrong(address: str, schemes: Sequence[str]) -> str:
    """What is wrong with an address, to be said after its flag and without any secret; "" if nothing is."""
    try:
        parts = urlsplit(address)
        if not parts.scheme.startswith("kafka"):
            _ = parts.port
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:  # it may quote a part of the password
        return f"{redacted(address)} is no address"
    if parts.scheme not in schemes:
        return f"must begin with {' or '.join(f'{s}://' for s in schemes)}, not {redacted(address)!r}"
    if not parts.netloc and parts.scheme != "unix":
        return f"{redacted(address)!r} names no host"
    known = (*_FILES, *_OPTIONS.get(parts.scheme, ()))
    for name in asked:
        if name not in known:
            return f"{redacted(address)!r} has an option that is not known: it can have {', '.join(known)}"
    return (
        _wrong_files(parts.scheme, asked)
        or (_wrong_kafka(parts, asked) if parts.scheme.startswith("kafka") else "")
        or ("needs ?cert= beside ?key=" if "key" in asked and "cert" not in asked else "")
    )


def _wrong_files(scheme: str, asked: dict[str, str]) -> str:
    for name in (*_FILES, "token_file"):
        if name not in asked:
            continue
        if name in _FILES and scheme not in _ENCRYPTED:
            return f"has ?{name}=, but {scheme}:// is not encrypted: begin it with {_encrypted(scheme)}"
        try:
            text = Path(asked[name]).read_text()
        except (OSError, ValueError) as error:
            return f"?{name}={asked[name]} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        if name != "token_file" and "-----BEGIN " not in text:
            return f"?{name}={asked[name]} is no PEM file"
    if "ca" in asked:
        import ssl

        try:
            ssl.create_default_context(cafile=asked["ca"])
        except OSError:
            return f"?ca={asked['ca']} holds no certificate"
    return ""


def _encrypted(scheme: str) -> str:
    return {"redis": "rediss://", "http": "https://", "kafka": "kafka+ssl://"}.get(scheme, "a scheme with TLS")


def _wrong_kafka(parts: SplitResult, asked: dict[str, str]) -> str:
    user, at, hosts = parts.netloc.rpartition("@")
    for host in hosts.split(","):
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+)(:[0-9]{1,5})?", host):
            return f"{redacted(host)!r} is no host:port"
    mechanism = asked.get("sasl", "").upper()
    if mechanism not in MECHANISMS:
        if "sasl" in asked or at:
            return f"must say how its user signs in: ?sasl={' or '.join(MECHANISMS)}"
        return ""
    if mechanism == "OAUTHBEARER":
        if not asked.get("token_file") and not re.match(r"https?://[^\s/]", asked.get("token_url", "")):
            return "must say where tokens come from: ?token_file=/path or ?token_url=https://…"
        if asked.get("token_url") and not at:
            return "must name the client that fetches tokens: kafka+ssl://client:secret@host:port"
    elif ":" not in user:
        return f"must name a user and a password for {mechanism}: {parts.scheme}://user:password@host:port"
    return ""


def redacted(address: str) -> str:
    """The address as it may be shown and logged: without user and password, wherever they stand."""
    scheme, separator, rest = address.partition("://")
    if not separator or not scheme.replace("+", "").isalnum():
        scheme, separator, rest = "", "", address
    place, _, query = rest.partition("?")
    if "@" not in place and re.match(r"\w+=.*@", query, re.DOTALL):  # in an option, or in an unescaped password
        return f"{scheme}{separator}…"
    shown = rest.rpartition("@")[2].partition("?")[0]
    if not _PLACES.fullmatch(shown.partition("/")[0]):  # what stands for a port is a password whose host was forgotten
        return f"{scheme}{separator}…"
    return scheme + separator + shown
