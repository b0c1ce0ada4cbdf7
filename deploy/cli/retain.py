"""`throughline retain`: months go now that sites keep no longer."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def retain(
    site: Annotated[
        str | None, typer.Argument(metavar="[SITE]", help="Id or tracking id.  [default: every site]")
    ] = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Remove the months now that a site keeps no longer by its setting `retention`. Workers do it by themselves, too.

    Raw events go, then sessions; every number of whole days stays. Workers hold still for a moment each month.

    Example: throughline retain k3v9x1c7
    """
    from deploy.cli import store
    from deploy.retaining import run

    settings = option.load(data, clickhouse=clickhouse, redis=redis)
    held = store.registry(settings)
    sites = [store.site(held, site)] if site is not None else list(held.state.site_by_id.values())
    for each in sites:
        last = ""

        def tell(standing: object, name: str = each.id) -> None:
            nonlocal last
            if (said := f"{name}  {standing}") != last:
                typer.echo(said)
                last = said

        run(settings, each, tell)
    typer.echo("nothing more is to go")
