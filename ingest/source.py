"""Where a visit came from: source, campaign, medium, term, content and channel of one event, by their definitions.

Which source a host, an app, an alias or a click id stands for is said by the tables in `rule`.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList

from ingest import rule
from ingest.channel import channel
from ingest.contract.event import DIRECT, NO_CAMPAIGN
from ingest.contract.page import Url, lowered, parameters, read_url
from ingest.rule import Row

_PARAMETERS = ("utm_source", "source", "ref")
_CLICK_IDS = {row.name.lower(): row.words[0] for row in rule.read("click")}
_AD_IDS = frozenset(row.name.lower() for row in rule.read("click") if row.group == "ad")
_APPS = {row.name: row.words[0] for row in rule.read("app")}

_SCHEMES = ("http", "https", "android-app")
_REMEMBERED = 500  # characters of a query, since they come again
_NOWHERE: frozenset[str] = frozenset()

_suffixes = PublicSuffixList()
# Wildcards such as google.* hold for registries' suffixes only: google.github.io is somebody's page on GitHub.
_registries = PublicSuffixList(only_icann=True)


class Attribution(NamedTuple):
    """`medium`, `term`, `content`: "" if there is none."""

    source: str
    campaign: str
    medium: str
    term: str
    content: str
    channel: str


class Said(NamedTuple):
    """What a query says of where the visit came from: web addresses before the first name, that name ("": none)."""

    addresses: tuple[tuple[str, str], ...]  # scheme, host
    source: str
    campaign: str = NO_CAMPAIGN
    medium: str = ""
    term: str = ""
    content: str = ""
    ad: bool = False  # whether a click id of an ad is there


_NOTHING_SAID = Said((), "")


class Published(NamedTuple):
    """The published list: what campaigns write, hosts, and labels that stand under any registry's suffix."""

    aliases: dict[str, str]
    hosts: dict[str, str]
    labels: dict[str, str]


NOWHERE_FROM = Attribution(DIRECT, NO_CAMPAIGN, "", "", "", channel(DIRECT, "", ad=False))


def publish(rows: Iterable[tuple[str, Iterable[str]]]) -> Published:
    """The list of (source, its words). Raises ValueError where a word would name two sources."""
    published = Published({}, {}, {})
    for name, words in rows:
        for word in words:
            if word.endswith(".*"):
                table, key = published.labels, word[:-2]
            else:
                table, key = (published.hosts, word) if "." in word else (published.aliases, word)
            if table.setdefault(key, name) != name:
                raise ValueError(f"{word!r} is listed for {table[key]!r} and for {name!r}")
    return published


