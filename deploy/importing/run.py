"""One import from beginning to end: sites and stores looked up, files sent, and the workers waited for."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy import wiring
from deploy.counted import wait_until_counted
from deploy.folder import StackError
from deploy.importing.identity import Copy, Found, Identity
from deploy.importing.line import File, Format, Rules, Tally, events, recognise
from deploy.importing.merge import merged
from deploy.importing.send import GaveUp, Sent, send
from deploy.importing.source import Source
from deploy.patience import patiently
from deploy.settings import Settings
from ingest.access_log.address import client_of
from ingest.contract.site import Site
from ingest.enrich import open_places
from rollups.read import Reader
from rollups.retain import ALL, cuts

_ASK_SECONDS = 60.0
_STALL_SECONDS = 60.0  # workers that judge nothing for so long are not waited for
_RECENT_MS = 4_000  # how old the freshness of idle workers may look
_AHEAD = 40_000  # events that may lie on the log uncounted: a second or two of a worker, which what comes now waits for
_LOOK_SECONDS = 0.1


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
        open_places(wiring.country_db(settings)),
        client_of(settings.networks()),
        format_,
        fields,
        _since(settings, site),
    )
    files = [recognise(source, rules) for source in sources]
    # What an import before this one left on the log must be among the raw events before they are asked.
    wait_until_counted(settings, rules.received - _RECENT_MS, lambda: progress(report))
    reader = Reader(wiring.clickhouse(settings), max_seconds=_ASK_SECONDS)

    def ask(query: str, ids: Sequence[str], first: int, last: int) -> list[dict[str, Any]]:
        params = {"site": site.id, "ids": list(ids), "from": first, "to": last}
        return patiently(settings, _ASK_SECONDS, lambda: reader.rows(query, **params))

    def held(ids: Sequence[str], first: int, last: int) -> dict[str, int]:
        return {str(row["id"]): int(row["seq"]) for row in ask("known_events", ids, first, last)}

    def copies(ids: Sequence[str], first: int, last: int) -> set[Copy]:
        return {(row["visitor"], row["id"], row["time_ms"]) for row in ask("site_known", ids, first, last)}

    workers = Workers(settings, reader, site.id, rules.received, report)

    def room() -> None:
        if wait:
            workers.near(lambda: progress(report))

    async def go() -> None:
        producer = wiring.producer(settings)
        await producer.start()
        found = merged(
            [(file.begins, _until_broken(number, file, rules, report)) for number, file in enumerate(files)],
            lambda found: found.event.time,
        )
        try:
            await send(found, Identity(held, copies), producer, report.sent, lambda: progress(report), room)
        finally:
            await producer.close()

    try:
        patiently(settings, 0.0, lambda: asyncio.run(go()))
    except GaveUp as error:
        raise StackError(f"{error}; what was sent is safe, the same command goes on from there") from None
    report.reading = False
    if wait:
        workers.finish(lambda: progress(report))
    report.seconds = time.monotonic() - started
    return report


class Workers:
    """How far the workers are with an import, as the raw events tell: they come before their sessions."""

    def __init__(self, settings: Settings, reader: Reader, site: str, received: int, report: Report) -> None:
        self._settings, self._reader, self._report = settings, reader, report
        self._asked = {"site": site, "at": received}
        self._stand_still = False

    def look(self) -> bool:
        """Whether they have judged more since the last look; tells the report."""
        rows = patiently(self._settings, _ASK_SECONDS, lambda: self._reader.rows("received_reasons", **self._asked))
        before, self._report.became = self._report.became, {str(row["reason"]): int(row["events"]) for row in rows}
        return self._report.became != before

    def near(self, tick: Callable[[], None]) -> None:
        """Wait until little that was sent is uncounted, or they stand still: then what is sent waits on the log."""
        since = time.monotonic()
        while not self._stand_still and self._report.sent.sent - sum(self._report.became.values()) > _AHEAD:
            if self.look():
                since = time.monotonic()
            elif time.monotonic() - since > _STALL_SECONDS:
                self._stand_still = True
            else:
                time.sleep(_LOOK_SECONDS)
            tick()

    def finish(self, tick: Callable[[], None]) -> None:
        """Wait until all that was sent is in the numbers, or they stand still."""
        ended, since = wiring.now(), time.monotonic()
        while not self._report.fresh and time.monotonic() - since < _STALL_SECONDS:
            if self.look():
                since = time.monotonic()
            tick()
            self._report.fresh = wait_until_counted(self._settings, ended, tick, 1.0)
        self.look()


def _since(settings: Settings, site: Site) -> int:
    """Before when nothing counts any more, ms."""
    client = wiring.clickhouse(settings)
    return patiently(settings, _ASK_SECONDS, lambda: cuts(client, [site.id]).get(site.id, ALL).events)


def _until_broken(number: int, file: File, rules: Rules, report: Report) -> Iterator[Found]:
    try:
        yield from events(number, file, rules, report.tally)
    except StackError as error:
        report.broken = error
