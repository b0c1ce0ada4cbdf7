"""`throughline restore DIR`: an empty installation becomes the one that was backed up."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from redis import Redis

from api.registry.account import Key
from api.registry.secret import name as random_name
from api.registry.secret import sha256, shown
from api.registry.state import State, read
from deploy import wiring
from deploy.backup.manifest import Manifest, check, load
from deploy.folder import FIRST_RUN_FILE, StackError, read_private, write_private
from deploy.prepare import engines, migrate_stores
from deploy.settings import Settings
from ingest.contract import snapshot
from rollups import registry
from rollups import version as schema
from rollups.client import Client
from rollups.refill import Content, NotEmpty, Short, done, end_life, is_full, refill
from rollups.registry import RegistryRow
from workers import state as visitors


def restore(settings: Settings, folder: Path, data: Path | None, progress: Callable[[str, int, int], None]) -> Manifest:
    """Fill an empty installation with a backup; returns what was in it. `data`: the folder of a stack, if it is one.

    Every file is checked before anything is changed. Stopped on the way: run it again. Blocks; raises StackError,
    ClickHouseUnavailable, RedisError, control.ClaimLost, control.Unfinished.
    """
    made = load(folder)
    if made.schema > schema.newest():
        raise StackError(
            f"the backup is of schema {made.schema} (Throughline {made.version}), this version knows "
            f"{schema.newest()}: upgrade Throughline"
        )
    client, redis = wiring.clickhouse(settings), wiring.redis_client(settings)
    migrate_stores(settings)
    try:
        if is_full(client, made.rows["registry"]):
            return _ended(client, redis, data, made)
        for number, entry in enumerate(made.entries):
            progress("checked", number, len(made.entries))
            check(folder, entry)
        contents = [
            Content(entry.table, entry.rows, partial((folder / entry.file).read_bytes)) for entry in made.entries
        ]
        visitors.forget(redis)  # what it has of them is of a ClickHouse that is gone
        refill(client, contents, made.rollups, engines(settings), partial(progress, "restored"))
    except NotEmpty as error:
        raise StackError(
            f"a backup is restored into an empty installation only, and this one is in use: {error}"
        ) from None
    except Short as error:
        raise StackError(f"the restored tables are not whole ({error}): run it again") from None
    return _ended(client, redis, data, made)


def _ended(client: Client, redis: Redis, data: Path | None, made: Manifest) -> Manifest:
    """Let every process know the restored registry: it goes above whatever one has seen, the first start's key with it.

    That key, in the stack's folder, becomes one of the first account, for the account that it was made for is no more.
    """
    end_life(client)  # before the first event for it can come
    state, before = _state(client), snapshot.published(redis).version
    first_run = read_private(data / FIRST_RUN_FILE) if data else {}
    if (secret := first_run.get("api_key")) and state.account_by_id and sha256(secret) not in state.key_by_sha256:
        owner = next(iter(state.account_by_id.values()))
        head, tail = shown(secret)
        key = Key(
            id=random_name(12), account=owner.id, sha256=sha256(secret), head=head, tail=tail, created=wiring.now()
        )
        body = RegistryRow(key.kind, key.id, max(state.revision, before) + 1, key.model_dump_json())
        registry.put_back(client, [body], wiring.now())
        if data:
            kept = {name: value for name, value in first_run.items() if name != "password"}
            write_private(data / FIRST_RUN_FILE, {**kept, "email": owner.email})
    elif state.revision <= before:
        newest = registry.since(client, state.revision - 1)[-1]
        registry.put_back(client, [newest._replace(revision=before + 1)], wiring.now())
    snapshot.publish(redis, _state(client).snapshot())
    done(client)
    return made


def _state(client: Client) -> State:
    state = State()
    for row in registry.since(client, 0):
        state.put(read(row.body, row.revision), row.revision)
    return state
