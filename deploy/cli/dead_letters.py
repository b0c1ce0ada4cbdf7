"""`throughline dead-letters`: lines of the log that no worker could read."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="Lines of the event log that no worker could read.")


@app.command("list")
def list_(
    event_log: option.EventLog = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """List the dead letters: origin (log/partition/offset/line), reason, and the line's beginning.

    Example: throughline dead-letters list
    """
    from deploy import wiring
    from deploy.logs import escape

    dead = wiring.dead_letters(option.load(data, event_log=event_log))
    try:
        for letter in dead.letters():
            beginning = letter.line[:200].decode("utf-8", "replace")
            typer.echo(f"{letter.origin}  {escape(letter.reason)}\n    {escape(beginning)}")
    finally:
        dead.close()


@app.command()
def replay(
    again: Annotated[
        bool, typer.Option("--again", help="Also those whose earlier replay broke off: sent twice, counted once.")
    ] = False,
    event_log: option.EventLog = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Put the dead letters back on the log, after an upgrade that can read them.

    Example: throughline dead-letters replay
    """
    import asyncio

    from deploy import wiring
    from ingest.log.dead import Replayed
    from ingest.log.dead import replay as send

    settings = option.load(data, event_log=event_log)
    dead = wiring.dead_letters(settings)

    async def go() -> Replayed:
        producer = wiring.producer(settings)
        await producer.start()
        try:
            return await send(dead, producer, again=again)
        finally:
            await producer.close()

    try:
        done = asyncio.run(go())
    finally:
        dead.close()
    typer.echo(f"replayed {done.sent}")
    if done.unsure:
        typer.echo(f"left {done.unsure} whose earlier replay broke off: --again sends them too")
