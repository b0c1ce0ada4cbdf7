"""Why a store fails, in a few words for the operator: drivers wrap the system's own in several layers of theirs."""

import re

from ingest.log.protocol import LogUnavailable
from rollups.client import ClickHouseUnavailable

_KNOWN = ("Connection refused", "Name or service not known", "No route to host", "timed out")
# What drivers say of TLS and of passwords → what to look at.
_MEANINGS = {
    "certificate is not valid for|(hostname|ip address) mismatch|doesn't match": "its certificate is for another host",
    "certificate has expired": "its certificate has expired",
    "CERTIFICATE_VERIFY_FAILED|unable to get local issuer": "its certificate is not trusted: name the CA's file, ?ca=…",
    "WRONG_VERSION_NUMBER|record layer failure|UNEXPECTED_EOF": "it does not speak TLS",
    "alert (certificate|handshake|unknown ca|bad certificate)": "it wants a certificate of the client, ?cert=…&key=…",
    "Authentication ?failed|WRONGPASS|NOAUTH|already authenticated|invalid (user|pass)": "wrong user or password",
}


def store(error: Exception) -> tuple[str, str]:
    """What failed, and the setting that leads to it."""
    if isinstance(error, ClickHouseUnavailable):
        return "ClickHouse", "clickhouse"
    return ("the event log", "event_log") if isinstance(error, LogUnavailable) else ("Redis", "redis")


def reason(error: Exception) -> str:
    """Why, with the setting to look at where one is wrong; without any password."""
    text = " ".join(str(error).split())
    if "no token from" not in text:
        for pattern, meaning in _MEANINGS.items():
            if re.search(pattern, text, re.IGNORECASE):
                return f"{meaning} (THROUGHLINE_{store(error)[1].upper()})"
    for known in _KNOWN:
        if known.lower() in text.lower():
            return known
    return text[:300] or type(error).__name__
