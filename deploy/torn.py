"""Unfinished batches of which a log that was put back has lost a part: set aside, what is left of them counted anew.

One whose setting aside was begun before, by whomever, is brought to its end; its lines wait for a human then.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import closing

from deploy import wiring
from deploy.event_log import chain, member
from deploy.prepare import engines
from deploy.settings import Settings
from ingest.log.dead import DeadLetter, DeadLetters, Replayed, placed, replay
from ingest.log.protocol import Consumer
from rollups.client import Client
from rollups.decided import Decided
from rollups.write import Writer
from workers import blob as blobs
from workers.aside import Stuck, set_aside, stuck

logger = logging.getLogger(__name__)

_WHY = "the log was put back, and a part of the batch is gone"
_BEGUN = "as was begun before"


def mend(settings: Settings, met: int) -> None:
    """Set such batches aside and put their lines back on the log; nothing where there are none. Blocks.

    `met`: the partition in which a worker met one.

    What is stored of them is taken out first, and every worker pauses meanwhile. The lines are on the log again before
    the batches are finished: stopped anywhere, the next worker meets them once more. Raises what `set_aside` and
    `replay` raise.
    """
    client = wiring.clickhouse(settings)
    with closing(wiring.consumer(settings)) as consumer:
        found = _found(client, consumer, met)
        if not found:
            return
        with closing(wiring.dead_letters(settings)) as dead:
            again: list[Replayed] = []
            done = set_aside(
                client,
                dead,
                found,
                engines=engines(settings),
                before_end=lambda: again.append(asyncio.run(_again(settings, dead, consumer, found))),
            )
    partitions = ", ".join(str(each.decided.partition) for each in found)
    logger.error(
        "partition %s: set aside; %d raw events and %d session rows of it were undone, %d lines are on the log again",
        partitions,
        done.lines,
        done.sessions,
        sum(each.sent for each in again),
    )


def _found(client: Client, consumer: Consumer, met: int) -> list[Stuck]:
    found: list[Stuck] = []
    for partition in range(consumer.partitions):
        batch = stuck(client, consumer, partition, _WHY)
        if batch is not None and batch.whole and partition == met:
            batch = stuck(client, consumer, partition, _BEGUN)
        # Any other is finished by a worker: the log has its records, or ClickHouse all of its rows.
        if batch is not None and (partition == met or not (batch.whole or _stored(client, batch.decided))):
            found.append(batch)
    return found


def _stored(client: Client, decided: Decided) -> bool:
    return len(Writer(client).stored(decided)) == blobs.decode(decided.blob).lines


async def _again(settings: Settings, dead: DeadLetters, consumer: Consumer, found: Sequence[Stuck]) -> Replayed:
    ends = {(each.decided.log, each.decided.partition): each.decided.b for each in found}
    producer = wiring.producer(settings)
    await producer.start()
    try:
        with member(settings, chain(settings)[-1], consumer) as other:
            log = other.log_id()

            def there(letter: DeadLetter) -> bool:
                return all(
                    any(record.value == line for record in other.left(number, begin, other.bounds(number).end))
                    for number, line in placed(letter, other.partitions)
                    for begin in [ends.get((log, number), 0)]
                )

            return await replay(dead, producer, only=_torn, there=there)
    finally:
        await producer.close()


def _torn(letter: DeadLetter) -> bool:
    return letter.reason == f"set aside: {_WHY}"
