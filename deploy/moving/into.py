"""`throughline site import`: the lines of an exported site go onto the event log, those that are not there yet."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from api.registry.state import State
from api.registry.store import Registry
from deploy import wiring
from deploy.counted import wait_until_counted
from deploy.folder import StackError
from deploy.importing.send import GaveUp, append
from deploy.moving.line import FORMAT, Counted, End, Head, Line, Uncounted, decode, event, filtered
from deploy.patience import patiently
from deploy.settings import Settings
from ingest.contract.event import Line as Logged
from ingest.contract.site import Site, SiteSettings
from ingest.log.protocol import Producer
from rollups.client import Client
from rollups.retain import ALL, cuts
from rollups.sql import statement, utc

_CHUNK = 10_000
_STALL_SECONDS = 60.0
_SETTINGS = {"max_execution_time": 600}


def check(path: Path) -> tuple[Head, End]:
    """Read all of the file; raises StackError, naming it and the line, unless it is whole."""
    head: Head | None = None
    end: End | None = None
    events = uncounted = 0
    for number, line in _lines(path):
        if (head is None) != isinstance(line, Head) or end is not None:
            raise StackError(f"{path}: line {number} is out of place")
        if isinstance(line, Head):
            head = line
            if line.throughline != FORMAT:
                raise StackError(f"{path} is of format {line.throughline}, this version reads {FORMAT}")
        elif isinstance(line, End):
            end = line
        elif isinstance(line, Counted):
            events += 1
        else:
            uncounted += line.count
    if head is None or end != End(events, uncounted):
        raise StackError(f"{path} is not whole: export the site again")
    return head, end


def site_of(registry: Registry, account: str, head: Head, secret: str) -> Site:
    """The site of the file in this installation, with the ids that it had; made unless an import began it.

    `secret`: for one whose file has none. Raises StackError, Refusal, RegistryUnavailable.
    """
    held = registry.state.site_by_id.get(head.id)
    if held is not None and not held.deleted and (held.tracking_id, held.account) == (head.tracking_id, account):
        return held
    try:
        settings = SiteSettings.model_validate(head.settings)
    except ValueError as error:
        raise StackError(f"the settings of the site are none of this version: {' '.join(str(error).split())}") from None

    def make(state: State) -> Site:
        if head.id in state.used_ids():
            raise StackError(f"the id {head.id} was used here before, and ids are never used again")
        if any(site.domain == head.domain for site in state.sites_of(account)):
            raise StackError(f"the account has a site of the domain {head.domain} already")
        return Site(
            id=head.id,
            account=account,
            name=head.name,
            domain=head.domain,
            tracking_id=head.tracking_id,
            secret=head.secret or secret,
            settings=settings,
            created=head.created,
        )

    return registry.change(make)


def bring(settings: Settings, site: Site, path: Path, end: End, progress: Callable[[int, int], None]) -> int:
    """Send what the installation does not hold; returns how many lines that were. Blocks; raises StackError and what
    stores raise. May be stopped and run again.
    """
    client = wiring.clickhouse(settings).patient(600)
    # What an import before this one left on the log must be among the raw events before they are asked.
    if not wait_until_counted(settings, wiring.now(), lambda: None, _STALL_SECONDS):
        raise StackError("the workers do not count: start one, and run the same command again")

    async def go() -> int:
        producer = wiring.producer(settings)
        await producer.start()
        try:
            return await _send(client, producer, site, path, lambda done: progress(done, end.events + end.filtered))
        finally:
            await producer.close()

    try:
        sent = patiently(settings, 0.0, lambda: asyncio.run(go()))
    except GaveUp as error:
        raise StackError(f"{error}; what was sent is safe, the same command goes on from there") from None
    wait_until_counted(settings, wiring.now(), lambda: None, _STALL_SECONDS)
    return sent


async def _send(client: Client, producer: Producer, site: Site, path: Path, progress: Callable[[int], None]) -> int:
    done = sent = 0
    events: list[Counted] = []
    uncounted: list[Uncounted] = []

    async def flush() -> None:
        nonlocal done, sent
        fresh: list[Logged] = await asyncio.to_thread(_fresh, client, site, events, uncounted)
        await append(fresh, producer)
        done, sent = done + len(events) + sum(each.count for each in uncounted), sent + len(fresh)
        events.clear()
        uncounted.clear()
        progress(done)

    for _, line in _lines(path):
        if isinstance(line, Counted):
            events.append(line)
        elif isinstance(line, Uncounted):
            uncounted.append(line)
        if len(events) + len(uncounted) >= _CHUNK:
            await flush()
    await flush()
    return sent


def _fresh(client: Client, site: Site, events: list[Counted], uncounted: list[Uncounted]) -> list[Logged]:
    """What of the lines is not among the raw events, nor of months that the site keeps no longer."""
    made: list[Logged] = []
    since = cuts(client, [site.id]).get(site.id, ALL).events
    events = [each for each in events if each.at >= since]
    uncounted = [each for each in uncounted if each.received >= since]
    if events:
        known = client.rows(
            statement("site_known"),
            {
                "site": site.id,
                "ids": [each.id for each in events],
                "from": utc(min(each.at for each in events)),
                "to": utc(max(each.at for each in events)),
            },
            _SETTINGS,
        )
        there = {(row["visitor"], row["id"], row["time_ms"]) for row in known}
        made += [
            event(each, site.id, site.revision) for each in events if (each.visitor, each.id, each.at) not in there
        ]
    if uncounted:
        span: dict[str, Any] = {
            "site": site.id,
            "from": utc(min(each.received for each in uncounted)),
            "to": utc(max(each.received for each in uncounted) + 1),
        }
        rows = client.rows(statement("site_uncounted"), span, _SETTINGS)
        held = {(row["reason"], row["received_ms"]): row["count"] for row in rows}
        for each in uncounted:
            made += [filtered(each, site.id)] * (each.count - held.get((each.reason, each.received), 0))
    return made


def _lines(path: Path) -> Iterator[tuple[int, Line]]:
    """Numbered, from 1. Raises StackError, naming the file, for one that is broken."""
    number = 0
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            rest = b""
            while block := stream.read(1 << 20):
                *lines, rest = (rest + block).split(b"\n")
                for text in lines:
                    number += 1
                    yield number, decode(text)
            if rest:
                raise StackError(f"{path} is not whole: it ends within line {number + 1}")
    except zstandard.ZstdError:
        raise StackError(
            f"{path} is broken behind line {number}, or was not made by `throughline site export`"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StackError(f"{path}: line {number} cannot be read: {error}") from None
