"""What a user agent and an address tell."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.enrich import NO_PLACE, open_places, places_from, read_agent
from tests.ingest.mmdb import mmdb

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1"
)
IPHONE_CHROME = IPHONE.replace("Version/17.5", "CriOS/130.0.0.0")
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0"
    " Mobile/15E148 Safari/604.1"
)
PIXEL = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"
    " Mobile Safari/537.36"
)
GALAXY_TAB = PIXEL.replace("Pixel 8", "SM-X710").replace(" Mobile", "")
MAC = IPHONE.replace("iPhone; CPU iPhone OS 17_5 like Mac OS X", "Macintosh; Intel Mac OS X 10_15_7").replace(
    " Mobile/15E148", ""
)
TELEVISION = "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0.3809.146 TV Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "device", "browser", "os"),
    [
        (CHROME, "Desktop", "Chrome", "Windows"),
        (IPHONE, "Phone", "Safari", "iOS"),
        (IPHONE_CHROME, "Phone", "Chrome", "iOS"),
        (IPAD, "Tablet", "Safari", "iOS"),
        (PIXEL, "Phone", "Chrome", "Android"),
        (GALAXY_TAB, "Tablet", "Chrome", "Android"),
        (MAC, "Desktop", "Safari", "macOS"),
        ("", "Desktop", "", ""),
        ("something new", "Desktop", "", ""),
    ],
)
def test_device_browser_and_os(agent: str, device: str, browser: str, os: str) -> None:
    assert read_agent(agent)[:3] == (device, browser, os)


def test_a_television_is_no_phone_and_a_tablet_pc_no_tablet() -> None:
    assert read_agent(TELEVISION).device == "Desktop"
    assert read_agent("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)").device == "Desktop"


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        CHROME.replace("Chrome/", "HeadlessChrome/"),
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 PhantomJS/2.1.1 Safari/538.1",
        "facebookexternalhit/1.1",
        "Scrapy/2.11 (+https://scrapy.org)",
    ],
)
def test_crawlers_and_headless_browsers_are_bots(agent: str) -> None:
    assert read_agent(agent).bot


@pytest.mark.parametrize(
    "agent",
    [
        "curl/8.5.0",
        "Wget/1.21.3",
        "python-requests/2.32.0",
        "Python-urllib/3.11",
        "python-httpx/0.28.1",
        "Python/3.12 aiohttp/3.9.5",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "axios/1.7.2",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "undici",
        "Java/21.0.1",
        "Apache-HttpClient/5.3 (Java/21)",
        "GuzzleHttp/7",
        "PostmanRuntime/7.39.0",
        "Ruby",
        "Faraday v2.9.0",
        "libwww-perl/6.77",
        "Dart/3.4 (dart:io)",
    ],
)
def test_http_libraries_are_known_and_no_bots(agent: str) -> None:
    assert read_agent(agent).library
    assert not read_agent(agent).bot


@pytest.mark.parametrize("agent", [CHROME, IPHONE, IPAD, PIXEL, MAC, TELEVISION, "", "Javanese/1.0", "RubyBrowser/2"])
def test_browsers_are_neither(agent: str) -> None:
    assert not read_agent(agent).library


@pytest.mark.parametrize("agent", [CHROME, IPHONE, IPAD, PIXEL, MAC, TELEVISION, ""])
def test_browsers_are_no_bots(agent: str) -> None:
    assert not read_agent(agent).bot


@given(st.text(max_size=50), st.integers(1, 100))
def test_no_user_agent_breaks_it(text: str, times: int) -> None:
    """S8."""
    read_agent(text * times)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"country_code": "DE"}, "DE"),
        ({"country": {"iso_code": "FR"}}, "FR"),
        ({"country_code": ""}, "unknown"),
        ({"country_code": "de"}, "unknown"),
        ({"country": {}}, "unknown"),
        ({}, "unknown"),
        (None, "unknown"),
        ("DE", "unknown"),
    ],
)
def test_a_country_is_two_capital_letters_or_unknown(found: Any, expected: str) -> None:
    assert places_from(lambda address: found)("203.0.113.9") == (expected, "", "")


@pytest.mark.parametrize(
    ("found", "region", "city"),
    [
        (
            {"subdivisions": [{"iso_code": "BE"}], "city": {"names": {"de": "Berlin (DE)", "en": "Berlin"}}},
            "DE-BE",
            "Berlin",
        ),
        ({"subdivisions": [{"iso_code": "ENG"}, {"iso_code": "LND"}]}, "DE-ENG", ""),  # the largest
        ({"subdivisions": [{"iso_code": "DE-BY"}]}, "DE-BY", ""),
        ({"subdivisions": [{"iso_code": "75"}], "city": {"names": {"fr": "Paris"}}}, "DE-75", ""),
        ({"subdivisions": [{"names": {"en": "Land Berlin"}}]}, "Land Berlin", ""),
        ({"subdivisions": [{"iso_code": "not a code", "names": {"en": "Hesse"}}]}, "Hesse", ""),
        ({"state1": "Bavaria", "city": " New  Ulm "}, "Bavaria", "New Ulm"),
        ({"subdivisions": [], "city": ""}, "", ""),
        ({"subdivisions": {}, "city": 7}, "", ""),
        ({"subdivisions": [None], "city": {"names": []}}, "", ""),
        ({"city": "x" * 300}, "", "x" * 200),
    ],
)
def test_region_and_city_as_the_database_names_them(found: dict[str, Any], region: str, city: str) -> None:
    assert places_from(lambda address: found | {"country": {"iso_code": "DE"}})("203.0.113.9") == ("DE", region, city)


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.17.0.1", "192.168.1.1", "100.64.0.1", "169.254.0.1", "127.0.0.1", "::1", "fd00::1", "fe80::1"],
)
def test_an_address_that_nobody_has_outside_is_nowhere(address: str) -> None:
    """As of a container's bridge, which a registry's database puts into the registry's country."""
    place = places_from(lambda _: {"country_code": "AU"})
    assert (place(address), place("172.15.0.1").country) == (NO_PLACE, "AU")


def test_no_address_is_nowhere() -> None:
    def refuse(address: str) -> Any:
        raise ValueError(address)

    assert places_from(refuse)("not an address") == NO_PLACE


def test_one_database_of_cities_answers_all(tmp_path: Path) -> None:
    path = tmp_path / "city.mmdb"
    path.write_bytes(
        mmdb(
            {
                "203.0.113.0/25": {
                    "country": {"iso_code": "DE"},
                    "subdivisions": [{"iso_code": "BE"}],
                    "city": {"names": {"en": "Berlin"}},
                },
                "203.0.113.128/25": {"country_code": "FR"},
            }
        )
    )
    place = open_places(path)
    assert place("203.0.113.9") == ("DE", "DE-BE", "Berlin")
    assert place("203.0.113.200") == ("FR", "", "")
    assert place("198.51.100.1") == place("2001:db8::1") == NO_PLACE


def test_a_missing_database_knows_nothing(tmp_path: Path) -> None:
    assert open_places(None)("203.0.113.9") == NO_PLACE
    assert open_places(tmp_path / "none.mmdb")("203.0.113.9") == NO_PLACE


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "countries.mmdb"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"countries\.mmdb is not a country database"):
        open_places(path)
