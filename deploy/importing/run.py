"""One import from beginning to end: sites and stores looked up, files sent, and the workers waited for."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploy import wiring
from deploy.counted import wait_until_counted
from deploy.folder import StackError
from deploy.importing.identity import Found, Identity
from deploy.importing.line import File, Format, Rules, Tally, events, recognise
from deploy.importing.merge import merged
from deploy.importing.send import GaveUp, Sent, send
from deploy.importing.source import Source
from deploy.settings import Settings
from ingest.access_log.address import client_of
from ingest.contract.site import Site
from ingest.enrich import open_country
from rollups.read import Reader

_ASK_SECONDS = 60.0
_STALL_SECONDS = 60.0  # workers that judge nothing for so long are not waited for
_RECENT_MS = 4_000  # how old the freshness of idle workers may look


@dataclass
class Report:
    """An import so far. `reading`: files are not at their ends yet. `became`: reason ("" = counted) → events of it that
    the workers have judged. `fresh`: that is all of them. `broken`: why a file ended early, None if none did.
    """

    tally: Tally = field(default_factory=Tally)
    sent: Sent = field(default_factory=Sent)
    reading: bool = True
    became: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    fresh: bool = False
    broken: StackError | None = None


def run(
    settings: Settings,
    site: Site,
    sources: Sequence[Source],
    format_: Format,
    fields: Mapping[str, str],
    progress: Callable[[Report], None],
    wait: bool = True,
) -> Report:
    """Import the sources into the site. Blocks. Raises StackError when the event log or ClickHouse stays away, and
    UnknownFormat, before anything is sent, for a file that nobody can read.
    """
    report = Report()
    started = time.monotonic()
    rules = Rules(
        site,
        wiring.now(),
        wiring.now,
        open_country(wiring.country_db(settings)),
        client_of(settings.networks()),
        format_,
        fields,
    )
    files = [recognise(source, rules) for source in sources]
    # What an import before this one left on the log must be among the raw events before they are asked.
    wait_until_counted(settings, rules.received - _RECENT_MS, lambda: progress(report))
    reader = Reader(wiring.clickhouse(settings), max_seconds=_ASK_SECONDS)

    def held(ids: Sequence[str], first: int, last: int) -> dict[str, int]:
        params = {"site": site.id, "ids": list(ids), "from": first, "to": last}
        rows = wiring.patiently(settings, _ASK_SECONDS, lambda: reader.rows("known_events", **params))
        return {str(row["id"]): int(row["seq"]) for row in rows}

    async def go() -> None:
        producer = wiring.producer(settings)
        await producer.start()
        found = merged(
            [(file.begins, _until_broken(number, file, rules, report)) for number, file in enumerate(files)],
            lambda found: found.event.time,
        )
        try:
            await send(found, Identity(held), producer, report.sent, lambda: progress(report))
        finally:
            await producer.close()

    try:
        wiring.patiently(settings, 0.0, lambda: asyncio.run(go()))
    except GaveUp as error:
        raise StackError(f"{error}; what was sent is safe, the same command goes on from there") from None
    report.reading = False
    if wait:
        _wait(settings, reader, site.id, rules.received, report, lambda: progress(report))
    report.seconds = time.monotonic() - started
    return report


def _wait(
    settings: Settings, reader: Reader, site: str, received: int, report: Report, tick: Callable[[], None]
) -> None:
    """Until all that was sent is in the numbers, or the workers stand still."""

    def became() -> dict[str, int]:
        rows = wiring.patiently(settings, _ASK_SECONDS, lambda: reader.rows("received_reasons", site=site, at=received))
        return {str(row["reason"]): int(row["events"]) for row in rows}

    ended, since = wiring.now(), time.monotonic()
    while not report.fresh and time.monotonic() - since < _STALL_SECONDS:
        # Raw events come before their sessions, so they tell how far the workers are, and not that all is done.
        before, report.became = report.became, became()
        if report.became != before:
            since = time.monotonic()
        tick()
        report.fresh = wait_until_counted(settings, ended, tick, 1.0)
    report.became = became()


def _until_broken(number: int, file: File, rules: Rules, report: Report) -> Iterator[Found]:
    try:
        yield from events(number, file, rules, report.tally)
    except StackError as error:
        report.broken = error
