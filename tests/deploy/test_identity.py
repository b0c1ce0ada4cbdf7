"""One log, cut into files in every way: each of its lines counts once, whatever is imported in which order."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deploy.importing.identity import Copy, Found, Identity, digest, line_id
from ingest.contract.event import Event, Revenue
from workers.memory import KEEP

SECOND = 1_000
HOUR = 3_600_000

Log = Sequence[tuple[int, str]]  # (time, text) of each line; a text has one time


def found(log: Log, file: int, first: int = 1) -> list[Found]:
    return [
        Found(
            Event("s", "v", line_id(digest(text.encode())), "pageview", time, 0, seq=place), digest(text.encode()), file
        )
        for place, (time, text) in enumerate(log, first)
    ]


class Store:
    """The raw events: ids and places; `texts` counts what was sent of each line."""

    def __init__(self) -> None:
        self.seq: dict[str, int] = {}
        self.texts: Counter[bytes] = Counter()

    def held(self, ids: Sequence[str], first: int, last: int) -> Mapping[str, int]:
        return {id_: self.seq[id_] for id_ in ids if id_ in self.seq}

    def run(self, *files: Log, chunk: int = 10_000) -> int:
        """One import of the files, merged by time; how many events it sent."""
        lines = sorted(
            (one for number, log in enumerate(files) for one in found(log, number)), key=lambda one: one.event.time
        )
        by_id = {one.event.id: one.digest for one in lines}
        identity = Identity(self.held, lambda *_: ())
        sent: list[Event] = []
        for start in range(0, len(lines), chunk):
            sent += identity.fresh(lines[start : start + chunk], last=False)
        sent += identity.fresh([], last=True)
        assert len({event.id for event in sent}) == len(sent)
        assert not self.seq.keys() & {event.id for event in sent}
        texts = {line_id(text, number): text for text in set(by_id.values()) for number in range(200)}
        for event in sent:
            self.seq[event.id] = event.seq
            self.texts[texts[event.id]] += 1
        return len(sent)

    def holds(self, log: Log) -> bool:
        return self.texts == Counter(digest(text.encode()) for _, text in log)


def line(time: int, name: str) -> tuple[int, str]:
    return time * SECOND, f"{time} {name}"


K, L, M, N = line(1, "k"), line(2, "l"), line(3, "m"), line(4, "n")


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_a_line_that_ends_one_file_and_begins_the_next_is_two(together: bool, turned: bool) -> None:
    files = [[K, L, L], [L, L, M]]
    if turned:
        files.reverse()
    store = Store()
    assert (store.run(*files) if together else sum(store.run(file) for file in files)) == 6
    assert store.holds([K, L, L, L, L, M])
    assert [store.run(*files), store.run(files[0]), store.run([K, L, L, L, L, M])] == [0, 0, 0]


def test_the_same_file_under_two_names_counts_once() -> None:
    store = Store()
    assert store.run([K, L, L, M], [K, L, L, M]) == 4
    assert store.run([K, L, L, M]) == 0


def test_a_longer_copy_counts_what_it_has_more() -> None:
    store = Store()
    assert [store.run([K]), store.run([K, L]), store.run([K, L, L]), store.run([K, L, L, M])] == [1, 1, 1, 1]
    assert store.run([K, L], [K, L, L, M, N]) == 1


def test_a_copy_that_begins_later_is_recognised_by_the_lines_beside_it() -> None:
    store = Store()
    store.run([K, L, L, M])
    assert store.run([L, L, M, N]) == 1
    assert store.holds([K, L, L, M, N])


def test_deep_within_a_file_the_text_alone_decides() -> None:
    """Days of one visit each, then all of them as one file: no line has held ones beside it."""
    days = [line(number * 3_600, "x") for number in range(10)]
    store = Store()
    assert [store.run([day]) for day in days] == [1] * 10
    assert store.run([*days, line(36_001, "x")]) == 1


def test_what_an_older_version_imported_without_a_place_is_held() -> None:
    store = Store()
    store.run([K, L, M])
    store.seq = dict.fromkeys(store.seq, 0)
    assert store.run([K, L, M]) == 0


def own(time: int, visitor: str = "v", id_: str = "own") -> Found:
    return Found(Event("s", visitor, id_, "pageview", time, 0), b"", 0)


class Raw:
    """The raw events of imports that name theirs."""

    def __init__(self, *held: Copy) -> None:
        self.held = list(held)

    def copies(self, ids: Sequence[str], first: int, last: int) -> list[Copy]:
        return [one for one in self.held if one.id in ids and first <= one.time <= last]

    def run(self, *lines: Found) -> list[int]:
        """The places of those that are sent; they count."""
        fresh = Identity(Store().held, self.copies).fresh(lines, last=True)
        self.held += [Copy(event.id, event.visitor, event.time, counted=True) for event in fresh]
        return [place for place, line in enumerate(lines) if any(line.event is event for event in fresh)]


@pytest.mark.parametrize(
    ("second", "sent"),
    [
        (own(5), []),
        (own(5 + KEEP), []),
        (own(5 + KEEP + 1), [1]),
        (own(6, visitor="w"), [1]),
        (own(6, id_="other"), [1]),
    ],
)
def test_events_that_bring_an_id_are_told_by_visitor_id_and_a_day(second: Found, sent: list[int]) -> None:
    """As the workers judge them: an id may come again after a day, and another visitor's is another."""
    raw = Raw()
    assert raw.run(own(5), second) == [0, *sent]
    assert raw.run(own(5), second) == []
    assert raw.run(own(5)) == []


