"""A line of an import as an event, or the reason for which it is left out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from deploy.importing.identity import Found, digest, line_id
from deploy.importing.source import Line, Source, UnknownFormat
from ingest.access_log import hit as hits
from ingest.access_log import reader
from ingest.access_log.address import Client
from ingest.access_log.hit import MAX_AHEAD_MS, Malformed
from ingest.access_log.prefix import MAX_LINE
from ingest.access_log.reader import Reader
from ingest.admission import ACCESS_LOG, EVENTS, Knowledge, Sender, Way, admit, no_salt
from ingest.contract.batch import parse
from ingest.contract.event import Event
from ingest.contract.exact import decode
from ingest.contract.incoming import IncomingImport
from ingest.contract.posted import Posted
from ingest.contract.site import Site
from ingest.enrich import Places

Format: TypeAlias = Literal["auto", "events"] | reader.Format
FORMATS: tuple[Format, ...] = ("auto", *reader.FORMATS, "events")
MALFORMED = "malformed"
OLD = "older than the site keeps"
SHOWN = 20  # malformed lines that are listed


class BadLine(NamedTuple):
    """Where a malformed line stands, and what is wrong with it."""

    file: str
    number: int
    message: str


@dataclass
class Tally:
    """What became of the lines so far. `unended`: files whose last line has no end yet, and its number."""

    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)
    unended: list[tuple[str, int]] = field(default_factory=list)

    def leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def malformed(self, file: str, number: int, message: str) -> None:
        self.leave_out(MALFORMED)
        if len(self.bad) < SHOWN:
            self.bad.append(BadLine(file, number, message))


@dataclass(frozen=True)
class Rules:
    """How lines are read: for which site, when they were received (ms), where addresses lie and who vouches for them,
    what fields are called. `now` is the clock's time (ms) while they are read; what was before `since` (ms) is gone.
    """

    site: Site
    received: int
    now: Callable[[], int]
    places: Places
    client: Client
    format: Format = "auto"
    fields: Mapping[str, str] = field(default_factory=dict)
    since: int = 0


class File(NamedTuple):
    """A file whose format is recognised; `reader` None: lines of events. `begins`: the time (ms) of its first hit."""

    source: Source
    reader: Reader | None
    begins: int


def recognise(source: Source, rules: Rules) -> File:
    """Look at the first lines of a file. Raises UnknownFormat, or StackError where it cannot be read at all."""
    if rules.format == "events":
        return File(source, None, 0)
    format_ = None if rules.format == "auto" else rules.format
    head = source.head()
    found = reader.recognise(head, rules.client, rules.fields, format_)
    if found is None:
        if any(line and not line.isspace() for line in head):
            raise UnknownFormat(f"{source.name} is in no format of access logs that is known")
        return File(source, Reader("combined", rules.client, rules.fields), 0)
    return File(source, found, found.begins(head))


def events(number: int, file: File, rules: Rules, tally: Tally) -> Iterator[Found]:
    """The events of the file of this number, in its own order; everything else goes to the tally.

    Raises StackError after the last line where it cannot be read on, UnknownFormat where all lines were malformed.
    """
    take = _Taker(number, file, rules, tally)
    for line in file.source.lines():
        found = take.event(line)
        if found is not None:
            yield found
    tail = file.source.tail
    if tail is not None and file.reader is None and _is_object(tail.text):
        found = take.event(tail)  # nothing can follow what closes a whole event
        if found is not None:
            yield found
    elif tail is not None:
        tally.unended.append((file.source.name, tail.number))
    if take.read and not take.readable:
        format_ = "events" if file.reader is None else file.reader.format
        raise UnknownFormat(f"{file.source.name} is not read as {format_}: every line is malformed")


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(decode(text), dict)
    except ValueError:
        return False


class _Taker:
    """Takes the lines of one file."""

    def __init__(self, number: int, file: File, rules: Rules, tally: Tally) -> None:
        self._number, self._file, self._rules, self._tally = number, file, rules, tally
        self._knowledge = Knowledge(rules.places, no_salt)
        self.read = self.readable = 0

    def event(self, line: Line) -> Found | None:
        text = line.text
        if not text or text.isspace():
            return None
        try:
            taken = self._own(line) if self._file.reader is None else self._hit(line, self._file.reader)
        except Malformed as error:
            self._tally.malformed(self._file.source.name, line.number, str(error))
            taken = MALFORMED
        if taken is None:
            return None
        self.read += 1
        self._tally.read += 1
        if isinstance(taken, Found):
            if taken.event.time >= self._rules.since:
                return taken
            taken = OLD
        if taken != MALFORMED:
            self._tally.leave_out(taken)
        return None

    def _hit(self, line: Line, reader: Reader) -> Found | str | None:
        hit = reader.read(line.text)
        if hit is None:
            return None
        self.readable += 1
        reason = hits.judge(hit, self._rules.now())
        if reason == MALFORMED:
            raise Malformed("its time lies in the future")
        if reason is not None:
            return reason
        posted = hits.posted(hit, line.number, self._rules.site.domain)
        return self._admitted(posted, hit.ip, hit.agent or "", EVENTS if hit.agent is None else ACCESS_LOG, line)

    def _own(self, line: Line) -> Found | str:
        if len(line.text) > MAX_LINE:
            raise Malformed("the line is too long")
        incoming = parse(0, line.text, IncomingImport)
        if isinstance(incoming, list):
            raise Malformed(f"{incoming[0].field} {incoming[0].message}".strip())
        if incoming.site not in ("", self._rules.site.id, self._rules.site.tracking_id):
            raise Malformed("site is another one")
        address = self._address(incoming)
        self.readable += 1
        if incoming.at > self._rules.now() + MAX_AHEAD_MS:
            raise Malformed("at lies in the future")
        posted = incoming.posted
        if "seq" not in incoming.model_fields_set:
            posted = msgspec.structs.replace(posted, seq=line.number)
        return self._admitted(posted, address, incoming.user_agent, EVENTS, line)

    def _address(self, incoming: IncomingImport) -> str:
        """An event that names its visitor is not lost for an address."""
        if not (incoming.visitor or incoming.ip):
            raise Malformed("visitor is missing, and so is ip")
        try:
            return self._rules.client(incoming.ip) if incoming.ip else ""
        except Malformed:
            if incoming.visitor:
                return ""
            raise Malformed("ip is no address") from None

    def _admitted(self, posted: Posted, address: str, agent: str, way: Way, line: Line) -> Found | str:
        rules = self._rules
        text = b"" if posted.id else digest(line.text)
        sender = Sender(rules.received, address, agent)
        id_ = line_id(text) if text else ""
        admitted = admit(posted, rules.site, sender, self._knowledge, way, id_)
        return Found(admitted, text, self._number) if isinstance(admitted, Event) else admitted.reason
