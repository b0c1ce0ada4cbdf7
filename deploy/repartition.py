"""`repartition N`: events go to a new log of so many partitions; the one before is counted to its end, then the new.

To make the new log is the decision. All that comes after may be done again: a run that was killed is run again.
"""

import time
from collections.abc import Callable
from contextlib import closing

from deploy import event_log, wiring
from deploy.folder import StackError
from deploy.settings import Settings
from ingest.log.succession import Link, Positions, Succession, due, open_of
from rollups import control

MOVE_SECONDS = 3.0  # in which every ingest that is well has gone on to the new log, so that sealing refuses nobody
STALL_SECONDS = 60.0
_LOOK_SECONDS = 0.5
_TELL_SECONDS = 5.0

Step = Callable[[str], None]


def repartition(
    settings: Settings,
    partitions: int,
    say: Callable[[str], None],
    *,
    step: Step = lambda name: None,
    move_seconds: float = MOVE_SECONDS,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Give the event log so many partitions, and return once only they are left to be counted. Blocks.

    `step` hears of each step before it is taken. Raises StackError, LogTruncated, and what stores raise.
    """
    with closing(event_log.succession(settings)) as logs:
        if not (chain := logs.chain()):
            raise StackError("there is no event log yet: THROUGHLINE_PARTITIONS says what it is made with")
        if chain[-1].partitions == partitions:
            say(f"events go to {_many(partitions)} already")
        else:
            step("extend")
            logs.extend(chain[-1], partitions)
            if (made := logs.chain()[-1].partitions) != partitions:
                raise StackError(f"somebody else gave it {_many(made)} at the same moment: run this again")
            say(f"events go to {_many(partitions)} from now on")
            step("move")
            time.sleep(move_seconds)
        _seal(logs, say, step)
        step("wait")
        _wait(settings, logs, say, stall_seconds)
    say("all that came before is counted")


def _many(partitions: int) -> str:
    return f"{partitions} partitions" if partitions != 1 else "1 partition"


def _seal(logs: Succession, say: Callable[[str], None], step: Step) -> None:
    for link in logs.chain()[:-1]:
        if link.ends is None:
            step("seal")
            logs.seal(link)
            say(f"the log of before, of {_many(link.partitions)}, takes no more; workers do the rest by themselves")


def _wait(settings: Settings, logs: Succession, say: Callable[[str], None], stall_seconds: float) -> None:
    client = wiring.clickhouse(settings)
    before: Positions = {}
    since = told = time.monotonic()
    while True:
        chain, positions = logs.chain(), control.positions(client)
        at: Link | None = due(chain, lambda positions=positions: positions)  # type: ignore[misc]
        if at is None or at == chain[-1]:
            return
        now = time.monotonic()
        if positions != before:
            before, since = positions, now
        if now - since > stall_seconds:
            raise StackError(
                f"no worker has counted anything for {stall_seconds:.0f} s: start one, it does the rest by itself"
            )
        if now - told > _TELL_SECONDS:
            told = now
            say(f"of {_many(at.partitions)} of before, {len(open_of(at, positions))} are not counted to their end yet")
        time.sleep(_LOOK_SECONDS)
