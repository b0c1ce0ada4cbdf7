"""`throughline up`: the stack on one machine."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def up(
    data: option.Data = DEFAULT_DATA,
    host: option.Host = None,
    port: option.Port = None,
    workers: option.Workers = None,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    restore: Annotated[
        bool,
        typer.Option(
            "--restore", help="Go on without what ClickHouse lost: with what Redis and the event log still hold."
        ),
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Fill a demo shop with 30 days of life.")] = False,
) -> None:
    """Start everything on this machine behind one port: pages, API and tracking.

    Redis and ClickHouse are started too, unless an address is given. Ctrl+C stops it all; the data stay in the folder.

    Example: throughline up --data /srv/throughline --port 8080
    """
    from deploy.stack import Stack

    given = option.load(
        None, host=host, port=port, workers=workers, event_log=event_log, clickhouse=clickhouse, redis=redis
    )
    stack = Stack(data, given, _say, restore=restore)
    try:
        ready = stack.start()
        if ready is not None:
            if ready.first_run:
                _say("Your account. The password is told this once; the first sign-in asks for another.")
                for name in ("email", "password", "api_key"):
                    _say(f"  {name.replace('_', ' ') + ':':10}{ready.first_run[name]}")
                stack.told()
            _say(f"ready {ready.url}")
            if demo:
                stack.start_demo()
            stack.run()
            _say("stopping")
    finally:
        stack.stop()


def _say(line: str) -> None:
    typer.echo(line)
