"""What JavaScript can put into an event, through the real script: whatever can be counted is."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.site import Counted
from tests.browser.web import Web, eventually

pytestmark = [pytest.mark.browser, pytest.mark.services]

# Expressions whose value may stand in `data`. A string's characters include halves of pairs, NUL and what looks like
# an escape of JSON.
CHARACTERS = [
    r"\ud83d",
    r"\ude00",
    r"\ud83d\ude00",
    r"\0",
    r"\\ud83d",
    r"\\",
    r"\"",
    r"\n",
    r"\u2028",
    r"\ufeff",
    "é",
    "a",
]
LEAVES = [
    *("null", "undefined", "true", "NaN", "-Infinity", "-0", "0", "1e21", "1e-7", "5e-324", "0.1 + 0.2", "2 ** 53"),
    *("19.9 * 3", "Number.MAX_VALUE", "new Date(0)", "new Date(NaN)", "() => 1", "Symbol('s')", "[]", "{}", "/x/"),
    *(
        "Object.create(null)",
        "Object.assign(Object.create(null), {a: 1})",
        "new Map([[1, 2]])",
        "new Float64Array([0.5])",
    ),
    *("{toJSON() { return 'own' }}", "{toJSON() { return undefined }}", "Object('boxed')", "Object(1.5)", "[,1]"),
    *(
        "document.body",
        "window.navigator",
        "new Error('e')",
        "new URL('https://a.de/')",
        "JSON.parse('{\"__proto__\": 1}')",
    ),
]
TYPES = [
    *(
        "`half ${'\\ud83d'}`",
        "'ثبت\\u200cنام'",
        "'\\u200fשלום'",
        "'two\\n\\u3000 words'",
        "404",
        "{toString: () => 'object'}",
    ),
    *("null", "['a', 'b']", "'👩\\u200d💻'", "' trimmed\\u00a0'", "Object('boxed type')", "1e21", "true"),
]
SAID = "all => all.map((one) => JSON.stringify(eval('(' + one + ')')))"


def kept(value: Any) -> Any:
    """As it is stored: no half of a pair, no NUL."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff\0]", "\ufffd", value)
    if isinstance(value, list):
        return [kept(one) for one in value]
    return {kept(name): kept(one) for name, one in value.items()} if isinstance(value, dict) else value


def values(count: int) -> Iterator[str]:
    """Objects of one to three members that are leaves, strings, lists or objects; always the same ones."""
    chance = random.Random(11)

    def string() -> str:
        return '"' + "".join(chance.choices(CHARACTERS, k=chance.randrange(6))) + '"'

    def value(depth: int) -> str:
        kind = chance.randrange(6 if depth else 4)
        if kind < 2:
            return chance.choice(LEAVES)
        if kind < 4:
            return string()
        inner = [value(depth - 1) for _ in range(chance.randrange(3))]
        if kind == 4:
            return "[" + ", ".join(inner) + "]"
        return "{" + ", ".join(f"[{string()} + {n}]: {one}" for n, one in enumerate(inner)) + "}"

    for _ in range(count):
        yield "{" + ", ".join(f"m{n}: {value(2)}" for n in range(chance.randrange(1, 4))) + "}"


def test_whatever_javascript_puts_into_an_event_is_counted(tab: Tab, web: Web, site: Counted) -> None:
    data = list(values(200))
    tab.goto(web.page("/"))
    said = [kept(json.loads(one)) for one in tab.evaluate(SAID, data)]
    types = [kept(json.loads(one)) for one in tab.evaluate(SAID, [f"'' + ({one})" for one in TYPES])]
    tab.evaluate("types => types.forEach((type) => throughline.track(eval('(' + type + ')')))", TYPES)
    tab.evaluate("data => data.forEach((one, n) => throughline.track('d' + n, eval('(' + one + ')')))", data)
    events = counted(site, len(TYPES) + len(data) + 1)
    named = [" ".join(type_.split()) for type_ in types]
    assert sorted(event["type"] for event in events) == sorted(["pageview", *named, *(f"d{n}" for n in range(200))])
    found = {event["type"]: event["data"] for event in events}
    for number, (expected, expression) in enumerate(zip(said, data, strict=True)):
        assert (found[f"d{number}"] or {}) == expected, expression


