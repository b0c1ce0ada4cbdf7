"""What a stack does before it serves: migrate the stores and, when there is no account yet, make the first one."""

import argparse
import logging
import sys
from contextlib import suppress
from pathlib import Path

from redis.exceptions import RedisError

from api.registry.change import create_account, create_key
from api.registry.secret import new_password
from api.registry.store import Registry, RegistryUnavailable
from deploy import event_log, wiring
from deploy.folder import StackError, read_private, write_private
from deploy.gone import another_log, missed, restore
from deploy.logs import configure
from deploy.patience import patiently
from deploy.settings import SettingError, Settings, load
from deploy.supervise import die_with_parent
from ingest.log.protocol import LogUnavailable
from rollups import damage, snapshot
from rollups.client import ClickHouseUnavailable
from rollups.control import ClaimLost, Unfinished
from rollups.engine import ONE_SERVER, Engines
from rollups.migrate import SchemaRefused, migrate

FIRST_EMAIL = "admin@localhost"
AGAIN = 75  # exit code: run it again beside a worker

log = logging.getLogger(__name__)


def prepare(
    settings: Settings, first_run: Path, url: str, patience_seconds: float, *, restoring: bool = False
) -> list[str]:
    """Idempotent; returns what there is to say, in lines. `restoring`: bring back what ClickHouse lost.

    Raises StackError: a store that stays away, a ClickHouse too old, a schema too new, data that are gone.
    Raises Unfinished when a worker must finish batches before new rollups can be built; all else is done then.
    """
    held = read_private(first_run)
    if not restoring and (gone := patiently(settings, patience_seconds, lambda: missed(settings, held))):
        raise StackError(gone)
    unfinished: Unfinished | None = None
    try:
        patiently(settings, patience_seconds, lambda: migrate_stores(settings))
    except Unfinished as error:
        unfinished = error  # only rollups are missing
    restored = patiently(settings, patience_seconds, lambda: restore(settings, held)) if restoring else []
    registry = patiently(settings, patience_seconds, lambda: wiring.registry(settings))
    if broken := damage.aside(wiring.clickhouse(settings)):
        log.warning("parts of ClickHouse's tables are broken: %s; throughline repair", damage.told(broken))
    if "api_key" not in held and (held or not registry.state.account_by_id):
        _first_account(registry, first_run, {"url": url, "email": FIRST_EMAIL, **held})
    snapshot.drop(wiring.clickhouse(settings))  # of a backup that was killed: what is erased must not stay there
    registry.publish()
    if unfinished is not None:
        raise unfinished
    said = [f"restored: {line}" for line in restored]
    # A log that is away now is no reason not to start.
    with suppress(ClickHouseUnavailable, LogUnavailable, RedisError):
        said += filter(None, [another_log(settings), _idle(settings)])
    return said


def _idle(settings: Settings) -> str | None:
    """That there are more workers than partitions, if there are."""
    log = next(reversed(event_log.chain(settings)), None) if settings.workers > 1 else None
    if log is None or log.partitions >= settings.workers:
        return None
    return (
        f"{settings.workers - log.partitions} of {settings.workers} workers have nothing to do, for the event log has "
        f"{log.partitions} partition{'s' if log.partitions > 1 else ''}: throughline repartition {settings.workers}"
    )


def _first_account(registry: Registry, first_run: Path, made: dict[str, str]) -> None:
    """Make the account and its key. A start that is killed in between leaves its half for the next one to finish.

    The password is in the file until somebody was told.
    """
    made.setdefault("password", new_password())
    write_private(first_run, made)
    account = registry.state.account_by_email.get(made["email"])
    if account is None:
        account = create_account(registry, made["email"], made["password"], temporary=True)
    _, made["api_key"] = create_key(registry, account.id)
    write_private(first_run, made)


def migrate_stores(settings: Settings) -> list[str]:
    """Bring ClickHouse to this version's schema; returns what was done.

    Raises StackError, ClickHouseUnavailable, Unfinished.
    """
    try:
        return migrate(settings.address("clickhouse"), engines=engines(settings))
    except (SchemaRefused, ClaimLost) as error:
        raise StackError(str(error)) from error


def engines(settings: Settings) -> Engines:
    """One server, or replicas on the cluster that the settings name."""
    cluster = settings.clickhouse_cluster
    return Engines(cluster=cluster, replicated=True, fsync=False) if cluster else ONE_SERVER


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy.prepare")
    parser.add_argument("--first-run", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for stores")
    parser.add_argument("--restore", action="store_true", help="bring back what ClickHouse lost, as far as it can be")
    given = parser.parse_args()
    die_with_parent()
    try:
        settings = load({})
        configure("prepare", settings.log_level, settings.log_format)
        for line in prepare(settings, given.first_run, given.url, given.patience, restoring=given.restore):
            sys.stdout.write(f"{line}\n")
    except (StackError, SettingError, RegistryUnavailable) as error:
        sys.stderr.write(f"throughline: {error}\n")
        sys.exit(1)
    except OSError as error:
        sys.stderr.write(f"throughline: cannot write {given.first_run}: {error.strerror}\n")
        sys.exit(1)
    except Unfinished:
        sys.exit(AGAIN)


if __name__ == "__main__":
    main()
