"""The simulator: the same seed and moment give the same 30 days of events, oldest first."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.demo.world import (
    AGENTS,
    ARTICLES,
    COUNTRIES,
    CURRENCY,
    ORIGIN,
    PRODUCTS,
    SEARCHES,
    SOURCES,
    Product,
    Source,
)

DAYS = 30
_MINUTE = 60_000
_DAY = 86_400_000
# Visits by hour of the day (UTC, for a European shop) and by weekday, Monday first.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 8, 8, 8, 9, 11, 13, 14, 12, 8, 4)
_WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.05, 1.2, 1.3)

Line = dict[str, Any]


@dataclass
class Person:
    """Somebody with one device, who may come back."""

    visitor: str
    ip: str
    user_agent: str
    screen: tuple[int, int]
    visits: int = 0


@dataclass
class Visit:
    """A visit as it grows: the clock moves with every event."""

    person: Person
    rng: random.Random
    at: int
    lines: list[Line] = field(default_factory=list)
    seq: int = 0
    views: int = 0

    def event(self, type_: str, path: str, **more: Any) -> None:
        self.seq += 1
        self.lines.append(
            {
                "id": f"{self.rng.getrandbits(96):024x}",
                "type": type_,
                "at": self.at,
                "seq": self.seq,
                "visitor": self.person.visitor,
                "view": f"p{self.views}",
                "url": ORIGIN + path,
                "screen": list(self.person.screen),
                "ip": self.person.ip,
                "user_agent": self.person.user_agent,
                **more,
            }
        )

    def wait(self, seconds: float) -> None:
        self.at += max(200, int(seconds * 1000))

    def page(self, path: str, seconds: float, depth: float, **more: Any) -> None:
        """Look at a page for so long and so far down; the script reports that once or twice."""
        self.views += 1
        self.event("pageview", path, **more)
        plain = path.partition("?")[0]
        reports = 2 if seconds > 20 else 1
        for part in range(1, reports + 1):
            self.wait(seconds / reports)
            engaged = int(seconds / reports * 1000 * self.rng.uniform(0.6, 0.98))
            scroll = round(min(100.0, depth * part / reports), 1)
            self.event("engagement", plain, scroll=scroll, engaged_ms=engaged)


def simulate(now: int, seed: int = 7, visits_a_day: int = 190) -> Iterator[Line]:
    """Events of the tracking endpoint, with `ip` and `user_agent`, of the 30 days before `now` (ms), by time."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    people: list[Person] = []
    lines: list[Line] = []
    start = now - DAYS * _DAY
    for day in range(DAYS):
        weekday = (start // _DAY + day + 3) % 7  # 1 January 1970 was a Thursday
        count = visits_a_day * _WEEKDAYS[weekday] * (0.8 + 0.4 * day / DAYS) * rng.uniform(0.9, 1.1)
        for _ in range(int(count)):
            person = _person(rng, people)
            at = start + day * _DAY + _moment(rng, start)
            lines += _visit(rng, person, at, day)
    return iter(
        sorted((line for line in lines if start <= line["at"] < now), key=lambda line: (line["at"], line["id"]))
    )


def _moment(rng: random.Random, start: int) -> int:
    """A moment within 24 h of the day's start, by the hour of the clock."""
    hour = rng.choices(range(24), _HOURS)[0]
    return (hour * 3_600_000 + rng.randrange(3_600_000) - start) % _DAY


def _person(rng: random.Random, people: list[Person]) -> Person:
    if people and rng.random() < 0.34:  # recent people come back more often
        person = people[-1 - int(min(rng.expovariate(1 / 250), len(people) - 1))]
    else:
        agent = rng.choices(AGENTS, [agent.weight for agent in AGENTS])[0]
        country = rng.choices(COUNTRIES, [country.weight for country in COUNTRIES])[0]
        ip = f"{country.network}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}"
        person = Person(f"{rng.getrandbits(64):016x}", ip, agent.text, agent.screen)
        people.append(person)
    person.visits += 1
    return person


def _visit(rng: random.Random, person: Person, at: int, day: int) -> list[Line]:
    sources = [source for source in SOURCES if source.since_day <= day]
    source = rng.choices(sources, [source.weight for source in sources])[0]
    visit = Visit(person, rng, at)
    landing = rng.choice(source.landing)
    arrival = landing + ("?" + source.query if source.query else "")
    intent = source.intent * (1.35 if person.visits > 1 else 1.0) * rng.lognormvariate(0, 0.6)
    more: Line = {"title": _title(landing)}
    if source.referrer:
        more["referrer"] = source.referrer
    if intent < 0.45:  # gone at once
        visit.page(arrival, rng.uniform(1, 9), rng.uniform(5, 45), **more)
        return visit.lines
    visit.page(arrival, _seconds(rng, intent), _depth(rng, intent), **more)
    _browse(visit, intent)
    if intent > 1.0 and rng.random() < 0.34:
        _buy(visit, source, intent)
    elif rng.random() < 0.12:
        _sign_up(visit)
    return visit.lines


def _browse(visit: Visit, intent: float) -> None:
    rng = visit.rng
    for _ in range(min(int(rng.expovariate(1 / (1.7 * intent))), 9)):
        chance = rng.random()
        visit.wait(rng.uniform(0.5, 3))
        if chance < 0.16:
            text = rng.choice(SEARCHES)
            visit.event("search", "/search", data={"query": text, "results": rng.randrange(0, 14)})
            visit.page("/search", _seconds(rng, 0.6), _depth(rng, 0.6), title="Search")
        elif chance < 0.3:
            path = rng.choice(ARTICLES)
            visit.page(path, _seconds(rng, 1.8), _depth(rng, 1.6), title=_title(path))
        elif chance < 0.55:
            product = _product(rng)
            visit.page(
                f"/shop/{product.category}", _seconds(rng, 0.9), _depth(rng, 1.0), title=product.category.title()
            )
            if rng.random() < 0.4:
                colour = rng.choice(["sand", "ink", "moss"])
                visit.event("filter", f"/shop/{product.category}", data={"facet": {"name": "colour", "value": colour}})
        else:
            product = _product(rng)
            path = f"/product/{product.slug}"
            visit.page(path, _seconds(rng, intent), _depth(rng, intent), title=_title(path))
            if rng.random() < 0.1:
                visit.event("wishlist", path, data={"product": product.slug})
            if rng.random() < 0.08:
                visit.event("video_play", path, data={"seconds": rng.randrange(3, 60)})


def _buy(visit: Visit, source: Source, intent: float) -> None:
    """From a product towards an order; at every step some give up."""
    rng = visit.rng
    product = _product(rng)
    path = f"/product/{product.slug}"
    visit.page(path, _seconds(rng, intent), _depth(rng, intent), title=_title(path))
    quantity = rng.choices((1, 2, 4, 6), (60, 22, 12, 6))[0]
    visit.event("add_to_cart", path, data={"product": product.slug, "quantity": quantity})
    visit.wait(rng.uniform(1, 20))
    visit.page("/cart", _seconds(rng, 0.7), 100, title="Cart")
    if rng.random() > 0.6:
        return
    visit.event("checkout_start", "/checkout", data={"items": quantity})
    visit.page("/checkout", _seconds(rng, 1.4), 90, title="Checkout")
    visit.event("form_start", "/checkout", data={"form": "address"})
    visit.wait(rng.uniform(15, 90))
    if rng.random() > 0.72:
        return
    visit.event("form_submit", "/checkout", data={"form": "address"})
    amount = Decimal(product.price) * quantity + (Decimal("4.90") if quantity == 1 else 0)
    order = f"K{rng.randrange(10**7):07d}"
    currency = "CHF" if visit.person.ip.startswith("85.3.") and rng.random() < 0.5 else CURRENCY
    revenue = {"amount": str(amount), "currency": currency, "transaction": order}
    data = {"product": product.slug, "quantity": quantity, "coupon": "SPRING" if "spring" in source.query else None}
    visit.event("purchase", "/checkout/thanks", revenue=revenue, data=data)
    visit.page("/checkout/thanks", rng.uniform(4, 20), 100, title="Thank you")
    if rng.random() < 0.1:  # the page is loaded again and reports its order again: it counts once
        visit.event("purchase", "/checkout/thanks", revenue=revenue, data=data)
    if rng.random() < 0.06:
        visit.wait(rng.uniform(1, 6) * _DAY / 1000)
        part = amount if rng.random() < 0.7 else (amount / 2).quantize(Decimal("0.01"))
        visit.event("refund", "/account/orders", revenue={**revenue, "amount": str(-part)}, data={"reason": "returned"})


def _sign_up(visit: Visit) -> None:
    visit.event("form_start", "/newsletter", data={"form": "newsletter"})
    visit.wait(visit.rng.uniform(4, 30))
    if visit.rng.random() < 0.55:
        visit.event("form_submit", "/newsletter", data={"form": "newsletter"})


def _product(rng: random.Random) -> Product:
    return PRODUCTS[min(int(rng.expovariate(0.35)), len(PRODUCTS) - 1)]


def _seconds(rng: random.Random, intent: float) -> float:
    return min(rng.lognormvariate(math.log(14 * max(intent, 0.3)), 0.8), 400.0)


def _depth(rng: random.Random, intent: float) -> float:
    return min(100.0, rng.betavariate(2.2, 1.6) * 100 * min(1.2, 0.6 + intent * 0.4))


def _title(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2].replace("-", " ").title() or "Kiln & Clay"