def test_amounts_and_transactions_as_javascript_has_them(tab: Tab, web: Web, site: Counted) -> None:
    amounts = {
        "19.9 * 3": 59.7,
        "String(0.1 + 0.2)": 0.3,
        "1e-7": 0.0,
        "(1.00005).toString()": 1.0001,
        "-(1.00005)": -1.0001,
        "(19.9).toFixed(20)": 19.9,
        "1 / 3": 0.3333,
        "Object(5)": 5.0,
        "-0": 0.0,
        "5.97e1.toExponential()": 59.7,
    }
    tab.goto(web.page("/"))
    tab.evaluate(
        """amounts => amounts.forEach((amount, n) => throughline.track("buy" + n, null,
        {revenue: {amount: eval(amount), transaction: 1000.5 + n}}))""",
        list(amounts),
    )
    found = {event["type"]: event["revenue"] for event in counted(site, len(amounts) + 1)}
    for number, (expression, amount) in enumerate(amounts.items()):
        revenue = found[f"buy{number}"]
        assert (revenue["amount"], revenue["transaction"]) == (amount, f"{1000.5 + number}"), expression


@pytest.mark.parametrize(
    "odd",
    [
        "document.title = 'Summer sale \\ud83d'",
        "document.title = 'a\\0b' + 'x'.repeat(5000)",
        "Date.now = () => performance.timeOrigin + performance.now()",
        "const then = Date.now; Date.now = () => then() - 2e12",  # a clock before 1970
        "Object.defineProperty(screen, 'width', {get: () => 1440.5})",
        "Object.defineProperty(screen, 'width', {get: () => undefined})",
        "history.replaceState({}, '', '?utm_source=news&state=' + 'x'.repeat(9000))",
        "history.replaceState({}, '', '/#' + '\\ud83d'.repeat(100))",
        "Object.defineProperty(document, 'referrer', {get: () => 'https://a.de/' + 'x'.repeat(9000)})",
        "Object.defineProperty(document, 'referrer', {get: () => 'no \\ud83d url'})",
        "Object.prototype.extra = 1",
        "Number.prototype.toJSON = function () { return this + 0.25 }",
        "localStorage.setItem('throughline:' + 'site', '\\ud83d')",
    ],
)
def test_a_page_that_chose_none_of_it_is_counted(tab: Tab, web: Web, site: Counted, odd: str) -> None:
    tab.goto(web.page("/", head=f"<script>{odd}</script>"))
    tab.evaluate("throughline.track('after', {n: 1})")
    events = counted(site, 2)
    assert sorted(event["type"] for event in events) == ["after", "pageview"]
    assert {event["page"] for event in events} == {"/"}


def test_what_cannot_be_said_as_json_costs_only_itself(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/"))
    tab.evaluate(
        """() => {
          const cycle = {}; cycle.cycle = cycle;
          for (const data of [cycle, {n: 1n}, {get thrown() { throw 1 }}, {toJSON() { throw 1 }}, "text", [1], 5,
            {long: "x".repeat(5000)}, Object.fromEntries(Array.from({length: 33}, (_, n) => [n, n]))])
            throughline.track("no", data);
          throughline.track("yes", {n: 1});
        }"""
    )
    assert {event["type"] for event in counted(site, 2)} >= {"pageview", "yes"}


def counted(site: Counted, least: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = eventually(site.events, lambda events: len(events) >= least, 60.0)
    return found


def test_a_body_of_required_fields_from_an_instrumented_page_is_in_its_order(tab: Tab, web: Web, site: Counted) -> None:
    """Twenty bodies, each a visitor's, so that no order is right by chance."""
    tab.goto(web.page("/", script=None))
    answers = tab.evaluate(
        """async ([endpoint, site, page]) => {
          const event = (type, path) => ({site, type, url: page + path});
          const body = [
            event("pageview", "land?utm_source=Ads"), event("add", ""), event("buy", ""), event("pageview", "last"),
          ];
          const headers = {traceparent: "00-a-b-01", baggage: "a=b", "sentry-trace": "a"};
          const told = [];
          for (let n = 0; n < 20; n++) {
            const answer = await fetch(endpoint, {
              method: "POST",
              body: JSON.stringify(body.map((event) => ({...event, visitor: n}))),
              headers,
            });
            told.push((await answer.json()).accepted);
          }
          return told;
        }""",
        [f"{site.stack.url}/e", web.tracking_id, f"{web.url}/"],
    )
    assert answers == [4] * 20
    counted(site, 80)
    told = {(one["source"], one["entry_page"], one["exit_page"]) for one in site.sessions()}
    assert told == {("ads", "/land", "/last")}
    funnel = site.answer("custom-event-funnel", "?steps[]=add&steps[]=buy")
    assert (funnel["steps"][0]["sessions"], funnel["conversion_pct"]) == (20, 100)
