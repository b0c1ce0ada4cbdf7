"""One spelling of a site's domain."""

import re

from ingest.contract.page import host

_PASTED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)?([^/?#\\\[\]:]+|[^/?#\\@]*\[[^\]]*\])(:[0-9]{0,5})?([/?#].*)?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def domain(text: str) -> str:
    """The domain that a person typed or pasted: lower case, punycode, no scheme, user, port, path or leading `www.`.

    A single name (`localhost`), an IPv4 and a bracketed IPv6 address are domains too. Raises ValueError otherwise.
    """
    given = text.strip()
    if not _PASTED.fullmatch(given):
        raise ValueError("not a domain such as example.com")
    name = host(given if "://" in given else "http://" + given)
    while name.startswith("www.") and "." in name[4:]:  # www.de is a domain of its own
        name = name[4:]
    if not name.startswith("[") and (len(name) > 253 or not all(map(_LABEL.fullmatch, name.split(".")))):
        raise ValueError("not a domain such as example.com")
    return name
