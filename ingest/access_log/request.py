"""The request line: a method, a target and mostly a protocol."""

import re

from ingest.access_log import escape
from ingest.access_log.hit import Malformed

_PLAIN = re.compile(r"([A-Z]+) ([!#-\[\]-~]+) HTTP/[0-9.]+", re.ASCII)
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", re.ASCII)
_PROTOCOL = re.compile(r"HTTPS?/\d(?:\.\d)?", re.ASCII | re.IGNORECASE)
# Without a protocol it is of HTTP/0.9, or no request at all.
_OLD = re.compile(r"/|\*$|[A-Za-z][A-Za-z0-9+.-]*://")


def read(request: str) -> tuple[str, str]:
    """Method and target of a request line as it stands in the log; a target may hold blanks. Raises Malformed."""
    match = _PLAIN.fullmatch(request)
    if match is not None:
        return match[1], match[2]
    method, _, rest = escape.target(request).strip().partition(" ")
    target, _, last = rest.rpartition(" ")
    whole = _PROTOCOL.fullmatch(last) is not None
    target = (target if whole else rest).strip()
    if not target or not _METHOD.fullmatch(method) or not (whole or _OLD.match(target)):
        raise Malformed("its request is no request line")
    return method, target
