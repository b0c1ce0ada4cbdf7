"""Where a visit came from: source and campaign of one event, by the definitions of *source* and *campaign*."""

from functools import lru_cache
from importlib.resources import files
from ipaddress import ip_address
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList

from ingest.contract.event import DIRECT, NO_CAMPAIGN
from ingest.contract.page import Url, parameters

_PARAMETERS = ("utm_source", "source", "ref")
_CLICK_IDS = {
    "gclid": "google",
    "gbraid": "google",
    "wbraid": "google",
    "msclkid": "bing",
    "fbclid": "facebook",
    "ttclid": "tiktok",
    "li_fat_id": "linkedin",
    "twclid": "x",
}

_SCHEMES = ("http", "https", "android-app")
_REMEMBERED = 500  # characters of a query, since they come again

_suffixes = PublicSuffixList()
# Wildcards such as google.* hold for registries' suffixes only: google.github.io is somebody's page on GitHub.
_registries = PublicSuffixList(only_icann=True)


class Attribution(NamedTuple):
    source: str
    campaign: str


class Published(NamedTuple):
    """The published list, read from `source.txt` beside this module."""

    aliases: dict[str, str]
    hosts: dict[str, str]
    labels: dict[str, str]


def read_list(text: str) -> Published:
    """Parse the list's lines `name: words`. Raises ValueError where a word would name two sources."""
    published = Published({}, {}, {})
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, words = line.partition(": ")
        for word in {name, *words.split()}:
            if word.endswith(".*"):
                table, key = published.labels, word[:-2]
            else:
                table, key = (published.hosts, word) if "." in word else (published.aliases, word)
            if table.setdefault(key, name) != name:
                raise ValueError(f"{word!r} is listed for {table[key]!r} and for {name!r}")
    return published


_published = read_list(files("ingest").joinpath("source.txt").read_text("utf-8"))


def attribute(url: Url, referrer: Url, domain: str) -> Attribution:
    """Source and campaign of an event on a page `url` of the site `domain`; pure, never raises."""
    if not url.query:
        return Attribution(_referred(referrer, url.host, domain), NO_CAMPAIGN)
    source, campaign = (_said_again if len(url.query) <= _REMEMBERED else _said)(url.query)
    return Attribution(source or _referred(referrer, url.host, domain), campaign)


def _said(query: str) -> tuple[str, str]:
    """What a query says of source ("": nothing) and campaign."""
    # The first of repeated parameters stands, and an empty one says nothing.
    said: dict[str, str] = {}
    for name, value in parameters(Url("", "", "", "", query)):
        if value:
            said.setdefault(name, value)
    campaign = said.get("utm_campaign", NO_CAMPAIGN)
    for name in _PARAMETERS:
        if name in said:
            return _named(said[name].lower()), campaign
    for name, source in _CLICK_IDS.items():
        if name in said:
            return source, campaign
    return "", campaign


_said_again = lru_cache(2_048)(_said)


def _referred(referrer: Url, own_host: str, domain: str) -> str:
    return _referring(referrer.host, referrer.scheme, own_host, domain) if referrer.scheme in _SCHEMES else DIRECT


@lru_cache(4_096)  # of hosts of ≤ 253 characters
def _referring(name: str, scheme: str, own_host: str, domain: str) -> str:
    if not name or name in (own_host, domain, "localhost") or name.endswith(("." + domain, ".localhost")):
        return DIRECT
    return _published.hosts.get(name, name) if scheme == "android-app" else source_of_host(name)


def _named(value: str) -> str:
    """A campaign's own word for its source, merged where it is an alias or a listed host."""
    if value in _published.aliases:
        return _published.aliases[value]
    if "." in value and (listed := _listed(value)) is not None:
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
    registrable = _registries.privatesuffix(name)
    return _published.labels.get(registrable.partition(".")[0]) if registrable else None
