"""`throughline repartition`: another number of partitions for the event log."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def repartition(
    partitions: Annotated[int, typer.Argument(metavar="N", min=1, max=1024, help="How many from now on.")],
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Give the event log N partitions, more or fewer: as many workers as that can share the work.

    Everything keeps running, and events are taken meanwhile. They go to a new log of N partitions; workers count the
    one of before to its end, then the new one, so the numbers stand still for as long as that takes. Stopped half-way,
    run it again.

    Example: throughline repartition 4
    """
    from deploy.logs import escape
    from deploy.repartition import repartition as run

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse)
    run(settings, partitions, lambda line: typer.echo(escape(line)))
