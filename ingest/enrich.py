"""What an address and a user agent tell: country, device, browser, operating system, bot or not."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import maxminddb
from crawleruseragents import is_crawler
from ua_parser import parse

from ingest.contract.event import UNKNOWN

Device: TypeAlias = Literal["Phone", "Tablet", "Desktop"]
Country: TypeAlias = Callable[[str], str]

_MAX_AGENT = 512  # characters that are looked at: a cache of 20,000 user agents then takes at most ~20 MB
_HEADLESS = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|cypress|jsdom|lighthouse|prerender", re.IGNORECASE
)
# Programs send events on purpose, so these are no bots at the endpoint, but they are in imported logs.
_LIBRARY = re.compile(
    r"(?:curl|wget|python-requests|python-urllib|python-httpx|httpx|python/\S+ aiohttp|aiohttp|go-http-client|okhttp"
    r"|axios|node-fetch|undici|node|java|apache-httpclient|guzzlehttp|guzzle|postmanruntime|ruby|faraday|libwww-perl|dart)"
    r"(?:[/ ;(]|$)",
    re.IGNORECASE,
)
_TABLET = re.compile(r"iPad|Tablet(?! PC)|Kindle|Silk/|PlayBook|Nexus (?:7|9|10)\b|Android(?!.*Mobile)", re.IGNORECASE)
_PHONE = re.compile(r"iPhone|iPod|Mobile|Windows Phone|BlackBerry|BB10|Opera Mini|IEMobile|KAIOS", re.IGNORECASE)
_TELEVISION = re.compile(r"SMART-TV|SmartTV|GoogleTV|Android TV|BRAVIA|AFT[A-Z]|CrKey|Tizen.*TV|Web0S", re.IGNORECASE)
_FAMILY = re.compile(r"^(Mobile )?(.*?)( Mobile)?( iOS)?( WebView)?$")


class Agent(NamedTuple):
    """What a user agent string says; `browser` and `os` are "" when unknown."""

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
    library = _LIBRARY.match(text) is not None
    return Agent(
        device=_device(text),
        browser="" if browser == "Other" else _plain(browser),
        os={"Mac OS X": "macOS", "Other": ""}.get(system, system),
        bot=not library and (_HEADLESS.search(text) is not None or is_crawler(text)),
        library=library,
    )


def _device(text: str) -> Device:
    if _TELEVISION.search(text):
        return "Desktop"
    if _TABLET.search(text):
        return "Tablet"
    return "Phone" if _PHONE.search(text) else "Desktop"


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
