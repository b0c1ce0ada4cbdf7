"""More events than HTTP would bring in time: admitted ones, put on a stack's log as ingest would."""

import asyncio
import json
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

from deploy import wiring
from deploy.settings import Settings
from ingest.contract.event import Event, encode
from ingest.log.partition import partition as partition_of
from rollups.client import Client, connect
from tests.deploy.stack import Stack

RECORD = 200  # events a record, as ingest gathers them under load


def append(stack: Stack, events: Iterable[Event]) -> int:
    """Append the events in order, each to its visitor's partition; returns how many. Blocks."""
    address = json.loads((stack.data / "stack.json").read_text())["event_log"]

    async def run() -> int:
        producer = wiring.producer(Settings(event_log=address))
        await producer.start()
        gathered: dict[int, list[Event]] = {number: [] for number in range(producer.partitions)}
        sent = 0
        for event in events:
            number = partition_of(event.site, event.visitor, producer.partitions)
            gathered[number].append(event)
            sent += 1
            if len(gathered[number]) == RECORD:
                await producer.append(number, encode(gathered[number]))
                gathered[number].clear()
        for number, rest in gathered.items():
            if rest:
                await producer.append(number, encode(rest))
        await producer.close()
        return sent

    return asyncio.run(run())


def page(site: dict[str, Any], visitor: int, number: int) -> Event:
    """A pageview received now."""
    now = time.time_ns() // 1_000_000
    return Event(
        site["id"], f"{visitor:016x}", f"b{number}", "pageview", now, now, page=f"/{number % 7}", url="https://a/"
    )


@cache
def _store(url: str) -> Client:
    """Connecting takes longer than the question."""
    return connect(url)


def counted(stack: Stack, site: dict[str, Any]) -> int:
    """Raw events of the site, whatever became of them."""
    sql = "SELECT count() AS n FROM events WHERE site = {site:String}"
    return int(_store(stack.describes()["clickhouse"]).rows(sql, {"site": site["id"]})[0]["n"])
