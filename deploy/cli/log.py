"""`throughline log`: the event logs that were ever counted, and what to do when one of them is gone."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="Event logs that were counted, and one that is gone.")


@app.command("list")
def list_(
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """List every log that ClickHouse holds batches of; unfinished ones hold up `migrate` and `rebuild`.

    Example: throughline log list
    """
    from deploy import wiring
    from deploy.event_log import chain
    from deploy.logs import escape
    from rollups import control

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse)
    *before, current = [link.log for link in chain(settings)] or [""]
    for known in control.logs(wiring.clickhouse(settings)):
        heard = datetime.fromtimestamp(known.heard, UTC).isoformat(timespec="seconds")
        use = "  in use" if known.log == current else "  before the one in use" if known.log in before else ""
        batches = f"{known.partitions} partitions, last batch {heard}, {known.unfinished} unfinished"
        typer.echo(f"{escape(known.log)}  {batches}{use}")


@app.command()
def forget(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Id of the log, as `log list` shows it.")],
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Give up the batches of a log that is gone, so that nothing waits for them: its records are lost with it.

    A batch whose events are stored gets its sessions; of any other nothing is counted. Not for the log in use, whose
    batches a worker finishes.

    Example: throughline log forget 5f0c9a3e17d24b68
    """
    from deploy import wiring
    from deploy.event_log import chain
    from deploy.folder import StackError
    from deploy.logs import escape
    from rollups import control
    from workers.forget import forget as give_up

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse)
    client = wiring.clickhouse(settings)
    known = [found.log for found in control.logs(client)]
    if log not in known:
        raise StackError(f"no batch is of a log {log}; known are: {', '.join(known) or 'none'}")
    if log in [link.log for link in chain(settings)]:
        raise StackError(f"{log} is the log in use: a worker finishes its batches")
    done = give_up(client, log)
    for batch in done:
        what = (
            f"its {batch.stored:,} stored events are counted"
            if batch.stored
            else f"none of its events is stored, {batch.lost:,} of sessions are lost"
        )
        typer.echo(f"partition {batch.partition}, records {batch.a} to {batch.b}: {what}")
    typer.echo(f"{len(done)} unfinished batches of {escape(log)} given up" if done else "nothing is unfinished")
