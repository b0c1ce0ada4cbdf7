"""Pages that have changed the language under the script's feet: every event arrives as ever."""

from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from tests.browser.conftest import Open
from tests.browser.site import Counted
from tests.browser.web import Web, eventually

pytestmark = [pytest.mark.browser, pytest.mark.services]

# What Prototype.js 1.6 puts on everything, so that its own Object.toJSON can call it.
PROTOTYPE = """
    Object.toJSON = object => JSON.stringify(object);
    Array.prototype.toJSON = function () { return '[' + this.map(one => Object.toJSON(one)).join(', ') + ']' };
    String.prototype.toJSON = function () { return '"' + this + '"' };
    Number.prototype.toJSON = function () { return isFinite(this) ? this.toString() : 'null' };
    Array.from = iterable => { const made = [];
        for (let n = 0; n < iterable.length; n++) made.push(iterable[n]); return made };
    Object.keys = object => { const keys = []; for (const key in object) keys.push(key); return keys };
    Array.prototype.each = function (step) { this.forEach(step); return this };
    Array.prototype.include = Array.prototype.includes; Array.prototype.find = function (test) {
        let found; this.each(one => { if (found === undefined && test(one)) found = one }); return found };
"""
CASES = {
    "as ever": "",
    "Prototype.js": PROTOTYPE,
    "String": "String.prototype.toJSON = function () { return '\"' + this + '\"' }",
    "Array": "Array.prototype.toJSON = function () { return String(this) }",
    "Number and Boolean": """Number.prototype.toJSON = function () { return 'n' + this };
        Boolean.prototype.toJSON = function () { return 'b' + this }""",
    "Object": "Object.prototype.toJSON = function () { return 'object' }",
    "everything": "for (const kind of [Object, Array, String, Number]) kind.prototype.toJSON = () => 'no'",
    "enumerable": "Object.prototype.each = () => 0; Object.prototype.extra = 'more'; Array.prototype.last = () => 0",
    "once": "Object.prototype.once = true; Object.prototype.signal = 'x'",
    "Map and Set": "function Set() {} function Map() {} window.Set = Set; window.Map = Map; window.WeakSet = undefined",
    "console": "window.console = undefined",
    "fetch": """const real = fetch; window.fetch = (input, init = {}) =>
        real(input, {...init, headers: {...init.headers, 'X-Trace': '1'}})""",
    "frozen": "Object.freeze(history)",
}
DATA = {"text": 'a "b" \\ é \u2028', "number": 1.5, "yes": True, "list": [1, "two", [None]], "deep": {"a": {"b": "c"}}}


def sent(tab: Tab, web: Web, site: Counted, head: str) -> list[dict[str, Any]]:
    tab.goto(web.page("/page", "<p>text</p>", head=f"<script>{head}</script>") + "?utm_source=news")
    tab.evaluate(
        """() => throughline.track('made', {text: 'a "b" \\\\ é \u2028', number: 1.5, yes: true,
        list: [1, 'two', [null]], deep: {a: {b: 'c'}}}, {revenue: {amount: 19.9, currency: 'EUR'}})"""
    )
    eventually(lambda: [event["type"] for event in web.gate.events], lambda types: {"pageview", "made"} <= set(types))
    eventually(lambda: site.ledger()["counted"], lambda counted: counted >= 2)
    return [event for event in web.gate.events if event["type"] in ("pageview", "made")]


@pytest.mark.parametrize("case", CASES)
def test_every_event_arrives_as_ever(case: str, tab: Tab, web: Web, site: Counted) -> None:
    pageview, made = sent(tab, web, site, CASES[case])
    assert (pageview["site"], pageview["title"]) == (web.tracking_id, "Shop")
    assert pageview["url"] == f"{web.url}/page?utm_source=news"
    assert [type(side) for side in pageview["screen"]] == [int, int]
    assert isinstance(pageview["at"], int) and isinstance(pageview["seq"], int)
    assert made["data"] == DATA
    assert made["revenue"] == {"amount": 19.9, "currency": "EUR"}
    assert [event["type"] for event in site.wait("pageview", "made")]


def test_what_knows_its_own_json_is_asked_for_it(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", head=f"<script>{PROTOTYPE}</script>"))
    tab.evaluate(
        """throughline.track('made', {date: new Date(0), url: new URL('https://a.example/b'),
        big: {toJSON: () => '12.50'}})"""
    )
    events = site.wait("pageview", "made")
    assert events[-1]["data"] == {"date": "1970-01-01T00:00:00.000Z", "url": "https://a.example/b", "big": "12.50"}


def test_a_page_whose_title_is_hidden_by_a_field(tab: Tab, web: Web, site: Counted) -> None:
    tab.goto(web.page("/", '<img name="title" src="data:,"><form name="referrer"></form>'))
    site.wait("pageview")


@pytest.mark.parametrize("length", [9_000, 30_000, 70_000])
def test_long_addresses_and_titles_are_sent(length: int, visitor: Open, web: Web, site: Counted) -> None:
    tab = visitor().new_page()
    tab.goto(web.page("/", head="<script>document.title = '🎉' + 'x'.repeat(5000)</script>"))
    eventually(lambda: web.gate.events, bool)
    tab.evaluate("length => history.pushState(null, '', '/two?utm_source=news&state=' + 'x'.repeat(length))", length)
    tab.evaluate("throughline.track('there')")
    tab.evaluate("history.pushState(null, '', '/three')")
    tab.evaluate("throughline.track('here')")
    events = eventually(
        lambda: {event["id"]: event for event in web.gate.events}.values(),
        lambda events: (
            sorted(e["type"] for e in events if e["type"] != "engagement")
            == ["here", "pageview", "pageview", "pageview", "there"]
        ),
    )
    two = [event for event in events if event["url"].startswith(f"{web.url}/two?utm_source=news&state=x")]
    assert [event["type"] for event in two if event["type"] != "engagement"] == ["pageview", "there"]
    assert all(len(event["url"]) <= 64 * 1024 and 1000 < len(event.get("title", "x" * 2000)) < 4000 for event in events)
    assert [
        event["referrer"] for event in events if event["url"].endswith("/three") and event["type"] == "pageview"
    ] == [f"{web.url}/two"], "of a referrer the query is nobody's business"
