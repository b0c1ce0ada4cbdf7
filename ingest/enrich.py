"""What an address and a user agent tell: country, region, city, device, browser, operating system, bot or not."""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import maxminddb
from ua_parser import parse

from ingest.agent import Device, device, kind
from ingest.contract.address import INNER, is_in
from ingest.contract.event import UNKNOWN
from ingest.contract.text import value


class Place(NamedTuple):
    """ISO 3166-1 alpha-2 of the country or `unknown`; ISO 3166-2 of the region and the city's English name, or ""."""

    country: str = UNKNOWN
    region: str = ""
    city: str = ""


NO_PLACE = Place()
Places: TypeAlias = Callable[[str], Place]

_MAX_NAME = 200  # characters of a region or a city
_MAX_AGENT = 512  # characters that are looked at: a cache of 20,000 user agents then takes at most ~20 MB
_FAMILY = re.compile(r"^(Mobile )?(.*?)( Mobile)?( iOS)?( WebView)?$")


class Agent(NamedTuple):
    """What a user agent string says; `browser` and `os` are "" when unknown.

    `library`: a program sends it on purpose, so that it is no bot at the endpoint, but one in an imported log.
    """

    device: Device
    browser: str
    os: str
    bot: bool
    library: bool


NO_AGENT = Agent("Desktop", "", "", bot=False, library=False)


def read_agent(text: str) -> Agent:
    """Recognise a user agent; cached, never raises."""
    return _read(text[:_MAX_AGENT])


@lru_cache(maxsize=20_000)
def _read(text: str) -> Agent:
    parsed = parse(text)
    browser = parsed.user_agent.family if parsed.user_agent else ""
    system = parsed.os.family if parsed.os else ""
    whose = kind(text)
    return Agent(
        device=device(text),
        browser="" if browser == "Other" else _plain(browser),
        os={"Mac OS X": "macOS", "Other": ""}.get(system, system),
        bot=whose == "bot",
        library=whose == "program",
    )


def _plain(family: str) -> str:
    """Chrome Mobile, Chrome Mobile iOS and Chrome are one browser, and so are Mobile Safari and Safari."""
    match = _FAMILY.match(family)
    return (match and match[2]) or family


def no_place(address: str) -> Place:
    """The look-up without a database."""
    return NO_PLACE


def open_places(path: Path | None) -> Places:
    """Address → place, from an mmdb file of countries or of cities; a missing file knows none.

    Reads the layouts of MaxMind (`country.iso_code`, `subdivisions`, `city.names.en`), which others follow,
    and of ip-location-db (`country_code`, `state1`, `city`). Raises ValueError for a file that is no such database.
    """
    if path is None or not path.is_file():
        return no_place
    try:
        reader = maxminddb.open_database(path)
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(f"{path} is not a country database: {error}") from error
    return places_from(reader.get)


def places_from(get: Callable[[str], Any]) -> Places:
    """The look-up over a database's `get`; an address of nobody outside is nowhere, whatever the database says."""

    @lru_cache(10_000)
    def place(address: str) -> Place:
        try:
            # Databases made from registries' files name the registry's country for networks that everybody has.
            found = None if is_in(ip_address(address), INNER) else get(address)
        except ValueError:  # no address at all, or IPv6 in a database of IPv4
            return NO_PLACE
        return _place(found) if isinstance(found, dict) else NO_PLACE

    return place


def _place(found: dict[str, Any]) -> Place:
    country = found.get("country_code")
    if country is None and isinstance(found.get("country"), dict):
        country = found["country"].get("iso_code")
    if not (isinstance(country, str) and re.fullmatch("[A-Z]{2}", country)):
        country = UNKNOWN
    return Place(country, _region(found, country), _english(found.get("city")))


def _region(found: dict[str, Any], country: str) -> str:
    """The largest one's code, else its name: some databases have names alone."""
    subdivisions = found.get("subdivisions")
    largest = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else found.get("state1")
    code = largest.get("iso_code") if isinstance(largest, dict) else None
    if isinstance(code, str) and country != UNKNOWN and re.fullmatch("[A-Z]{2}-[A-Z0-9]{1,3}|[A-Z0-9]{1,3}", code):
        return code if code.startswith(f"{country}-") else f"{country}-{code}"
    return _english(largest)


def _english(named: Any) -> str:
    """The name, which stands under `names`, `en` where there are several languages; "" if there is none."""
    if isinstance(named, dict):
        names = named.get("names")
        named = names.get("en") if isinstance(names, dict) else None
    return value(named)[:_MAX_NAME].strip() if isinstance(named, str) else ""
