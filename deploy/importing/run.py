"""One import from beginning to end: sites and stores looked up, files sent, and the workers waited for."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deploy import wiring
from deploy.counted import wait_until_counted
from deploy.folder import StackError
from deploy.importing.line import Format, Rules, Tally, events
from deploy.importing.send import GaveUp, Sent, send
from deploy.importing.source import Source
from deploy.settings import Settings
from ingest.contract.event import Event
from ingest.contract.site import Site
from ingest.enrich import open_country
from rollups.read import Reader

_ASK_SECONDS = 60.0
_STALL_SECONDS = 60.0  # workers that judge nothing for so long are not waited for
_RECENT_MS = 4_000  # how old the freshness of idle workers may look


@dataclass
class Report:
    """An import so far. `reading`: files are not at their ends yet. `became`: reason ("" = counted) → events of it that
    the workers have judged. `fresh`: that is all of them. `broken`: why a file ended early, "" if none did.
    """

    tally: Tally = field(default_factory=Tally)
    sent: Sent = field(default_factory=Sent)
    reading: bool = True
    became: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    fresh: bool = False
    broken: str = ""


def run(
    settings: Settings,
    site: Site,
    sources: Sequence[Source],
    format_: Format,
    fields: Mapping[str, str],
    progress: Callable[[Report], None],
    wait: bool = True,
) -> Report:
    """Import the sources into the site. Blocks. Raises StackError when the event log or ClickHouse stays away."""
    report = Report()
    started = time.monotonic()
    # What an import before this one left on the log must be among the raw events before they are asked.
    wait_until_counted(settings, wiring.now() - _RECENT_MS, lambda: progress(report))
    rules = Rules(site, wiring.now(), open_country(wiring.country_db(settings)), format_, fields)
    reader = Reader(wiring.clickhouse(settings), max_seconds=_ASK_SECONDS)

    def known(chunk: Sequence[Event]) -> set[str]:
        times = [event.time for event in chunk]  # lines of one file may be a little out of order
        bounds = {"from": min(times), "to": max(times)}
        ids = [event.id for event in chunk]
        rows = wiring.patiently(
            settings, _ASK_SECONDS, lambda: reader.rows("known_events", site=site.id, ids=ids, **bounds)
        )
        return {str(row["id"]) for row in rows}

    async def go() -> None:
        producer = wiring.producer(settings)
        await producer.start()
        files = [_until_broken(source, rules, report) for source in sources]
        try:
            await send(files, known, producer, report.sent, lambda: progress(report))
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


def _until_broken(source: Source, rules: Rules, report: Report) -> Iterator[Event]:
    try:
        yield from events(source, rules, report.tally)
    except StackError as error:
        report.broken = str(error)
