"""Unfinished batches of which a log that was put back has lost a part: set aside, what is left of them counted anew.

One whose setting aside was begun before, by whomever, is brought to its end; its lines wait for a human then.
"""

import asyncio
import logging

from deploy import wiring
from deploy.prepare import engines
from deploy.settings import Settings
from ingest.log.dead import DeadLetter, DeadLetters, Replayed, replay
from rollups.client import Client
from rollups.write import Decided, Writer
from workers import blob as blobs
from workers.aside import Stuck, set_aside, stuck

logger = logging.getLogger(__name__)

_WHY = "the log was put back, and a part of the batch is gone"
_BEGUN = "as was begun before"


def mend(settings: Settings, met: int) -> None:
    """Set such batches aside and put their lines back on the log; nothing where there are none. Blocks.

    `met`: the partition in which a worker met one.

    What is stored of them is taken out first, and every worker pauses meanwhile. Stopped anywhere, it is to be run
    again; lines that then wait as dead letters stay there. Raises what `set_aside` and `replay` raise.
    """
    client, consumer = wiring.clickhouse(settings), wiring.consumer(settings)
    found: list[Stuck] = []
    try:
        for partition in range(consumer.partitions):
            batch = stuck(client, consumer, partition, _WHY)
            if batch is not None and batch.whole and partition == met:
                batch = stuck(client, consumer, partition, _BEGUN)
            # Any other is finished by a worker: the log has its records, or ClickHouse all of its rows.
            if batch is not None and (partition == met or not (batch.whole or _stored(client, batch.decided))):
                found.append(batch)
    finally:
        consumer.close()
    if not found:
        return
    dead = wiring.dead_letters(settings)
    try:
        done = set_aside(client, dead, found, engines=engines(settings))
        again = asyncio.run(_again(settings, dead))
    finally:
        dead.close()
    partitions = ", ".join(str(each.decided.partition) for each in found)
    logger.error(
        "partition %s: set aside; %d raw events and %d session rows of it were undone, %d lines are on the log again",
        partitions,
        done.lines,
        done.sessions,
        again.sent,
    )


def _stored(client: Client, decided: Decided) -> bool:
    return len(Writer(client).stored(decided)) == blobs.decode(decided.blob).lines


async def _again(settings: Settings, dead: DeadLetters) -> Replayed:
    producer = wiring.producer(settings)
    await producer.start()
    try:
        return await replay(dead, producer, only=_torn)
    finally:
        await producer.close()


def _torn(letter: DeadLetter) -> bool:
    return letter.reason == f"set aside: {_WHY}"
