"""`throughline erase` and `export-visitor`: what a person may ask for."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

_Visitor = Annotated[str, typer.Argument(metavar="VISITOR", help="The visitor's id, as lists of visitors give it.")]


def erase(
    visitor: _Visitor,
    wait: Annotated[bool, typer.Option(help="Wait until nothing of them is left, which takes minutes.")] = True,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Erase a visitor: out of every number, and then everything that is stored about them. A worker sees to it.

    Example: throughline erase k3v9x1c7-0123456789abcdef
    """
    import time

    from deploy import wiring
    from deploy.cli import store
    from deploy.folder import StackError
    from ingest.contract import wish
    from rollups.purge import accept, stands

    settings = option.load(data, clickhouse=clickhouse, redis=redis)
    site, name = store.visitor(store.registry(settings), visitor)
    client = wiring.clickhouse(settings)
    erasure = accept(client, site.id, name, wiring.now())
    if erasure is None:
        raise StackError(f"the site has no visitor {visitor}")
    wish.wake(wiring.redis_client(settings), "erasing")
    typer.echo(f"erasure {erasure}: accepted")
    while wait and stands(client, site.id, erasure) != "done":
        time.sleep(1.0)
    if wait:
        typer.echo("done: nothing of them is left but what the event log keeps for its hour")


def export_visitor(
    visitor: _Visitor,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Write everything that is stored about a visitor to the standard output, a JSON object a line.

    Example: throughline export-visitor k3v9x1c7-0123456789abcdef
    """
    from api.erasure import lines
    from deploy import wiring
    from deploy.cli import store
    from deploy.elsewhere import elsewhere
    from rollups.read import Reader

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    site, name = store.visitor(store.registry(settings), visitor)
    reader = Reader(wiring.clickhouse(settings), max_seconds=600)
    for line in lines(reader, site.id, name, elsewhere(settings, site.id, name)):
        typer.echo(line, nl=False)
