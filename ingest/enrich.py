"""What an address and a user agent tell: country, device, browser, operating system, bot or not."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import maxminddb
from ua_parser import parse

from ingest.agent import Device, device, kind
from ingest.contract.event import UNKNOWN

Country: TypeAlias = Callable[[str], str]

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


def no_country(address: str) -> str:
    """The look-up without a database."""
    return UNKNOWN


def open_country(path: Path | None) -> Country:
    """Address → ISO 3166-1 alpha-2 or `unknown`, from an mmdb file; a missing file knows no country.

    Reads the layouts of ip-location-db (`country_code`) and MaxMind (`country.iso_code`). Raises ValueError for a file
    that is no such database.
    """
    if path is None or not path.is_file():
        return no_country
    try:
        reader = maxminddb.open_database(path)
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(f"{path} is not a country database: {error}") from error
    return country_from(reader.get)


def country_from(get: Callable[[str], Any]) -> Country:
    """The look-up over a database's `get`."""

    @lru_cache(10_000)
    def country(address: str) -> str:
        try:
            found = get(address)
        except ValueError:  # no address at all, or IPv6 in a database of IPv4
            return UNKNOWN
        if not isinstance(found, dict):
            return UNKNOWN
        code = found.get("country_code")
        if code is None and isinstance(found.get("country"), dict):
            code = found["country"].get("iso_code")
        return code if isinstance(code, str) and re.fullmatch("[A-Z]{2}", code) else UNKNOWN

    return country
