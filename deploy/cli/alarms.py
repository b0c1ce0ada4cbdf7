"""`throughline alarms`: what is wrong now, and whether anybody would be told."""

from contextlib import closing
from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def alarms(
    test: Annotated[bool, typer.Option("--test", help="Send a message to the webhook and by mail.")] = False,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """List the alarms that are on, and who is told: THROUGHLINE_ALERT_URL and THROUGHLINE_ALERT_MAIL.

    Exit code: 0, or 1 when a test message was not taken.

    Example: throughline alarms --test
    """
    from deploy import wiring
    from deploy.alarm.book import Book
    from deploy.alarm.send import NotTaken, targets
    from deploy.logs import escape

    settings = option.load(data, redis=redis)
    told = targets(settings)
    with closing(wiring.redis_client(settings)) as client:
        on = Book(client, list(told)).open()
    for name, text in on.items():
        typer.echo(escape(f"{name:12} {text}"))
    typer.echo(f"{len(on) or 'no'} alarms are on; told: {' and '.join(told) or 'nobody, but the log of the api'}")
    failed = False
    for name, send in told.items() if test else ():
        try:
            send("this is a test, and nothing is wrong")
            typer.echo(f"{name}: taken")
        except NotTaken as error:
            typer.echo(f"{name}: {error}", err=True)
            failed = True
    if failed:
        raise typer.Exit(1)
