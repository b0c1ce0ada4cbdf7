"""Which lines of the files are lines that an import had before: the same file, a longer copy, or cut otherwise.

A line's id derives from its text and a number, for a log may hold the same line many times. Nothing in the text says
whether the line that ends one file and begins the next is one or two; where it stands does.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ingest.contract.event import Event
from workers.memory import KEEP

REMEMBERED = 100_000  # different lines of this import, about 40 MB; identical ones stand close together
EDGE_MS = 60_000  # identical lines of two files lie this near to their ends: a long request is logged late
_MOST = 200  # places of identical lines that are tried

Held = Callable[[Sequence[str], int, int], Mapping[str, int]]


class Copy(NamedTuple):
    """An event of an id that lies among the raw ones; `time` in ms. `counted`: not as another one's duplicate."""

    id: str
    visitor: str
    time: int
    counted: bool


Copies = Callable[[Sequence[str], int, int], Iterable[Copy]]


class Found(NamedTuple):
    """An event of the file of this number, its `seq` the place in it; `digest` of its line, b"" if it has an id."""

    event: Event
    digest: bytes
    file: int


def digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=12).digest()


def line_id(digest: bytes, number: int = 0) -> str:
    """The id of the event of a line, the `number`th of its text in the log."""
    return blake2b(digest + number.to_bytes(8, "big"), digest_size=16).hexdigest()


class _Place(NamedTuple):
    """Where a held line stood in its file, in which files of this import it was found, and which brought it, if one."""

    seq: int
    files: tuple[int, ...] = ()
    by: int | None = None


class _File:
    """What is known of a file so far: when it begins, and how many lines it is ahead of what is held. At first that is
    none, for chance; `sure`: lines of several times say so.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.shift: int | None = 0
        self.sure = False
        self._since: int | None = None
        self._time = first
        self._held = self._before = False

    def follows_held(self, time: int) -> bool:
        """Whether the last line of another time than this, the next one's, is held."""
        return self._before if time == self._time else self._held

    def matched(self, shift: int, time: int) -> None:
        if shift != self.shift or self._since is None:
            self.shift, self._since, self.sure = shift, time, False
        self.sure = self.sure or time != self._since
        self._saw(time, held=True)

    def missed(self, time: int) -> None:
        if not self.sure:
            self.shift = None
        self._saw(time, held=False)

    def _saw(self, time: int, held: bool) -> None:
        self._before, self._time, self._held = self.follows_held(time), time, held


