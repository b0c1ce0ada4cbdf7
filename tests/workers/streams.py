"""Random events of one or a few visitors, close to every boundary of the session rule."""

import random
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import strategies as st

from ingest.contract.event import Event, Revenue, Touch
from rollups.rows import SessionRow
from tests.oracle.fact import Fact, Money
from workers.memory import DAY, GAP, HOUR, KEEP, MINUTE
from workers.state import FORGET

START = 1_772_000_000_000 // HOUR * HOUR
SITE = "abcdef"

_STEPS = [0, 0, 1, MINUTE, 10 * MINUTE, GAP - 1, GAP, GAP, GAP + 1, 2 * HOUR, DAY - GAP, DAY, DAY + 1, KEEP, KEEP + 1]
_BACK = [0, 0, 0, 0, 0, 0, 0, 1, GAP, GAP + 1, HOUR, DAY, DAY + 1, KEEP, KEEP + 1, 3 * DAY, 40 * DAY]
_SILENCE = [0] * 12 + [1, MINUTE, HOUR, FORGET, FORGET + 1]


def stream(seed: int, size: int, visitors: int = 2, silence: bool = True) -> list[Event]:
    """Events in log order: times wander forwards and back, ids repeat, receipts sometimes fall silent for 25 h."""
    draw = random.Random(seed)
    wild = draw.random()  # how often a stream leaps; calm ones have long sessions
    time, received = START, START + 10 * DAY
    events: list[Event] = []
    for number in range(size):
        time += draw.choice(_STEPS) if draw.random() < wild else draw.choice([0, MINUTE, GAP, GAP])
        if silence:
            received += draw.choice(_SILENCE)
        type_ = draw.choice(["pageview", "pageview", "engagement", "engagement", "signup"])
        revenue = Revenue(190_000, "", f"t{number}") if draw.random() < 0.1 else None
        events.append(
            Event(
                site=SITE,
                visitor=f"{draw.randint(1, visitors):016x}",
                id=f"e{draw.randint(0, number) if draw.random() < 0.15 else number}",
                type=type_,
                time=time - draw.choice(_BACK),
                received=received,
                seq=draw.randint(0, 1),
                view=draw.choice(["", "a", "b"]),
                page=draw.choice(["/", "/b"]),
                source=draw.choice(["direct", "x"]),
                scroll=draw.choice([None, 0, 2_500, 10_000]),
                engaged_ms=draw.choice([None, 0, 20_000]) if type_ == "engagement" else None,
                revenue=revenue,
                settings=draw.choice([1, 1, 2]),
                touch=Touch(channel=f"c{number % 5}", city=f"t{number % 2}"),
            )
        )
    return events


def streams(most: int = 60, visitors: int = 2, silence: bool = True) -> st.SearchStrategy[list[Event]]:
    """A stream by its seed and size: drawing each event by hypothesis takes longer than testing it."""
    return st.builds(stream, st.integers(0, 2**32), st.integers(1, most), st.just(visitors), st.just(silence))


def fact(event: Event) -> Fact:
    """The event in the oracle's units."""
    return Fact(
        site=event.site,
        visitor=event.visitor,
        id=event.id,
        type=event.type,
        time=event.time,
        received=event.received,
        seq=event.seq,
        view=event.view,
        page=event.page,
        source=event.source,
        scroll=None if event.scroll is None else Decimal(event.scroll) / 100,
        engaged_ms=event.engaged_ms,
        money=None
        if event.revenue is None
        else Money(Decimal(event.revenue.amount) / 10_000, event.revenue.currency, event.revenue.transaction),
    )


def live(rows: Iterable[SessionRow]) -> list[tuple[object, ...]]:
    """What a sum over signs leaves, without versions. Fails on a row retracted that was never written."""
    held: dict[SessionRow, int] = {}
    for row in rows:
        plus = row._replace(sign=1)
        held[plus] = held.get(plus, 0) + row.sign
    assert min(held.values(), default=0) >= 0
    return sorted((row._replace(version=0) for row, times in held.items() for _ in range(times)), key=str)
