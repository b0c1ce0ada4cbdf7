"""A session's row made from its written one is the row made from all of its items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from rollups.rows import SessionRow
from tests.workers.partition import Partition
from tests.workers.streams import streams
from workers import visitor
from workers.fold import Entry
from workers.grown import grown


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


def counted(events: list[Event], size: int, forget: float, plain: bool) -> tuple[list[SessionRow], int]:
    """All rows ever written, in batches of `size`, and how many sessions grew."""
    made, grew = Partition(lookup, forget), 0

    def noted(*given: object) -> SessionRow | None:
        nonlocal grew
        row = None if plain else grown(*given)  # type: ignore[arg-type]
        grew += row is not None
        return row

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visitor, "grown", noted)
        for at in range(0, len(events), size):
            made.count([Entry(at + n, 0, event) for n, event in enumerate(events[at : at + size])], at + 1)
    return made.rows, grew


@given(streams(), st.integers(1, 8), st.sampled_from([0.0, 0.3]))
def test_it_is_the_row_of_all_items(events: list[Event], size: int, forget: float) -> None:
    assert counted(events, size, forget, plain=False)[0] == counted(events, size, forget, plain=True)[0]


def test_sessions_in_order_nearly_all_grow() -> None:
    events = [
        Event(
            "abcdef",
            "00000000000000aa",
            f"e{n}",
            "engagement" if n % 2 else "pageview",
            1_772_000_000_000 + n * 10_000,
            1_772_000_000_000,
            view=f"v{n // 2}",
            page=f"/{n // 2 % 3}",
            engaged_ms=1_000 if n % 2 else None,
        )
        for n in range(200)
    ]
    rows, grew = counted(events, 1, 0.0, plain=False)
    assert grew == 199
    assert rows == counted(events, 1, 0.0, plain=True)[0]


def test_a_pageview_that_takes_over_an_earlier_engagement_makes_the_row_anew() -> None:
    def event(n: int, type_: str, view: str, page: str) -> Event:
        time, engaged = 1_772_000_000_000 + n, 1_000 if type_ == "engagement" else None
        return Event("abcdef", "00000000000000aa", f"e{n}", type_, time, time, view=view, page=page, engaged_ms=engaged)

    events = [event(0, "pageview", "a", "/"), event(1, "engagement", "b", "/"), event(2, "pageview", "b", "/b")]
    rows = counted(events, 1, 0.0, plain=False)[0]
    assert rows[-1].pv_engaged_ms == (0, 1_000)
    assert rows == counted(events, 1, 0.0, plain=True)[0]
