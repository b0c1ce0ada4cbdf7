"""docs/api.md asks real questions. `WRITE_DOCS=1 pytest tests/api/test_guide.py` writes their answers anew."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from api.endpoints import ENDPOINTS
from api.openapi import document
from api.registry.change import create_account, create_key
from rollups.write import Writer
from tests.api.answer.written import event_rows, session_rows
from tests.api.conftest import NOON, PASSWORD, Served
from tests.oracle import sessions as model
from tests.oracle.fact import MINUTE, Fact, Money

PAGE = Path(__file__).parents[2] / "docs/api.md"
EXAMPLE = re.compile(r"^```http\n(\w+) (\S+)\n(?:\n(.*?))?^```\n```(json|csv)\n(.*?)^```$", re.M | re.S)
SITE, TRACKING = "k3v9x1c7", "site_4f9c2m7q1x8v5b3n"
CHANNELS = {"google": "Organic Search", "newsletter": "Email", "direct": "Direct"}
WIDTH = 140
DOCUMENT = document(ENDPOINTS)
WRITE = "WRITE_DOCS" in os.environ


def facts() -> Iterator[Fact]:
    """Four visits of a shop: two of one visitor, an order, and a page that somebody reads just now."""

    def visit(visitor: str, minutes: float, source: str, campaign: str, country: str, device: str) -> Any:
        begin = NOON - round(minutes * MINUTE)

        def event(number: int, after: float, type_: str, page: str, **more: Any) -> Fact:
            at = begin + round(after * MINUTE)
            browser, os = ("Safari", "iOS") if device == "Phone" else ("Firefox", "Linux")
            return Fact(
                site=SITE,
                visitor=visitor,
                id=f"{visitor}-{begin}-{number}",
                type=type_,
                time=at,
                received=at,
                seq=number,
                view=f"v{number}",
                page=page,
                url=f"https://shop.example{page}",
                title=page.strip("/").title() or "Home",
                source=source,
                campaign=campaign,
                channel=CHANNELS[source],
                hostname="shop.example",
                country=country,
                device=device,
                browser=browser,
                os=os,
                **more,
            )

        return event

    ann = visit("ann", 26 * 60, "google", "(none)", "DE", "Phone")
    yield ann(1, 0, "pageview", "/blog/shoes", scroll=Decimal(80))
    yield ann(2, 2, "pageview", "/pricing", scroll=Decimal(40))
    yield ann(3, 3, "add_to_cart", "/pricing", data={"color": "red", "size": {"eu": 38}})
    back = visit("ann", 3 * 60, "newsletter", "june", "DE", "Phone")
    yield back(1, 0, "pageview", "/blog/shoes", scroll=Decimal(100))
    yield back(2, 1, "add_to_cart", "/blog/shoes", data={"color": "blue", "size": {"eu": 38}})
    yield back(3, 4, "purchase", "/checkout", money=Money(Decimal("59.90"), "EUR", "o-17"))
    yield visit("ben", 5 * 60, "direct", "(none)", "FR", "Desktop")(1, 0, "pageview", "/")
    cay = visit("cay", 4, "google", "(none)", "DE", "Desktop")
    yield cay(1, 0, "pageview", "/pricing", scroll=Decimal(25))
    yield cay(2, 2, "pageview", "/pricing", scroll=Decimal(75))


def load(served: Served, site: str, settings: dict[str, Any]) -> None:
    told = list(facts())
    known = model.sites([*told, told[0]], [(SITE, NOON - 60 * MINUTE, "bot")] * 2)[SITE]
    writer = Writer(served.client)
    writer.insert_events("guide", [row._replace(site=site) for row in event_rows(SITE, known)])
    writer.insert_sessions("guide", [row._replace(site=site) for row in session_rows(known, settings)])


@dataclass
class Asking:
    """Who asks: names of the page on one side, those of this run on the other."""

    served: Served
    key: str
    names: dict[str, str]

    def ask(self, method: str, target: str, body: str) -> httpx.Response:
        for shown, real in self.names.items():
            target = target.replace(shown, real)
        parts = urlsplit(target)
        return self.served.http.request(
            method,
            parts.path,
            params=parse_qsl(parts.query),
            content=body,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )

    def told(self, text: str) -> str:
        """An answer in the page's names."""
        for shown, real in self.names.items():
            text = text.replace(real, shown)
        return text


def holds(answer: Any, shown: Any) -> bool:
    """Whether the answer is what is shown; it may have members that are not."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        return all(name in answer and holds(answer[name], value) for name, value in shown.items())
    if isinstance(shown, list) and isinstance(answer, list):
        return len(answer) == len(shown) and all(map(holds, answer, shown))
    return bool(answer == shown)


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON in as few lines as fit."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        inside = [f"{pad}{json.dumps(name)}: {laid_out(each, indent + 4 + len(name))}" for name, each in value.items()]
        inside = [
            text if "\n" not in text else f"{pad}{json.dumps(name)}: {laid_out(each, indent + 2)}"
            for text, (name, each) in zip(inside, value.items(), strict=True)
        ]
    else:
        inside = [pad + laid_out(each, indent + 2) for each in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n" + ",\n".join(inside) + f"\n{' ' * indent}{last}"


def named(target: str) -> list[str]:
    return [name for name, _ in parse_qsl(urlsplit(target).query)]


def parameters(method: str, target: str) -> set[str]:
    """What the OpenAPI document says that may be asked there; a parameter it does not know would be ignored."""
    path = urlsplit(target).path
    for template, methods in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
            return {each["name"] for each in methods[method.lower()].get("parameters", []) if each["in"] == "query"}
    raise AssertionError(f"{method} {path} is not described")


def agrees(language: str, text: str, shown: str) -> bool:
    if language == "csv":
        return text.splitlines() == shown.splitlines()
    return holds(*(without_freshness(json.loads(each)) for each in (text, shown)))


def without_freshness(answer: Any) -> Any:
    """Workers tell it, and there are none."""
    return {**answer, "fresh_as_of": None} if isinstance(answer, dict) and "fresh_as_of" in answer else answer


def test_the_answers_shown_are_real(served: Served) -> None:
    account = create_account(served.registry, "guide@example.com", PASSWORD)
    asking = Asking(served, create_key(served.registry, account.id)[1], {})
    served.learn()
    page, written, end, asked = PAGE.read_text(), [], 0, 0
    for found in EXAMPLE.finditer(page):
        method, target, body, language, shown = found.groups()
        assert set(named(target)) <= parameters(method, target), target
        answer = asking.ask(method, target, body or "")
        if method == "POST" and "tracking_id" in answer.json():
            asking.names |= {SITE: answer.json()["id"], TRACKING: answer.json()["tracking_id"]}
        if method == "PATCH":
            load(served, asking.names[SITE], answer.json()["settings"])
        text = asking.told(answer.text)
        if not WRITE:
            assert answer.is_success == ('"error":' not in shown), f"{target}: {text}"
            assert agrees(language, text, shown), f"{target}: {text}"
        text = laid_out(json.loads(text)) + "\n" if language == "json" else "\n".join([*text.splitlines(), ""])
        written += [page[end : found.start(5)], text]
        end, asked = found.end(5), asked + 1
    assert asked > 15
    if WRITE:
        PAGE.write_text("".join(written) + page[end:])
