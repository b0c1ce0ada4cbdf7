"""`throughline key`: what programs call the API with."""

from typing import Annotated, Any, cast

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA, SettingError

app = typer.Typer(no_args_is_help=True, help="API keys of an account.")


@app.command()
def create(
    account: option.Account = None,
    name: Annotated[str, typer.Option("--name", help="Name for people.")] = "",
    scope: Annotated[
        str, typer.Option("--scope", help="What it may do: read, manage, or ingest (post events for others).")
    ] = "manage",
    site: Annotated[
        str | None, typer.Option("--site", help="Id of the one site it is good for.  [default: all]", metavar="ID")
    ] = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """Create an API key; it is shown once.

    Example: throughline key create --account ann@example.com --name "Weekly report" --scope read
    """
    from api.registry.change import create_key
    from deploy.cli import store

    if scope not in ("read", "manage", "ingest"):
        raise SettingError("--scope must be read, manage or ingest")
    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    where = None if site is None else store.site(held, site).id
    _, secret = create_key(held, store.account(held, account).id, name, cast(Any, scope), where)
    typer.echo(secret)


@app.command("list")
def list_(
    account: option.Account = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """List an account's keys by id: first and last characters, scope, site, last day of use, name.

    Example: throughline key list
    """
    from api.span import iso
    from api.uses import last_used
    from deploy import wiring
    from deploy.cli import store
    from deploy.logs import escape

    settings = option.load(data, clickhouse=clickhouse, redis=redis)
    held = store.registry(settings)
    keys = held.state.keys_of(store.account(held, account).id)
    days = last_used(wiring.redis_client(settings), [key.id for key in keys])
    for key in keys:
        used = f"used {days[key.id]}" if key.id in days else "not used"
        where = f"site {key.site}" if key.site else "all sites"
        told = f"{key.id}  {key.masked}  created {iso(key.created)}  {key.scope}  {where}  {used}  {escape(key.name)}"
        typer.echo(told.rstrip())


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `key list` shows it.")],
    account: option.Account = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """End a key for ever; services obey within 2 s.

    Example: throughline key revoke k3v9x1c7m2aa
    """
    from api.registry.change import revoke_key
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    revoke_key(held, store.account(held, account).id, key_id)
    typer.echo("revoked")
