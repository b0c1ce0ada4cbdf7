"""The demo shop and the people around it: what it sells, where they come from, what they hold."""

from dataclasses import dataclass
from typing import NamedTuple

NAME = "Kiln & Clay"
DOMAIN = "kilnandclay.example"
ORIGIN = "https://kilnandclay.example"
CURRENCY = "EUR"


class Product(NamedTuple):
    slug: str
    category: str
    price: str


PRODUCTS = (
    Product("stoneware-mug", "mugs", "24.00"),
    Product("espresso-cup", "mugs", "18.50"),
    Product("travel-cup", "mugs", "32.00"),
    Product("dinner-plate", "plates", "29.90"),
    Product("serving-platter", "plates", "64.00"),
    Product("pasta-bowl", "bowls", "34.50"),
    Product("salad-bowl", "bowls", "58.00"),
    Product("bud-vase", "vases", "27.00"),
    Product("floor-vase", "vases", "149.00"),
    Product("teapot", "tea", "79.00"),
)
ARTICLES = ("/journal/how-we-glaze", "/journal/a-day-at-the-wheel", "/journal/caring-for-stoneware")
SEARCHES = ("mug", "blue vase", "teapot", "gift", "plates set", "espresso", "matcha bowl")


@dataclass(frozen=True)
class Source:
    """A way into the shop; `intent` scales how far its people go, `landing` is where they arrive."""

    weight: float
    referrer: str
    query: str
    landing: tuple[str, ...]
    intent: float
    since_day: int = 0  # a campaign begins on this day of the 30


_HOME = ("/",)
_SHELVES = ("/shop/mugs", "/shop/plates", "/shop/vases", "/shop/tea")
SOURCES = (
    Source(22, "", "", ("/", "/", "/shop/mugs", "/account"), 1.15),
    Source(24, "https://www.google.com/", "", (*_SHELVES, "/", *ARTICLES), 1.0),
    Source(9, "https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=spring-sale", _SHELVES, 1.25),
    Source(4, "https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=x", _HOME, 1.6),
    Source(8, "", "utm_source=newsletter&utm_medium=email&utm_campaign=weekly", ("/shop/vases", *ARTICLES), 1.5),
    Source(3, "", "utm_source=newsletter&utm_medium=email&utm_campaign=welcome", _HOME, 1.3, 6),
    Source(
        10, "https://l.instagram.com/", "utm_source=ig&utm_campaign=new-glazes", ("/shop/vases", "/shop/mugs"), 0.45, 12
    ),
    Source(6, "https://www.facebook.com/", "fbclid=x", ("/", "/shop/plates"), 0.5),
    Source(4, "https://www.bing.com/", "", _SHELVES, 0.9),
    Source(3, "https://duckduckgo.com/", "", (*_SHELVES, *ARTICLES), 0.95),
    Source(3, "https://www.pinterest.com/", "", ("/shop/vases", "/shop/bowls"), 0.6),
    Source(2, "https://t.co/abc", "", ARTICLES, 0.35),
    Source(2, "https://slowtable.example/best-mugs", "", ("/product/stoneware-mug",), 1.4),
    Source(2, "https://chatgpt.com/", "utm_source=chatgpt.com", ("/product/teapot", "/shop/tea"), 1.1, 4),
)


class Country(NamedTuple):
    weight: float
    network: str  # the first two bytes of a large provider's addresses


COUNTRIES = (
    Country(34, "91.20"),  # Germany
    Country(12, "90.45"),  # France
    Country(11, "73.120"),  # United States
    Country(10, "86.140"),  # United Kingdom
    Country(7, "91.113"),  # Austria
    Country(6, "85.3"),  # Switzerland
    Country(5, "83.50"),  # Spain
    Country(5, "79.30"),  # Italy
    Country(4, "83.10"),  # Poland
    Country(3, "90.230"),  # Sweden
    Country(2, "126.80"),  # Japan
    Country(1, "1.130"),  # Australia
)


class Agent(NamedTuple):
    weight: float
    text: str
    screen: tuple[int, int]


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
AGENTS = (
    Agent(24, f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1", (390, 844)),
    Agent(4, f"{_IPHONE} CriOS/138.0.7204.33 Mobile/15E148 Safari/604.1", (430, 932)),
    Agent(17, f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/138.0.0.0 Mobile Safari/537.36", (412, 915)),
    Agent(
        5,
        f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {_WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 "
        "Mobile Safari/537.36",
        (384, 854),
    ),
    Agent(
        4,
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 "
        "Mobile/15E148 Safari/604.1",
        (820, 1180),
    ),
    Agent(20, f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/138.0.0.0 Safari/537.36", (1920, 1080)),
    Agent(
        6,
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
        (1536, 864),
    ),
    Agent(4, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", (1920, 1080)),
    Agent(
        10,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Safari/605.1.15",
        (1440, 900),
    ),
    Agent(4, f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Chrome/138.0.0.0 Safari/537.36", (1728, 1117)),
    Agent(2, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", (2560, 1440)),
)
