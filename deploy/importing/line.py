"""A line of an import as an event, or the reason for which it is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal, NamedTuple, TypeAlias

from deploy.importing.source import Line, Source
from ingest import access_log
from ingest.access_log import Malformed, Occurrences
from ingest.admission import admit_import
from ingest.contract.batch import parse
from ingest.contract.event import Event, Filtered
from ingest.contract.incoming import IncomingImport
from ingest.contract.site import Site
from ingest.enrich import Country

Format: TypeAlias = Literal["auto", "combined", "common", "json", "events"]
FORMATS: tuple[Format, ...] = ("auto", "combined", "common", "json", "events")
MALFORMED = "malformed"
SHOWN = 20  # malformed lines that are listed
_LOOK = 50  # lines by which a format is recognised


class BadLine(NamedTuple):
    """Where a malformed line stands, and what is wrong with it."""

    file: str
    number: int
    message: str


@dataclass
class Tally:
    """What became of the lines so far."""

    read: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)

    def leave_out(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def malformed(self, file: str, number: int, message: str) -> None:
        self.leave_out(MALFORMED)
        if len(self.bad) < SHOWN:
            self.bad.append(BadLine(file, number, message))


@dataclass(frozen=True)
class Rules:
    """How lines are read: for which site, when they were received (ms), where addresses lie, what fields are called."""

    site: Site
    received: int
    country: Country
    format: Format = "auto"
    fields: Mapping[str, str] = field(default_factory=dict)


def events(source: Source, rules: Rules, tally: Tally) -> Iterator[Event]:
    """The events of one file in its own order; everything else goes to the tally."""
    lines = source.lines()
    head = list(islice(lines, _LOOK)) if rules.format == "auto" else []
    format_ = rules.format if rules.format != "auto" else access_log.detect([line.text for line in head])
    occurrences = Occurrences()
    for line in chain(head, lines):
        tally.read += 1
        line_id = occurrences.line_id(line.text)
        if format_ == "events":
            found = _own(line, line_id, source.name, rules, tally)
        else:
            found = _hit(line, line_id, source.name, format_, rules, tally)
        if found is not None:
            yield found


def _hit(line: Line, line_id: str, file: str, format_: access_log.Format, rules: Rules, tally: Tally) -> Event | None:
    try:
        hit = access_log.parse(line.text, format_, rules.fields)
    except Malformed as error:
        tally.malformed(file, line.number, str(error))
        return None
    reason = access_log.judge(hit, rules.received)
    if reason == MALFORMED:
        tally.malformed(file, line.number, "its time lies in the future")
    elif reason is not None:
        tally.leave_out(reason)
    else:
        return access_log.event(hit, line_id, line.number, rules.site, rules.received, rules.country)
    return None


def _own(line: Line, line_id: str, file: str, rules: Rules, tally: Tally) -> Event | None:
    if len(line.text) > access_log.MAX_LINE:
        tally.malformed(file, line.number, "the line is too long")
        return None
    posted = parse(0, line.text, IncomingImport)
    if isinstance(posted, list):
        problem = posted[0]
        tally.malformed(file, line.number, f"{problem.field} {problem.message}".strip())
        return None
    if posted.site not in ("", rules.site.id, rules.site.tracking_id):
        tally.malformed(file, line.number, "site is another one")
        return None
    if posted.seq is None:  # lines of one moment stay in the order they stand in
        posted = posted.model_copy(update={"seq": line.number})
    admitted = admit_import(posted, line_id, rules.site, rules.received, rules.country)
    if isinstance(admitted, Event):
        return admitted
    if isinstance(admitted, Filtered):
        tally.leave_out(admitted.reason)
    else:
        tally.malformed(file, line.number, f"{admitted.field} {admitted.message}".strip())
    return None