def _rows(sources: Iterable[Row], direct: Iterable[Row]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((row.name, (row.name, *row.words)) for row in sources)
    yield from ((DIRECT, (row.name,)) for row in direct)


_published = publish(_rows(rule.read("source"), rule.read("direct")))


def attribute(url: Url, referrer: Url, domain: str, direct: frozenset[str] = _NOWHERE) -> Attribution:
    """What an event tells of where it came from, on a page `url` of the site `domain`; pure, never raises.

    `direct`: further hosts from where, or from whose subdomains, a visit counts as direct.
    """
    said = _NOTHING_SAID
    if url.query:
        said = (_said_again if len(url.query) <= _REMEMBERED else _said)(url.query)
    source = _source(said, url, referrer, domain, direct)
    return Attribution(
        source, said.campaign, said.medium, said.term, said.content, channel(source, said.medium, said.ad)
    )


def _source(said: Said, url: Url, referrer: Url, domain: str, direct: frozenset[str]) -> str:
    for scheme, host in said.addresses:
        source = _referred(scheme, host, url.host, domain, direct)
        if source != DIRECT:
            return source
    return said.source or _referred(referrer.scheme, referrer.host, url.host, domain, direct)


def _said(query: str) -> Said:
    # The first of repeated parameters stands, and an empty one says nothing.
    said: dict[str, str] = {}
    for name, value in parameters(Url("", "", "", "", query)):
        if value:
            said.setdefault(name, value)
    more = (
        said.get("utm_campaign", NO_CAMPAIGN),
        lowered(said.get("utm_medium", "")),
        said.get("utm_term", ""),
        said.get("utm_content", ""),
        not _AD_IDS.isdisjoint(said),
    )
    addresses: list[tuple[str, str]] = []
    for value in [lowered(said[name]) for name in _PARAMETERS if name in said]:
        address = _address(value)
        if address is None:
            return Said(tuple(addresses), _named(value), *more)
        addresses.append((address.scheme, address.host))
    clicked = [source for name, source in _CLICK_IDS.items() if name in said]
    return Said(tuple(addresses), clicked[0] if clicked else "", *more)


_said_again = lru_cache(2_048)(_said)
_WRITTEN = re.compile(r"(?:(https?|android-app)(?::|%3a))?(?:/|%2f){2}|(?=www\.)")


def _address(value: str) -> Url | None:
    """A campaign's word for its source that is a web address: with a scheme or `//` before it, or `www.`, or a path
    behind it.
    """
    written = _WRITTEN.match(value)
    rest = value[written.end() if written else 0 :].replace("%2f", "/")
    if written is None:
        return _before_path(rest) if "/" in rest else None
    url = read_url(f"{written[1] or 'https'}://{rest}")
    return url if url.host else None


def _before_path(value: str) -> Url | None:
    """The host of `t.co/x`; None for `and/or`, whose end is no registry's suffix."""
    url = read_url("https://" + value.partition("/")[0])
    return url if "." in url.host and _registries.publicsuffix(url.host, accept_unknown=False) else None


def _referred(scheme: str, host: str, own_host: str, domain: str, direct: frozenset[str]) -> str:
    if scheme not in _SCHEMES:
        return DIRECT
    source = _referring(host, scheme, own_host, domain)
    return DIRECT if direct and source != DIRECT and _is_within(host, direct) else source


def _is_within(host: str, hosts: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in hosts for start in range(len(labels)))


@lru_cache(4_096)  # of hosts of ≤ 253 characters
def _referring(name: str, scheme: str, own_host: str, domain: str) -> str:
    if not name or name in (own_host, domain) or name.endswith("." + domain) or _is_this_machine(name):
        return DIRECT
    return _source_of_app(name) if scheme == "android-app" else source_of_host(name)


def _is_this_machine(name: str) -> bool:
    if name in ("localhost", "localhost.localdomain") or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        return False
    address = (address.version == 6 and address.ipv4_mapped) or address
    return address.is_loopback or address.is_unspecified  # servers on trial say 0.0.0.0


def _source_of_app(name: str) -> str:
    """The source of an app's package, which begins with a suffix as com. or org.; a web host is what else is there."""
    if name in _APPS:
        return _APPS[name]
    if _registries.publicsuffix(name.partition(".")[0], accept_unknown=False):
        return _listed(name) or name
    return source_of_host(name)


def _named(value: str) -> str:
    """A campaign's own word for its source, merged where it is an alias, an app or a listed host."""
    if value in _published.aliases:
        return _published.aliases[value]
    if "." in value:
        listed = _APPS.get(value) or _listed(value)
        if listed is not None and listed != DIRECT:
            return listed
    return value


@lru_cache(maxsize=10_000)  # of ≤ 253 characters
def source_of_host(name: str) -> str:
    """The published source of a referring host, else its registrable domain; an IP or a bare suffix stays whole."""
    bare = name.strip("[]")
    try:
        return str(ip_address(bare))
    except ValueError:
        return _listed(name) or _suffixes.privatesuffix(name) or name


def _listed(name: str) -> str | None:
    labels = name.split(".")
    for start in range(len(labels) - 1):
        source = _published.hosts.get(".".join(labels[start:]))
        if source is not None:
            return source
    suffix = _registries.publicsuffix(name)
    before = labels[: len(labels) - suffix.count(".") - 1] if suffix else []
    for count in (2, 1):  # accounts.google.*, google.*
        source = _published.labels.get(".".join(before[-count:]))
        if source is not None:
            return source
    return None
