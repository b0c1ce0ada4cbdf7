"""A visitor erased by a line of the log: what is folded, what stays of them, and what comes later."""

import msgspec
import pytest

from ingest.contract.event import ERASED, Erase, Event, Logged
from ingest.contract.site import SiteSettings
from rollups.erase import Stone, Taken, rows
from tests.workers.streams import SITE, live, stream
from workers.cache import Cache
from workers.erased import Erased, digest
from workers.fold import Entry, Known, fold, visits


def lookup(_: str, revision: int) -> SiteSettings:
    return SiteSettings.model_validate({"friction": {"bouncer_seconds": revision * 10}})


def entries(lines: list[Logged]) -> list[Entry]:
    return [Entry(offset, 0, line) for offset, line in enumerate(lines)]


def whole(lines: list[Logged]) -> tuple[list[str], list[object]]:
    """Reasons and sessions of one fold over all."""
    folded = fold(Known({}, {}, 0), 0, visits(entries(lines)), 1, lookup)
    reasons = {each.offset: each.reason for each in folded.reasons}
    return [reasons.get(at, "") for at in range(len(lines))], sorted(live(folded.rows), key=str)


@pytest.mark.parametrize("seed", range(30))
def test_who_is_erased_leaves_the_sessions_of_the_others(seed: int) -> None:
    events = stream(seed, 60, visitors=3)
    gone = events[0].visitor
    last = max(event.received for event in events)
    lines: list[Logged] = [*events, Erase(SITE, gone, "e1", last)]
    others: list[Logged] = [event for event in events if event.visitor != gone]
    reasons, sessions = whole(lines)
    assert sessions == whole(others)[1]
    assert {reason for event, reason in zip(events, reasons, strict=False) if event.visitor == gone} == {ERASED}


def test_what_happened_before_counts_no_more_whenever_it_comes_and_what_happens_later_does() -> None:
    (event,) = stream(1, 1, visitors=1)
    held = Erased([Stone(SITE, digest("", event.visitor), event.time, "log", 0, 7, "e1")])

    def reason(line: Event) -> list[str]:
        folded = fold(Known({}, {}, 0), 0, visits(entries([line])), 1, lookup, erased=held)
        return [each.reason for each in folded.reasons]

    later = event.time + 1
    replace = msgspec.structs.replace
    assert reason(replace(event, received=event.time)) == [ERASED]
    assert reason(replace(event, received=later)) == [ERASED]  # an import of what was, or an event that waited
    assert reason(replace(event, time=later, received=event.time)) == [ERASED]
    assert reason(replace(event, time=later, received=later)) == []
    assert reason(replace(event, visitor="f" * 16)) == []


def test_what_is_left_says_how_many_and_not_who() -> None:
    stone = Stone(SITE, "d", 10, "log", 0, 7, "e1")
    taken = [
        Taken("log", 0, 900_000, "", 0, "signup", ("plan",), 3),
        Taken("log", 0, 900_000, "flood", 900_000, "", (), 2),
    ]
    left = rows("log/0/5", stone, taken)
    assert [(row.reason, row.copies) for row in left] == [("", -3), ("flood", -2), (ERASED, 5)]
    assert sum(row.copies for row in left) == 0
    assert {row.erasure for row in left} == {"log/0/5/e1"} and [row.index for row in left] == [0, 1, 2]


def test_the_latest_erasure_stands_and_other_sites_cost_nothing() -> None:
    asked = []
    held = Erased((), lambda site: asked.append(site) or "secret")  # type: ignore[func-returns-value]
    assert held.stone("other", "a" * 16) is None and not asked
    for until in (5, 9, 7):
        held.add(Stone(SITE, digest("secret", "a" * 16), until, "log", 0, until, "e"))
    assert held.until(SITE, "a" * 16) == 9
    assert held.until(SITE, "b" * 16) < 0
    assert digest("secret", "a" * 16) != digest("another", "a" * 16)


def test_the_cache_drops_whom_it_is_told_to() -> None:
    cache = Cache(1 << 20)
    folded = fold(Known({}, {}, 0), 0, visits(entries(list(stream(1, 10, visitors=1)))), 1, lookup)
    cache.put(folded.states)
    (name,) = folded.states
    cache.drop([name, "nobody"])
    assert cache.take([name]) == ({}, {name})
