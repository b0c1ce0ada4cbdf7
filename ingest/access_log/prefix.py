"""What collectors write before a server's line: recognised on a file's first lines, then taken off all of them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from ingest.access_log import clf
from ingest.access_log.hit import Malformed
from ingest.access_log.members import read_object

MAX_LINE = 64 * 1024  # bytes, or characters of a record
_CRI = re.compile(r"\S+ (stdout|stderr) ([FP])(?::\S*)? ")
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_ADDRESS = (
    r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\[[0-9A-Fa-f:.]{2,45}(?:%[\w.-]{1,30})?\](?::\d+)?"
    r"|(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,45}(?:\.\d{1,3}){0,3}(?:%[\w.-]{1,30})?)"
)
# The server's own line: an address, maybe a list of them, or a host's name; the ident, which is neither; user; time.
_IDENT = rf"(?!{_ADDRESS} |[\w-]{{1,63}}\.[\w.-]{{1,200}} )[^\s|]{{1,100}}"
_CORE = rf'"?{_ADDRESS}(?:(?: ?, ?| ){_ADDRESS}){{0,20}}"? +{_IDENT} +[^\[]{{0,200}}\[[^\]]{{1,60}}\] +"'
_NAMED = rf'[A-Za-z0-9][\w.-]* {_IDENT} (?:\S+|"[^"]*") \[[^\]]{{1,60}}\] +"'
_STRUCTURED = r'(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])'
_SHAPES: Sequence[re.Pattern[str]] = [
    re.compile(shape, re.ASCII)
    for shape in (
        rf"{_TIME} std(?:out|err) [FP](?::\S*)? ",  # CRI
        r"\[(?:pod|container)/[^\]]+\] ",  # kubectl logs --prefix
        r"(?:\x1b\[[\d;]*m)*[A-Za-z0-9][\w.-]* *\| ?(?:\x1b\[[\d;]*m)* ?",  # docker compose
        rf"(?:<\d+>)1 (?:{_TIME}|-) \S+ \S+ \S+ \S+ (?:-|{_STRUCTURED}+) ?\ufeff?",  # RFC 5424
        r"(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ [^\s:\[]+(?:\[\d+\])?: ?",  # RFC 3164, journald
        rf"(?:<\d+>)?{_TIME} \S+ [^\s:\[]+(?:\[\d+\])?: ?",  # rsyslog, journald -o short-iso
        rf"{_TIME} ",  # docker logs -t
        rf"(?:[\w./@-]{{1,255}}?:)?(?:\d+[:-])??(?=(?:{_ADDRESS}|[\w-]{{1,63}}\.[\w.-]{{1,200}}),? |\{{)",  # grep
        rf"(?!{_ADDRESS} )[\w.*-]+(?::\d+)? (?=(?:{_ADDRESS}|[\w-]+\.[\w.-]+) \S+ \S+ \[)",  # Apache's vhost_combined
    )
]
_BARE = re.compile(rf"{_CORE}|{_NAMED}", re.ASCII)
_NUMBER = re.compile(r"(\d+):")
_ANYTHING = re.compile(rf".{{0,300}}?(?:(?<=[\s:|>\])=])|^)(?={_CORE})", re.ASCII)
_BEFORE_OBJECT = re.compile(r"[^{\"]*(?=\{\s*\")")
_WRAPPED = ("log", "message", "msg", "MESSAGE")  # docker's json-file, fluentd, journald -o json


class Prefix:
    """Takes the prefix of one file off its lines; shapes that a line does not have are left out."""

    def __init__(self, *shapes: re.Pattern[str]) -> None:
        self._shapes = shapes
        self._parts: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def fresh(self) -> "Prefix":
        """The same for another file."""
        return Prefix(*self._shapes)

    def take_off(self, text: str) -> str | None:
        """The server's line; None for a part of it whose end is still to come."""
        rest = text
        for shape in self._shapes:
            match = shape.match(rest)
            if match is not None:
                rest = rest[match.end() :]
        # Container runtimes cut long lines: a record that is tagged P goes on in the next one of its stream.
        part = _CRI.match(text) if self._shapes else None
        if part is None:
            return rest
        stream, tag = part.groups()
        whole = self._parts.pop(stream, "") + rest
        if tag == "F":
            return whole
        self._parts[stream] = whole[:MAX_LINE]
        return None


NO_PREFIX = Prefix()


def is_bare(text: str) -> bool:
    """Whether a line begins with what a server writes."""
    return text.startswith(("{", "#")) or _BARE.match(text) is not None or clf.is_balancer(text)


def recognise(texts: Sequence[str]) -> Prefix:
    """The prefix of a file that begins with these lines: none, or the first that is found."""
    if _numbered(texts):
        return Prefix(_NUMBER)
    for text in texts:
        shapes: list[re.Pattern[str]] = []
        rest = text
        while not is_bare(rest):
            shape = next((shape for shape in _SHAPES if (match := shape.match(rest)) and match.end()), None)
            if shape is None or len(shapes) > 3:
                break
            shapes.append(shape)
            rest = shape.sub("", rest, count=1)
        if not is_bare(rest):
            # Nobody's list has them all: a file's name, a tag. The server's own line tells where it ends.
            shape = next((shape for shape in (_ANYTHING, _BEFORE_OBJECT) if shape.match(rest)), None)
            if shape is None:
                continue
            shapes.append(shape)
        return Prefix(*shapes)
    return Prefix()


def _numbered(texts: Sequence[str]) -> bool:
    """Whether `grep -n` numbered the lines: before an IPv6 address a number looks like a part of it."""
    found = [int(match[1]) if (match := _NUMBER.match(text)) else 0 for text in texts]
    return len(found) > 1 and found[0] > 0 and all(a < b for a, b in pairwise(found))


def unwrapped(text: str) -> str | None:
    """The server's line inside a collector's JSON; None where there is none."""
    try:
        found = read_object(text.encode("utf-8", "surrogateescape"))
    except Malformed:
        return None
    return next((found[name].rstrip("\r\n") for name in _WRAPPED if isinstance(found.get(name), str)), None)
