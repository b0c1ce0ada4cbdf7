"""A request as its line tells it, and why it is no pageview."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import unquote

from ingest.contract.event import PAGEVIEW
from ingest.contract.posted import Posted

LeftOut: TypeAlias = Literal["malformed", "method", "status", "static"]
LEFT_OUT: tuple[LeftOut, ...] = get_args(LeftOut)  # in this order; `bot` comes after them, from admission

MAX_AHEAD_MS = 5 * 60_000  # clocks differ, and a line may be written while it is imported

_STATIC = re.compile(
    "css|js|mjs|map|json|xml|rss|atom|txt|pdf|webmanifest|png|jpg|jpeg|gif|svg|ico|webp|avif|bmp|woff|woff2|ttf|otf|eot"
    "|mp3|mp4|m4a|webm|ogg|wav|avi|mov|swf|zip|gz|tgz|tar|bz2|xz|rar|7z|exe|dmg|deb|rpm|iso",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_AGAIN = 500  # characters of a path that is remembered


class Malformed(ValueError):
    """A line that is no line of its format."""


class Hit(NamedTuple):
    """`agent` None: the format has no place for one. `time` in ms."""

    time: int
    ip: str
    method: str
    target: str
    status: int
    referrer: str
    agent: str | None


def judge(hit: Hit, now: int) -> LeftOut | None:
    """Why a request is no pageview, whoever sent it: the first reason in the order of LEFT_OUT, or None."""
    if hit.time > now + MAX_AHEAD_MS:
        return "malformed"
    if hit.method != "GET":
        return "method"
    if not (200 <= hit.status < 300 or hit.status == 304):
        return "status"
    return "static" if _is_static(hit.target) else None


def posted(hit: Hit, seq: int, domain: str) -> Posted:
    """The pageview that a script on the page would have posted. `seq`: the line's number in its file."""
    return Posted(
        "", PAGEVIEW, f"https://{domain}{_path_and_query(hit.target)}", None, hit.time, None, seq, "", "", hit.referrer
    )


def _is_static(target: str) -> bool:
    path = target.partition("?")[0].partition("#")[0]
    return _static_again(path) if len(path) <= _AGAIN else _static(path)


def _static(path: str) -> bool:
    # A parameter such as ;jsessionid=… belongs to a segment and is no part of its name.
    last = (unquote(path) if "%" in path else path).rpartition("/")[2].partition(";")[0]
    _, dot, extension = last.rpartition(".")
    return bool(dot and _STATIC.fullmatch(extension))


_static_again = lru_cache(4_096)(_static)


def _path_and_query(target: str) -> str:
    """A request's target as it follows a host; a proxy's absolute form without its own host."""
    if target.startswith("/"):
        return target
    match = _ORIGIN.match(target)
    rest = target[match.end() :] if match else target
    return rest if rest.startswith("/") else "/" + rest
