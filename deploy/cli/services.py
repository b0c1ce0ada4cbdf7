"""`throughline ingest`, `worker` and `api`: one service each, as on a cluster."""

from pathlib import Path

from deploy.cli import option
from deploy.settings import DEFAULT_DATA


def ingest(
    host: option.Host = None,
    port: option.Port = None,
    event_log: option.EventLog = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Serve the tracking endpoint and the script. It needs the event log and Redis, not ClickHouse.

    Example: throughline ingest --port 8080 --event-log kafka://kafka:9092 --redis redis://redis:6379/0
    """
    _serve("ingest", data, host=host, port=port, event_log=event_log, redis=redis)


def api(
    host: option.Host = None,
    port: option.Port = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Serve the read API and the dashboard.

    Example: throughline api --port 8081 --clickhouse http://ch:8123/throughline --redis redis://redis:6379/0
    """
    _serve("api", data, host=host, port=port, clickhouse=clickhouse, redis=redis)


def worker(
    event_log: option.EventLog = None,
    clickhouse: option.ClickHouse = None,
    redis: option.Redis = None,
    host: option.Host = None,
    metrics_port: option.MetricsPort = None,
    data: option.Data = DEFAULT_DATA,
) -> None:
    """Turn events of the log into sessions and rollups; start as many as there is work for, up to one a partition.

    Example: throughline worker --metrics-port 9100
    """
    from deploy.logs import configure
    from deploy.worker import run

    settings = option.load(
        data, event_log=event_log, clickhouse=clickhouse, redis=redis, host=host, metrics_port=metrics_port
    )
    configure("worker", settings.log_level, settings.log_format)
    run(settings)


def _serve(role: str, data: Path, **flags: str | int | None) -> None:
    from deploy.logs import configure
    from deploy.stack import listen
    from deploy.web import run

    settings = option.load(data, **flags)
    configure(role, settings.log_level, settings.log_format)
    run((role,), settings, listen(settings.host, settings.port))
