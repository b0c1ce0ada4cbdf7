"""Seeded traffic of a few sites: each event as it is posted, beside the fact that it must become."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from tests.oracle.fact import DAY, MINUTE, Fact, Money

# (referrer, query) → (source, campaign), medium, term, content, channel
NONE = "(none)"
TOUCHES = [
    ("", "", "direct", NONE, NONE, NONE, NONE, "Direct"),
    ("https://www.google.com/search?q=x", "", "google", NONE, NONE, NONE, NONE, "Organic Search"),
    ("https://t.co/abc", "", "x", NONE, NONE, NONE, NONE, "Organic Social"),
    ("https://news.blog.co.uk/post", "", "blog.co.uk", NONE, NONE, NONE, NONE, "Referral"),
    ("https://www.shop.example/other", "", "direct", NONE, NONE, NONE, NONE, "Direct"),
    (
        "https://l.facebook.com/",
        "?utm_source=fb&utm_campaign=Spring&UTM_MEDIUM=Paid_Social&utm_content=Blue%20Ad",
        "facebook",
        "Spring",
        "paid_social",
        NONE,
        "Blue Ad",
        "Paid Social",
    ),
    ("", "?UTM_Source=Newsletter&utm_campaign=Week 7", "newsletter", "Week 7", NONE, NONE, NONE, "Email"),
    (
        "",
        "?gclid=abc&utm_campaign=Spring&utm_term=Shoe+Shop",
        "google",
        "Spring",
        NONE,
        "Shoe Shop",
        NONE,
        "Paid Search",
    ),
    ("https://192.168.7.9/x", "", "192.168.7.9", NONE, NONE, NONE, NONE, "Referral"),
    ("https://chatgpt.com/", "?utm_medium=CPM&utm_term=100%25", "chatgpt", NONE, "cpm", "100%", NONE, "Display"),
]
HOSTS = ["www.shop.example", "shop.example", "blog.shop.example"]
AGENTS = [
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Mobile/15E148 Safari/604.1",
        "Phone",
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/16.6 Mobile/15E148 Safari/604.1",
        "Tablet",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
        "Safari/537.36",
        "Desktop",
    ),
]
PATHS = ["/", "/pricing", "/pricing/", "/blog//post", "/blog/%7Ejoe", "/Über uns", "/checkout?step=2#top"]
PAGES = ["/", "/pricing", "/pricing", "/blog/post", "/blog/~joe", "/%C3%9Cber%20uns", "/checkout"]
CUSTOM = ["signup", "add_to_cart", "purchase", "form_start", "form_submit", "Ünïcode 😀 type"]


@dataclass(frozen=True)
class Sent:
    """`body` is a line of `import --format events` (also a body of POST /e, without ip and user_agent)."""

    body: dict[str, Any]
    fact: Fact

    @property
    def line(self) -> str:
        return json.dumps(self.body, ensure_ascii=False)


class Traffic:
    """Draws events; the same seed draws the same events."""

    def __init__(self, seed: int, sites: dict[str, str]) -> None:
        """`sites`: site id → tracking id, each with the domain shop.example."""
        self.random = Random(seed)
        self.sites = sites
        self.count = 0

    def visitor(self, site: str, name: str, start: int, sessions: int) -> Iterable[Sent]:
        """One visitor's events in order of time, from `start` on; gaps lie at and around every boundary of the rule."""
        random = self.random
        agent = random.choice(AGENTS)
        time = start
        for _ in range(sessions):
            touch = random.choice(TOUCHES)
            for index in range(random.choice([1, 1, 2, 3, 5, 9])):
                step = self._step(site, name, time, agent, touch if index == 0 else TOUCHES[0])
                yield from step
                time = max(sent.fact.time for sent in step)
                time += random.choice([0, 1, 900, 20_000, MINUTE, 29 * MINUTE, 30 * MINUTE])
            time += random.choice([30 * MINUTE + 1, 31 * MINUTE, 5 * 60 * MINUTE, DAY - 1, 2 * DAY])

    def _step(self, site: str, name: str, time: int, agent: tuple[str, str], touch: tuple[str, ...]) -> list[Sent]:
        random = self.random
        index = random.randrange(len(PATHS))
        view = f"v{random.randrange(10**9)}"
        kind = random.choice(["pageview"] * 5 + CUSTOM)
        made = [self._event(site, name, kind, time, index, view, agent, touch)]
        for _ in range(random.choice([0, 0, 1, 2])):
            # engagement comes at once, in the middle, just within reach, or just out of it
            later = time + random.choice([0, 1, 5_000, 45_000, 30 * MINUTE, 30 * MINUTE + 1])
            made.append(
                self._event(site, name, "engagement", later, index, random.choice([view, view, ""]), agent, touch)
            )
        return made

    def _event(
        self,
        site: str,
        name: str,
        kind: str,
        time: int,
        index: int,
        view: str,
        agent: tuple[str, str],
        touch: tuple[str, ...],
    ) -> Sent:
        random = self.random
        self.count += 1
        referrer, query, source, campaign, medium, term, content, channel = touch
        # A site may have another domain, so that only the page's own host makes a referrer its own.
        host = HOSTS[0 if HOSTS[0] in referrer else self.count // 9 % 3]
        path, page = PATHS[index], PAGES[index]
        url = f"https://{host}{path}" + (query if "?" not in path else query.replace("?", "&", 1))
        if "#" in path and query:
            url = f"https://{host}/checkout{query}"
        event_id = f"{name}-{self.count}"
        body: dict[str, Any] = {
            "site": self.sites[site],
            "id": event_id,
            "type": kind,
            "at": time,
            "seq": self.count % 7,
            "visitor": name,
            "view": view,
            "url": url,
            "referrer": referrer,
            "user_agent": agent[0],
        }
        scroll = engaged = data = money = None
        if kind == "engagement":
            scroll = random.choice([None, 0, 24.99, 25, 50, 74.5, 97.99, 98, 100])
            engaged = random.choice([None, 0, 900, 15_000, 40_000])
            body |= {"scroll": scroll} if scroll is not None else {}
            body |= {"engaged_ms": engaged} if engaged is not None else {}
        elif kind != "pageview":
            data = random.choice([None, {"plan": "pro", "cart": {"size": 2, "tags": ["a"]}}, {"a.b": 1}])
            body |= {"data": data} if data is not None else {}
        if kind == "purchase":
            money = Money(
                random.choice([Decimal("19.90"), Decimal("0.0001"), Decimal("1000"), Decimal("-5.5"), Decimal("0")]),
                random.choice(["", "EUR", "EUR", "USD"]),
                random.choice([f"o-{random.randrange(200)}", event_id]),
            )
            body["revenue"] = {"amount": str(money.amount), "transaction": money.transaction} | (
                {"currency": money.currency} if money.currency else {}
            )
        depth = None if scroll is None else Decimal(100) if scroll >= 98 else Decimal(str(scroll))
        fact = Fact(
            site=site,
            visitor=name,
            id=event_id,
            type=kind,
            time=time,
            received=0,
            seq=body["seq"],
            view=view,
            page=page,
            source=source,
            campaign=campaign,
            medium=medium,
            term=term,
            content=content,
            channel=channel,
            hostname=host.removeprefix("www."),
            device=agent[1],
            data=data,
            scroll=depth,
            engaged_ms=engaged,
            money=money,
        )
        return Sent(body, fact)

    def draw(self, events: int, start: int, days: int) -> list[Sent]:
        """At least `events` events of many visitors, in order of time, all sites mixed."""
        drawn: list[Sent] = []
        names = 0
        while len(drawn) < events:
            names += 1
            site = self.random.choice(list(self.sites))
            first = start + self.random.randrange(days * DAY)
            drawn += self.visitor(site, f"p{names}", first, self.random.choice([1, 1, 2, 4]))
        return sorted(drawn, key=lambda sent: sent.fact.order)

    def shuffled(self, drawn: list[Sent], duplicates: float = 0.05) -> list[Sent]:
        """The same events out of order by up to 24 h, some of them more than once; none becomes late by it."""
        random = self.random
        arrivals = [(sent.fact.time + random.randrange(DAY), sent) for sent in drawn]
        arrivals += [
            (sent.fact.time + random.randrange(DAY), sent)
            for sent in random.sample(drawn, int(len(drawn) * duplicates))
        ]
        return [sent for _, sent in sorted(arrivals, key=lambda arrival: arrival[0])]
