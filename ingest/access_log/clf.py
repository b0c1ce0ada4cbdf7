"""The combined and the common format, and AWS load balancers' lines: text whose fields have a place."""

import re

from ingest.access_log import escape, moment, request
from ingest.access_log.address import Client
from ingest.access_log.hit import Hit, Malformed

_QUOTED = r'"((?:[^"\\]|\\.)*+)"'
_HEAD = (
    # An address, maybe a list of them, maybe quoted; a second column of one is the proxy's, or the first was a host's.
    r'\s*+("[^"]*+"|[^\s",|]++(?: ?, *+[^\s",]++)*+(?: ++(?=[0-9A-Fa-f]*[.:])[0-9A-Fa-f.:]{3,45}(?= ))?+) ++'
    r"(?!\|)\S++ ++"  # the ident, which nobody writes
    r'(?![^\["]*? \d+\.\d+\.\d+\.\d+ )(?:"[^"]*+" *+|[^\["]*+)'  # a user of any words, but no address
    r"\[([^\]]++)\] ++"  # the time
    rf"{_QUOTED} ++(\d{{3}}) ++(?:\d++|-)"
)
_COMMON = re.compile(_HEAD + r"(?:\s++[^\"].*)?\s*", re.ASCII)
# Many servers append fields of their own, such as nginx's rt=0.123 and "$http_x_forwarded_for": whatever they are.
_COMBINED = re.compile(_HEAD + rf" ++{_QUOTED} ++{_QUOTED}(?:[\s,;|].*)?", re.ASCII)
# Most lines, in half the time: no escapes, no list of addresses, no blanks where none belong.
_PLAIN = re.compile(
    r'([0-9A-Fa-f.:]+) [^\s0-9|]\S* \S+ \[([^\]]+)\] "([A-Z]+) ([^\s"\\]+) HTTP/[0-9.]+" (\d{3}) (?:\d+|-) '
    r'"([^"\\]*)" "([^"\\]*)"(?:[\s,;|].*)?',
    re.ASCII,
)
_BALANCER = re.compile(
    r"(?:(?:https?|h2|grpcs?|wss?) )?(\d{4}-\d\d-\d\dT\S+) \S+ (\S+) \S+ -?[\d.]+ -?[\d.]+ -?[\d.]+ (\d{3}|-) \S+ "
    rf"-?\d+ -?\d+ {_QUOTED} {_QUOTED}(?: .*)?",
    re.ASCII,
)


def is_combined(text: str) -> bool:
    return _COMBINED.fullmatch(text) is not None


def is_common(text: str) -> bool:
    return _COMMON.fullmatch(text) is not None


def is_balancer(text: str) -> bool:
    return _BALANCER.fullmatch(text) is not None


def combined(text: str, client: Client) -> Hit:
    """Raises Malformed."""
    match = _PLAIN.fullmatch(text) if text.isascii() else None
    if match is not None:
        ip, time, method, target, status, referrer, agent = match.groups()
        if referrer == "-":
            referrer = ""
        return Hit(moment.clf(time), client(ip), method, target, int(status), referrer, "" if agent == "-" else agent)
    match = _COMBINED.fullmatch(text)
    if match is None:
        raise Malformed("not a line of the combined format")
    ip, time, line, status, referrer, agent = match.groups()
    method, target = request.read(line)
    return Hit(moment.clf(time), client(ip), method, target, int(status), escape.text(referrer), escape.text(agent))


def common(text: str, client: Client) -> Hit:
    """Raises Malformed."""
    match = _COMMON.fullmatch(text)
    if match is None:
        raise Malformed("not a line of the common format")
    ip, time, line, status = match.groups()
    method, target = request.read(line)
    return Hit(moment.clf(time), client(ip), method, target, int(status), "", None)


def balancer(text: str, client: Client) -> Hit:
    """Of an AWS application or classic load balancer. Raises Malformed."""
    match = _BALANCER.fullmatch(text)
    if match is None:
        raise Malformed("not a line of an AWS load balancer")
    time, ip, status, line, agent = match.groups()
    method, target = request.read(line)
    # The status is - where the client went away.
    return Hit(moment.read(time), client(ip), method, target, int(status.replace("-", "0")), "", escape.text(agent))
