"""`throughline repair`: broken parts of ClickHouse's tables."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def repair(
    lost: Annotated[
        bool, typer.Option("--lost", help="Go on also where raw events, or sessions without any, are lost for good.")
    ] = False,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Find broken parts of ClickHouse's tables, set them aside and bring back what they held.

    Raw events come from the event log, as they were decided; sessions are judged anew from the raw events, by the
    settings of today where they differ; rollups are made equal to their sources. What cannot be had is named. Workers
    hold still for some of it, and one must run. Everything is verified then; exit code 1 if differences are left, else
    the broken parts are deleted. Safe to run twice, and where nothing is broken.

    Example: throughline repair
    """
    from deploy.logs import escape
    from deploy.repair import repair as run

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    if not run(settings, lambda line: typer.echo(escape(line)), lost=lost):
        raise typer.Exit(1)
