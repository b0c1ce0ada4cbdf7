"""A small site with some of everything, imported, so that each panel has numbers to show."""

import json
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.browser.site import Counted
from tests.browser.web import eventually
from tests.deploy.stack import Stack

HOSTILE = "<img src=x onerror=alert(1)>"
MINUTE = 60_000
DAY = 86_400_000
TOUCHES = ["utm_source=news&utm_campaign=May", "utm_source=news&utm_campaign=June", "gclid=1", "utm_source=ads", ""]
PAGES = ["/", "/pricing", "/blog/a", "/blog/b"]


def events(domain: str, now: int) -> Iterator[dict[str, Any]]:
    """120 visitors over 20 days, a few of them today; seeded."""
    random = Random(5)
    for visitor in range(120):
        start = now - MINUTE * 90 - (random.randrange(20 * DAY) if visitor % 6 else random.randrange(MINUTE * 30))
        touch = random.choice(TOUCHES)
        common = {"visitor": f"v{visitor}"}
        at = start
        for step in range(random.choice([1, 1, 2, 3, 5])):
            page = random.choice(PAGES)
            url = f"https://{domain}{page}" + (f"?{touch}" if step == 0 and touch else "")
            view = f"{visitor}-{step}"
            yield {**common, "type": "pageview", "at": at, "url": url, "view": view, "title": f"Page {page}"}
            at += random.randrange(5_000, MINUTE)
            scroll, engaged = random.randrange(10, 101), random.randrange(1_000, 40_000)
            passive = {"view": view, "scroll": scroll, "engaged_ms": engaged}
            yield {**common, **passive, "type": "engagement", "at": at, "url": url}
            if step == 1:
                yield {
                    **common,
                    "type": "add_to_cart",
                    "at": at + 1,
                    "url": url,
                    "data": {"item": {"sku": "a"}, "n": 2},
                }
            if step == 2:
                amount = {"amount": f"{random.randrange(500, 9000) / 100:.2f}", "transaction": f"o-{visitor}"}
                currency = {"currency": "USD"} if visitor % 7 == 0 else {}
                revenue = {"revenue": {**amount, **currency}}
                yield {**common, **revenue, "type": "purchase", "at": at + 2, "url": url}
            at += 1_000


def hostile_events(domain: str, now: int) -> Iterator[dict[str, Any]]:
    """One visitor all of whose strings want to run."""
    common = {"visitor": "bad", "url": f"https://{domain}/{HOSTILE}?utm_source={HOSTILE}&utm_campaign={HOSTILE}"}
    yield {
        **common,
        "type": "pageview",
        "at": now - 4_000,
        "title": HOSTILE,
        "referrer": f"https://x.example/{HOSTILE}",
    }
    yield {**common, "type": HOSTILE, "at": now - 3_000, "data": {HOSTILE: HOSTILE}}
    yield {**common, "type": HOSTILE + "2", "at": now - 2_000, "url": "https://javascript:alert(1)@" + domain + "/"}


def imported(stack: Stack, domain: str, name: str, make: Any) -> Counted:
    """A site with these events, all of them counted."""
    made = stack.request("POST", "/api/sites", {"name": name, "domain": domain})
    assert made.status == 201, made.body
    site = made.json()
    answer = stack.request(
        "PATCH", f"/api/sites/{site['id']}", {"settings": {"revenue": {"currency": "EUR", "type": None}}}
    )
    assert answer.status == 200, answer.body
    lines = sorted(make(domain, int(time.time() * 1000)), key=lambda event: int(event["at"]))
    text = "".join(json.dumps({"site": site["tracking_id"], **line}) + "\n" for line in lines)
    stack.command("import", "-", "--format", "events", "--site", str(site["id"]), stdin=text)
    shop = Counted(stack, answer.json())
    eventually(lambda: shop.answer("dashboard")["total_sessions"], lambda sessions: sessions > 0, 60)
    return shop
