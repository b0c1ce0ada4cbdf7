"""How often an answer asks ClickHouse: each statement costs milliseconds however little it finds."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.answer.breakdown import breakdown
from api.answer.custom_event_funnel import custom_event_funnel
from api.answer.custom_event_types import custom_event_types
from api.answer.dashboard import dashboard
from api.answer.engagement_funnel import engagement_funnel
from api.answer.event_data_keys import event_data_keys
from api.answer.friction import friction
from api.answer.ledger import ledger
from api.answer.over_time import over_time
from api.answer.page_flow import page_flow
from api.answer.reach import reach
from api.answer.revenue import revenue
from api.answer.scroll_depth import scroll_depth
from api.answer.touch import FEW
from api.span import Span
from ingest.contract.site import Friction, Revenue
from rollups.read import Reader

SPAN = Span(0, 86_400_000, ZoneInfo("UTC"))


class Asked(Reader):
    """Notes what is asked; of the few there are as many as it is told."""

    def __init__(self, few: int = 0) -> None:
        self.names: list[str] = []
        self._few = few

    def rows(self, name: str, **params: Any) -> list[dict[str, Any]]:
        self.names.append(name)
        if name.endswith("_few"):
            pair = {"source": "x", "value": "bouncer", "kind": "bucket", "count": 1}
            return [pair | {"campaign": f"{number}"} for number in range(self._few)]
        found = {"visitors": 0, "sessions": 0} | {f"reached_{depth}": 0 for depth in (25, 50, 75, 100)}
        return [found] if name in ("dashboard_visitors", "engagement_funnel") else []


ANSWERS: dict[str, tuple[int, Callable[[Reader], object]]] = {
    "dashboard": (2, lambda reader: dashboard(reader, "s", SPAN, None)),
    "revenue": (1, lambda reader: revenue(reader, "s", SPAN, Revenue(currency="EUR"))),
    "friction": (1, lambda reader: friction(reader, "s", SPAN, Friction())),
    "reach": (1, lambda reader: reach(reader, "s", SPAN, "page", "/")),
    "scroll depth": (1, lambda reader: scroll_depth(reader, "s", SPAN, None, 20)),
    "engagement funnel": (1, lambda reader: engagement_funnel(reader, "s", SPAN, None)),
    "over time": (1, lambda reader: over_time(reader, "s", SPAN)),
    "page flow": (1, lambda reader: page_flow(reader, "s", SPAN, "/")),
    "event types": (1, lambda reader: custom_event_types(reader, "s", SPAN)),
    "event funnel": (1, lambda reader: custom_event_funnel(reader, "s", SPAN, ["a", "b"])),
    "data keys": (1, lambda reader: event_data_keys(reader, "s", SPAN, "a")),
    "breakdown": (1, lambda reader: breakdown(reader, "s", SPAN, "page", None, 10, 2)),
    "ledger": (1, lambda reader: ledger(reader, "s", SPAN)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_few_statements(name: str) -> None:
    most, ask = ANSWERS[name]
    asked = Asked()
    ask(asked)
    assert len(asked.names) == most


@pytest.mark.parametrize(("few", "names"), [(FEW, ["friction_few"]), (FEW + 1, ["friction_few", "friction"])])
def test_only_long_lists_are_bounded_by_the_server(few: int, names: list[str]) -> None:
    asked = Asked(few)
    friction(asked, "s", SPAN, Friction())
    assert asked.names == names
