"""The options that many commands share, and the settings they amount to."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy import settings

Data = Annotated[Path, typer.Option("--data", help="Folder of the stack.")]
EventLog = Annotated[
    str | None, typer.Option("--event-log", help="Event log: redis://… or kafka://host:port.", metavar="URL")
]
ClickHouse = Annotated[
    str | None, typer.Option("--clickhouse", help="ClickHouse: http://user:password@host:port/database.", metavar="URL")
]
Redis = Annotated[str | None, typer.Option("--redis", help="Redis: redis://host:port/0.", metavar="URL")]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on.  [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on.  [default: 8080]")]
Workers = Annotated[int | None, typer.Option("--workers", help="How many workers.  [default: 1]")]
MetricsPort = Annotated[
    int | None, typer.Option("--metrics-port", help="Port for /health and /metrics.  [default: none]")
]
Account = Annotated[
    str | None,
    typer.Option("--account", help="Email of the account; not needed while there is only one.", metavar="EMAIL"),
]
Site = Annotated[str, typer.Option("--site", help="Id or tracking id of the site.", metavar="ID")]


def load(data: Path | None, **flags: Any) -> settings.Settings:
    """Settings from the flags that were given, the environment and the stack running in `data`."""
    return settings.load(flags, data=data)