class Identity:
    """Tells new lines from held ones. `held`: (ids, earliest time, latest time) → those of them that are held and their
    `seq`; `copies`: as `held`, but the events of these ids.

    An event that names itself is a held one if one of its id lies at its time; further copies are told here by the rule
    for duplicates, as far as they lie near, and by the workers.

    A line is a held one of the same text where its file begins like the held one's, or where the lines beside it say
    so: it is as many lines ahead of the held one as those before it are, or as those up to one of another time. Between
    held lines of other times, or deep within a file, more than a minute from its ends, the text alone says it.
    """

    def __init__(self, held: Held, copies: Copies) -> None:
        self._held = held
        self._copies = copies
        self._places: OrderedDict[bytes, list[_Place]] = OrderedDict()
        self._files: dict[int, _File] = {}
        self._undecided: list[Found] = []

    @property
    def undecided(self) -> int:
        """Events that the next call of `fresh` decides on."""
        return len(self._undecided)

    def fresh(self, chunk: Sequence[Found], last: bool) -> list[Event]:
        """The events that are not held, under their ids; some lines are only decided in the next chunk. May block."""
        again = len(self._undecided)
        found = [*self._undecided, *chunk]
        self._undecided = []
        self._ask(found)
        fresh = self._named([one.event for one in found if not one.digest])
        by_file: dict[int, list[tuple[Found, bool]]] = {}
        for index, one in enumerate(found):
            if one.digest:
                by_file.setdefault(one.file, []).append((one, last or index < again))
        for number, lines in by_file.items():
            file = self._files.setdefault(number, _File(lines[0][0].event.time))
            self._decide(file, [one for one, _ in lines], [final for _, final in lines], fresh)
        while len(self._places) > REMEMBERED:
            self._places.popitem(last=False)
        return fresh

    def _named(self, events: Sequence[Event]) -> list[Event]:
        """Those that name themselves and are not held."""
        if not events:
            return []
        times = [event.time for event in events]
        found = list(self._copies([event.id for event in events], min(times), max(times)))
        # Also where its visitor was told otherwise, by other settings or another version.
        itself = {(one.id, one.time) for one in found}
        held: dict[tuple[str, str], list[int]] = {}
        for one in found:
            if one.counted:
                held.setdefault((one.visitor, one.id), []).append(one.time)
        fresh: list[Event] = []
        for event in events:
            copies = held.setdefault((event.visitor, event.id), [])
            if (event.id, event.time) not in itself and all(abs(event.time - time) > KEEP for time in copies):
                copies.append(event.time)
                fresh.append(event)
        return fresh

    def _ask(self, found: Sequence[Found]) -> None:
        """Learn the places of the lines that are held."""
        unknown = {one.digest: one.event.id for one in found if one.digest and one.digest not in self._places}
        if not unknown:
            return
        times = [one.event.time for one in found]
        held = self._held(list(unknown.values()), min(times), max(times))
        number = 0
        while unknown:
            for text, id_ in list(unknown.items()):
                if id_ in held:
                    self._places.setdefault(text, []).append(_Place(held[id_]))
                else:
                    del unknown[text]
            number += 1
            unknown = {text: line_id(text, number) for text in unknown}
            held = self._held(list(unknown.values()), min(times), max(times)) if unknown else {}

    def _decide(self, file: _File, lines: Sequence[Found], final: Sequence[bool], fresh: list[Event]) -> None:
        latest = max(one.event.time for one in lines)
        for index, one in enumerate(lines):
            places = self._places.get(one.digest)
            if places is None:
                self._places[one.digest] = [_Place(one.event.seq, (one.file,), one.file)]
                file.missed(one.event.time)
                fresh.append(one.event)
                continue
            self._places.move_to_end(one.digest)
            free = [number for number, place in enumerate(places[:_MOST]) if one.file not in place.files]
            shifts: dict[int, int] = {}
            for number in free:
                shifts.setdefault(one.event.seq - places[number].seq, number)
            shift = self._shift(file, lines, index, shifts)
            if shift is None and free:
                within = self._within(file, lines, index, latest)
                if within is None and not final[index]:
                    self._undecided += lines[index:]
                    return
                if file.shift in shifts:
                    shift = file.shift
                elif within or places[free[0]].seq == 0:  # older versions told no place
                    shift = one.event.seq - places[free[0]].seq
            if shift is None:
                fresh.append(_numbered(one, len(places)))
                places.append(_Place(one.event.seq, (one.file,), one.file))
                file.missed(one.event.time)
            else:
                place = places[shifts[shift]]
                places[shifts[shift]] = place._replace(files=(*place.files, one.file))
                file.matched(shift, one.event.time)

    def _shift(self, file: _File, lines: Sequence[Found], index: int, shifts: Mapping[int, int]) -> int | None:
        """How far ahead of a held one the line stands, where the lines beside it say so."""
        sure = file.shift if file.sure and file.shift in shifts else None
        if sure is not None and len(shifts) == 1:
            return sure
        usual_first = sorted(shifts, key=lambda shift: shift != file.shift)
        for shift in usual_first:
            if self._goes_on(lines, index, shift) or self._goes_back(lines, index, shift):
                return shift
        return sure

    def _goes_on(self, lines: Sequence[Found], index: int, shift: int) -> bool:
        """Whether the lines from here to one of another time are held, all as far behind."""
        for one in lines[index + 1 :]:
            places = self._places.get(one.digest, ())
            if not any(one.event.seq - place.seq == shift and one.file not in place.files for place in places):
                return False
            if one.event.time != lines[index].event.time:
                return True
        return False

    def _goes_back(self, lines: Sequence[Found], index: int, shift: int) -> bool:
        """As `_goes_on` towards the beginning."""
        for one in reversed(lines[:index]):
            places = self._places.get(one.digest, ())
            if not any(one.event.seq - place.seq == shift and one.file != place.by for place in places):
                return False
            if one.event.time != lines[index].event.time:
                return True
        return False

    def _within(self, file: _File, lines: Sequence[Found], index: int, latest: int) -> bool | None:
        """Whether all lines of this time are in the file, or held; None: lines that are still to come say it.

        They are in the file deep within it, and held where lines of the times before and after are.
        """
        one = lines[index]
        deep, follows = file.first + EDGE_MS < one.event.time, file.follows_held(one.event.time)
        if deep and one.event.time < latest - EDGE_MS:
            return True
        following = next((other for other in lines[index + 1 :] if other.event.time != one.event.time), None)
        if following is None:
            return None
        if follows and any(one.file not in place.files for place in self._places.get(following.digest, ())):
            return True
        return None if deep else False


def _numbered(one: Found, number: int) -> Event:
    event, id_ = one.event, line_id(one.digest, number)
    if event.revenue is not None and event.revenue.transaction == event.id:
        revenue = msgspec.structs.replace(event.revenue, transaction=id_)
        return msgspec.structs.replace(event, id=id_, revenue=revenue)
    return msgspec.structs.replace(event, id=id_)