def test_an_id_is_compared_with_events_that_counted_only() -> None:
    assert Raw().run(own(0), own(KEEP), own(KEEP + 1), own(2 * KEEP), own(3 * KEEP)) == [0, 2, 4]
    duplicate = Copy("own", "v", KEEP, counted=False)
    assert Raw(duplicate).run(own(KEEP - 1), own(KEEP), own(2 * KEEP)) == [0, 2]


def test_an_event_is_known_by_id_and_time_when_its_visitor_is_told_otherwise() -> None:
    raw = Raw(Copy("own", "v", 5, counted=True))
    assert raw.run(own(5, visitor="w"), own(6, visitor="w")) == [1]


def test_a_transaction_named_by_its_event_keeps_that_name() -> None:
    text = digest(b"x")
    id_ = line_id(text)
    event = Event("s", "v", id_, "purchase", 5, 0, seq=1, revenue=Revenue(1, "", id_))
    lines = [
        Found(event, text, 0),
        Found(Event("s", "v", id_, "purchase", 5, 0, seq=2, revenue=event.revenue), text, 0),
    ]
    first, second = Identity(Store().held, lambda *_: ()).fresh(lines, last=True)
    assert second.id == line_id(text, 1) and second.revenue == Revenue(1, "", second.id)
    assert first.revenue == Revenue(1, "", id_)


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[int, str]]:
    """Seconds with lines of few texts, so that many are identical and cuts fall among them, and one of its own."""
    time, log = 0, []
    for gap in draw(st.lists(st.integers(1, 200), min_size=2, max_size=25)):
        time += gap
        names = draw(st.lists(st.sampled_from("ab"), max_size=5))
        names.insert(draw(st.integers(0, len(names))), "own")
        log += [line(time, name) for name in names]
    return log


def cut(log: Log, places: Sequence[int]) -> list[Log]:
    ends = sorted({place % len(log) for place in places} | {0, len(log)})
    return [log[a:b] for a, b in pairwise(ends)]


def recognisable(file: Log) -> bool:
    """Whether it is more than the lines that it may share with its neighbours."""
    return sum(text.endswith("own") for _, text in file) > 1


@given(
    logs(),
    st.lists(st.integers(0, 1000), max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from([20, 10_000]),
)
def test_rotated_files_in_any_order_are_the_log(
    log: Log, places: Sequence[int], chance: random.Random, chunk: int
) -> None:
    files = cut(log, places)
    assume(all(recognisable(file) for file in files))
    chance.shuffle(files)
    store = Store()
    while files:
        count = chance.randint(1, len(files))
        store.run(*files[:count], chunk=chunk)
        for again in files[:count]:  # a second run, a longer copy's beginning
            assert store.run(again, chunk=chunk) == 0
            assert store.run(again[: chance.randint(1, len(again))], chunk=chunk) == 0
        files = files[count:]
    assert store.holds(log)
    assert store.run(log) == 0  # all of them as one file


@given(
    logs(),
    st.lists(st.integers(0, 1000), max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from([20, 10_000]),
)
def test_a_log_that_is_there_counts_no_more_in_pieces(
    log: Log, places: Sequence[int], chance: random.Random, chunk: int
) -> None:
    files = [file for file in cut(log, places) if recognisable(file)]
    chance.shuffle(files)
    store = Store()
    store.run(log, chunk=chunk)
    assert store.holds(log)
    assert [store.run(file, chunk=chunk) for file in files] == [0] * len(files)
