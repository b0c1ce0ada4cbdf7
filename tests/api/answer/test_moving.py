"""Answers of two questions between which the data moved on."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from api.answer.session_events import session_events
from api.answer.sites import counts
from api.answer.visitor_sessions import visitor_sessions
from api.answer.visitors import visitors
from ingest.contract.site import Revenue
from rollups.client import Client
from rollups.read import Reader

Rows = Sequence[Mapping[str, Any]]


class Moving(Client):
    """Gives the answers that it holds, one a question."""

    def __init__(self, *answers: Rows) -> None:
        super().__init__("http://127.0.0.1:1", "none", 1)
        self.answers = list(answers)

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        return [dict(row) for row in self.answers.pop(0)]


def visitor(name: str, first_at: int = 0) -> dict[str, Any]:
    return {"visitor": name, "first_at": first_at, "last_at": 9_000, "sessions": 1, "events": 2, "total": 2}


def touch(name: str) -> dict[str, Any]:
    return {"visitor": name, "country": "DE", "device": "Phone", "source": "google"}


A, B, B_EARLIER = visitor("a"), visitor("b", 5), visitor("b", 3)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([[A, B], [touch("b"), touch("a")]], ["DE", "DE"]),
        # The first session of `b` moved behind the first question; asked again, both are there.
        ([[A, B], [touch("a")], [A, B_EARLIER], [touch("a"), touch("b")]], ["DE", "DE"]),
        # It moved once more.
        ([[A, B], [touch("a")], [A, B_EARLIER], [touch("a")]], ["DE", "unknown"]),
        # The whole page went.
        ([[A], [], [], [{"site": "s", "visitors": 0, "sessions": 0, "events": 0}]], []),
    ],
    ids=["still", "moved", "moves", "gone"],
)
def test_a_first_session_that_moves_is_asked_for_again(answers: list[Rows], expected: list[str]) -> None:
    client = Moving(*answers)
    found = visitors(Reader(client), "s", 1)
    assert [each.country for each in found.visitors] == expected
    assert client.answers == []
    for each in found.visitors:
        if each.country == "unknown":
            assert (each.device, each.source, each.sessions_count) == ("Desktop", "direct", 1)


SESSION = {
    "session": "x",
    "started": 1_000,
    "ended": 2_000,
    "pageviews": 1,
    "events": 1,
    **dict.fromkeys(("entry_page", "exit_page", "source", "campaign", "country", "device", "browser", "os"), "/"),
    "bucket": "skimmer",
    "pv_depth": [-1],
}


def test_what_the_second_question_misses_is_nothing_and_no_error() -> None:
    events = session_events(Reader(Moving([SESSION], [])), "s", "0" * 16, "x")
    assert events is not None and events.events == []
    texts = dict.fromkeys(("id", "url", "page", "title", "data", "currency", "transaction"), "")
    view = {"type": "pageview", "at": 1_500, "seq": 1, "amount": None, **texts}
    # Two pageviews, of which the row knew one.
    events = session_events(Reader(Moving([SESSION | {"pv_depth": [5_000]}], [view, view])), "s", "0" * 16, "x")
    assert events is not None and [each.scroll for each in events.events] == [50, None]
    sessions = visitor_sessions(Reader(Moving([SESSION], [])), "s", "0" * 16, Revenue(currency="EUR"))
    assert sessions is not None and sessions.sessions[0].revenue == 0
    unasked = [{"session": "y", "revenue": 5}]
    sessions = visitor_sessions(Reader(Moving([SESSION], unasked)), "s", "0" * 16, Revenue(currency="EUR"))
    assert sessions is not None and [each.id for each in sessions.sessions] == ["x"]
    assert counts(Reader(Moving([])), ["s"])["s"].visitors_count == 0
