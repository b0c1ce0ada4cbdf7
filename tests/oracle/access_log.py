"""A combined access log, line by line: facts and reasons, with a parser of its own.

Enrichment (country, browser, source …) is asked of `ingest`, whose own tests prove it; what is modelled here is which
lines count, for whom, and when.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.oracle.fact import Fact

_LINE = re.compile(
    r'^(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+" '
    r'(?P<status>\d{3}) (?:\d+|-) "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"$'
)
_STATIC = re.compile(
    r"\.(css|js|mjs|map|json|xml|rss|atom|txt|pdf|webmanifest|png|jpg|jpeg|gif|svg|ico|webp|avif|bmp|woff|woff2|ttf|otf"
    r"|eot|mp3|mp4|m4a|webm|ogg|wav|avi|mov|swf|zip|gz|tgz|tar|bz2|xz|rar|7z|exe|dmg|deb|rpm|iso)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Hit:
    """A line that counts, as the log says it."""

    ip: str
    agent: str
    time: int
    target: str
    referrer: str


def read(lines: Iterable[str], is_bot: Callable[[str], bool]) -> tuple[list[Hit], Counter[str]]:
    """The pageviews of a log in its order, and how many lines were left out for which reason."""
    hits: list[Hit] = []
    left_out: Counter[str] = Counter()
    for line in lines:
        match = _LINE.match(line.rstrip("\n"))
        if match is None:
            left_out["malformed"] += 1
        elif match["method"] != "GET":
            left_out["method"] += 1
        elif match["status"][0] != "2" and match["status"] != "304":
            left_out["status"] += 1
        elif _STATIC.search(match["target"].split("?")[0].split("#")[0]):
            left_out["static"] += 1
        elif match["agent"] in ("", "-") or is_bot(match["agent"]):
            left_out["bot"] += 1
        else:
            time = int(datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp() * 1000)
            hits.append(Hit(match["ip"], match["agent"], time, match["target"], match["referrer"]))
    return hits, left_out


def facts(hits: Iterable[Hit], site: str, enrich: Callable[[Hit], dict[str, str]]) -> list[Fact]:
    """One pageview a hit, in the order of the log; `enrich` adds page, source, campaign, country, device …"""
    return [
        Fact(
            site=site,
            visitor=f"{hit.time // 86_400_000} {hit.ip} {hit.agent}",
            id=f"line-{number}",
            type="pageview",
            time=hit.time,
            received=0,
            seq=number,
            **enrich(hit),  # type: ignore[arg-type]
        )
        for number, hit in enumerate(hits)
    ]
