"""`throughline key`: what programs call the API with."""

from typing import Annotated

import typer

from deploy.cli import option
from deploy.settings import DEFAULT_DATA

app = typer.Typer(no_args_is_help=True, help="API keys of an account.")


@app.command()
def create(
    account: option.Account = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """Create an API key; it is shown once.

    Example: throughline key create --account ann@example.com
    """
    from api.registry.change import create_key
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    _, secret = create_key(held, store.account(held, account).id)
    typer.echo(secret)


@app.command("list")
def list_(
    account: option.Account = None,
    data: option.Data = DEFAULT_DATA,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
) -> None:
    """List an account's keys by id, with their first and last characters.

    Example: throughline key list
    """
    from api.span import iso
    from deploy.cli import store

    held = store.registry(option.load(data, clickhouse=clickhouse, redis=redis))
    for key in held.state.keys_of(store.account(held, account).id):
        typer.echo(f"{key.id}  {key.masked}  created {iso(key.created)}")


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
