"""`python -m tests.api.record DATA`: asks a running stack's demo shop every question of the API's documentation.

Writes `api/examples.json`: the answers as they came, long lists cut to two entries, secrets replaced.
"""

import http.client
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from api.docs import HOST

FILE = Path(__file__).parents[2] / "api/examples.json"
SHOWN = 2  # entries of a list
SERIES = 3

Pairs = list[tuple[str, str]]


class Stack:
    """`request` answers with status and value; None: no body."""

    def __init__(self, data: Path) -> None:
        run = json.loads((data / "first-run.json").read_text())
        self.run, self.host = run, urlsplit(run["url"]).netloc

    def request(self, method: str, path: str, body: Any = None, pairs: Pairs | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.run['api_key']}", "Content-Type": "application/json"}
            query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
            connection.request(method, path + query, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()


def questions(stack: Stack) -> dict[str, tuple[str, str, Pairs, Any]]:
    """Operation → method, path, query and body; asked in this order."""
    site = max(stack.request("GET", "/api/sites")[1], key=lambda each: each["events_count"])["id"]
    visitor = max(
        stack.request("GET", f"/api/sites/{site}/visitors")[1]["visitors"], key=lambda each: each["events_count"]
    )["id"]
    session = stack.request("GET", f"/api/visitors/{visitor}/sessions")[1]["sessions"][0]["id"]
    today = datetime.now(UTC).date()
    week: Pairs = [("from", str(today - timedelta(days=7))), ("to", str(today - timedelta(days=1)))]
    of = f"/api/sites/{site}"

    def get(path: str, *pairs: tuple[str, str]) -> tuple[str, str, Pairs, Any]:
        return "GET", path, list(pairs), None

    def analytics(name: str, *pairs: tuple[str, str]) -> tuple[str, str, Pairs, Any]:
        return get(f"{of}/analytics/{name}", *week, *pairs)

    return {
        "sites": get("/api/sites"),
        "site": get(of),
        "dashboard": analytics("dashboard", ("filter", "device==Phone")),
        "revenue": analytics("revenue"),
        "over-time": analytics("over-time"),
        "friction": analytics("friction", ("filter", "country==DE|FR")),
        "friction-preview": analytics("friction-preview", ("bouncer_seconds", "5")),
        "breakdown": analytics("breakdown", ("dimension", "entry_page"), ("limit", "2")),
        "goals": analytics("goals"),
        "scroll-depth": analytics("scroll-depth", ("limit", "2")),
        "engagement-funnel": analytics("engagement-funnel", ("url", "/cart")),
        "page-flow": analytics("page-flow", ("url", "/cart")),
        "reach": analytics("reach", ("metric", "event"), ("value", "purchase")),
        "custom-event-types": analytics("custom-event-types"),
        "custom-event-funnel": analytics("custom-event-funnel", ("steps[]", "add_to_cart"), ("steps[]", "purchase")),
        "event-data-keys": get(f"{of}/analytics/event-data-keys", ("type", "search")),
        "event-data-values": analytics("event-data-values", ("type", "search"), ("key", "query")),
        "now": get(f"{of}/analytics/now"),
        "freshness": get(f"{of}/freshness"),
        "retention": get(f"{of}/retention"),
        "visitors": get(f"{of}/visitors"),
        "ledger": get(f"{of}/ledger", *week),
        "visitor-sessions": get(f"/api/visitors/{visitor}/sessions"),
        "session-events": get(f"/api/visitors/{visitor}/sessions/{session}/events"),
        "start-rebuild": ("POST", f"{of}/rebuild", [], None),
        "rebuild": get(f"{of}/rebuild"),
        "me": get("/api/me"),
        "keys": get("/api/keys"),
        "add-site": ("POST", "/api/sites", [], {"name": "Docs", "domain": "docs.example"}),
        "change-site": ("PATCH", "/api/sites/{site}", [], {"settings": {"timezone": "Europe/Berlin"}}),
        "members": get("/api/sites/{site}/members"),
        "invite-member": ("POST", "/api/sites/{site}/members", [], {"email": "ada@example.com", "role": "viewer"}),
        "add-link": ("POST", "/api/sites/{site}/links", [], {"name": "For the board"}),
        "links": get("/api/sites/{site}/links"),
        "revoke-link": ("DELETE", "/api/sites/{site}/links/{link}", [], None),
        "delete-site": ("DELETE", "/api/sites/{site}", [], None),
        "add-key": ("POST", "/api/keys", [], {"name": "Reports", "scope": "read"}),
        "revoke-key": ("DELETE", "/api/keys/{key}", [], None),
    }


def cut(value: Any, most: int = SHOWN) -> Any:
    if isinstance(value, dict):
        return {name: cut(each, SERIES if name.endswith("_over_time") else SHOWN) for name, each in value.items()}
    return [cut(each) for each in value[:most]] if isinstance(value, list) else value


def main() -> None:
    stack = Stack(Path(sys.argv[1]))
    found: dict[str, Any] = {}
    made: dict[str, str] = {}
    for name, (method, path, pairs, body) in questions(stack).items():
        path = path.format(**made)
        status, answer = stack.request(method, path, body, pairs)
        assert status < 300, (name, status, answer)
        if name in ("add-site", "add-key", "add-link"):
            made[name.removeprefix("add-")] = answer["id"]
        found[name] = {"method": method, "path": path, "query": pairs, "body": body, "answer": cut(answer)}
    text = json.dumps(found, indent=1, ensure_ascii=False)
    text = text.replace(stack.run["url"], HOST)
    for key in {str(found["add-key"]["answer"].get("key", "sk_")), stack.run["api_key"]}:
        text = text.replace(key, "sk_…")
    FILE.write_text(text.replace(stack.run["email"], "you@example.com") + "\n")


if __name__ == "__main__":
    main()
