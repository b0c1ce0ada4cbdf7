"""A Throughline site in a test, and what the API says about it."""

from dataclasses import dataclass
from typing import Any

from tests.browser.web import eventually
from tests.deploy.stack import Stack


@dataclass
class Counted:
    """A Throughline site, and what the API says about it."""

    stack: Stack
    site: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.site["id"])

    def answer(self, name: str, query: str = "") -> Any:
        return self.stack.get(f"/api/sites/{self.id}/analytics/{name}{query}")

    def ledger(self) -> dict[str, Any]:
        return dict(self.stack.get(f"/api/sites/{self.id}/ledger"))

    def sessions(self) -> list[dict[str, Any]]:
        """Every session of every visitor."""
        visitors = self.stack.get(f"/api/sites/{self.id}/visitors")["visitors"]
        lists = [self.stack.get(f"/api/visitors/{visitor['id']}/sessions") for visitor in visitors]
        return [{**session, "visitor": each["visitor_id"]} for each in lists for session in each["sessions"]]

    def events(self) -> list[dict[str, Any]]:
        """Every interactive event of every session."""
        return [
            event
            for session in self.sessions()
            for event in self.stack.get(f"/api/visitors/{session['visitor']}/sessions/{session['id']}/events")["events"]
        ]

    def types(self) -> list[str]:
        return sorted(event["type"] for event in self.events())

    def wait(self, *types: str) -> list[dict[str, Any]]:
        """The events, once exactly these types are there."""
        found: list[dict[str, Any]] = eventually(
            self.events, lambda events: sorted(event["type"] for event in events) == sorted(types)
        )
        return found
