"""`throughline demo`: a shop to look at."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def demo(
    url: Annotated[
        str | None, typer.Option("--url", help="Where the tracking endpoint answers.  [default: the running stack]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another 30 days.")] = 7,
    account: option.Account = None,
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Make a site of a shop with 30 days of life: older days are imported, the last one is posted like real traffic.

    Example: throughline demo
    """
    from deploy.cli import store
    from deploy.demo.run import demo as make
    from deploy.folder import StackError
    from deploy.settings import running

    settings = option.load(data, event_log=event_log, clickhouse=clickhouse, redis=redis)
    where = url or running(data).get("url")
    if not where:
        raise StackError("no stack runs in the folder: give --url, where the tracking endpoint answers")
    held = store.registry(settings)
    site = make(settings, held, store.account(held, account), where, typer.echo, seed)
    typer.echo(f"{where}/sites/{site.id}")
