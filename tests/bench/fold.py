"""What the session rule costs: `python -m tests.bench.fold`, CPU time of this process, no service touched."""

import gc
import random
import sys
import time

from ingest.contract.event import Event
from ingest.contract.site import SiteSettings
from workers.fold import Entry, Known, fold, visits
from workers.memory import MINUTE
from workers.visitor import State

_SETTINGS = SiteSettings()


def events(visitors: int, count: int, days: float) -> list[Event]:
    """Visitors that come back: visits of a few pageviews with engagement in between, in order of arrival."""
    draw = random.Random(1)
    start, span = 1_772_000_000_000, days * 86_400_000
    made: list[Event] = []
    while len(made) < count:
        visitor, time_ = f"{draw.randrange(visitors):016x}", start + int(draw.random() * span)
        for number in range(draw.choice([1, 1, 2, 4, 10])):
            type_ = "engagement" if number % 2 else draw.choice(["pageview"] * 5 + ["signup"])
            id_ = f"{len(made):08x}-{draw.getrandbits(64):016x}"
            made.append(
                Event(
                    "abcdef",
                    visitor,
                    id_,
                    type_,
                    time_,
                    time_ + 50,
                    page=f"/p{draw.randrange(50)}",
                    source="google",
                    engaged_ms=5_000 if type_ == "engagement" else None,
                )
            )
            time_ += draw.randrange(5 * MINUTE)
    return sorted(made, key=lambda event: event.received)


def main() -> None:
    """Print µs an event for two sizes of batch."""
    stream = events(20_000, 200_000, 3)
    gc.freeze()
    for size in (500, 5_000):
        states: dict[str, State] = {}
        clock = rows = 0
        begun = time.process_time()
        for at in range(0, len(stream), size):
            entries = [Entry(at + n, 0, event) for n, event in enumerate(stream[at : at + size])]
            folded = fold(Known(states, {}, 0), clock, visits(entries), at + 1, lambda *_: _SETTINGS)
            states |= folded.states
            clock = folded.clock
            rows += len(folded.rows)
        taken = time.process_time() - begun
        sys.stdout.write(
            f"batches of {size}: {taken / len(stream) * 1e6:.1f} µs an event, {rows / len(stream):.2f} rows an event, "
            f"{sum(len(state.items) for state in states.values()) / len(states):.1f} items a state\n"
        )


if __name__ == "__main__":
    main()
